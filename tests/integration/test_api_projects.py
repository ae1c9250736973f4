"""Projects over HTTP, and how the API answers what is malformed."""

import pytest

from renderowl.testing.service import Service


async def test_a_project_can_be_made_read_changed_and_deleted(service: Service) -> None:
    made = await service.http.post("/projects", json={"name": "Trailer", "settings": {"theme": "dark"}})
    assert made.status_code == 201
    project = made.json()
    assert {"id", "name", "status", "asset_count", "render_count", "created_at"} <= project.keys()
    assert (project["status"], project["asset_count"], project["render_count"]) == ("active", 0, 0)
    assert project["created_at"].endswith("Z")
    path = f"/projects/{project['id']}"
    changed = (await service.http.patch(path, json={"name": "Teaser", "status": "archived"})).json()
    assert (changed["name"], changed["status"], changed["settings"]) == ("Teaser", "archived", {"theme": "dark"})
    assert (await service.http.delete(path)).status_code == 204
    assert (await service.http.get(path)).status_code == 404


async def test_others_projects_do_not_exist(service: Service) -> None:
    ann, bob = await service.user("ann@example.org"), await service.user("bob@example.org")
    path = f"/projects/{await service.project(ann)}"
    for answer in (
        await bob.get(path),
        await bob.patch(path, json={"name": "x"}),
        await bob.delete(path),
        await bob.get(f"{path}/assets"),
        await bob.get(f"{path}/renders"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await bob.get("/projects")).json()["items"] == []


async def test_lists_are_paged_newest_first(service: Service) -> None:
    ids = [await service.project(name=f"P{n}") for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({} if cursor is None else {"cursor": cursor})
        page = (await service.http.get("/projects", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("body", "status", "code", "paths"),
    [
        (b"{", 400, "malformed_request", []),
        (b"\xff", 400, "malformed_request", []),
        (b"[]", 422, "validation_failed", [""]),
        (b"{}", 422, "validation_failed", ["/name"]),
        (b'{"name": "x", "nmae": "y"}', 422, "validation_failed", ["/nmae"]),
        (b'{"name": "", "settings": 3}', 422, "validation_failed", ["/name", "/settings"]),
        (b'{"name": "a\\u0000b"}', 422, "validation_failed", ["/name"]),
    ],
)
async def test_a_bad_body_is_a_problem_document_naming_the_fields(
    service: Service, body: bytes, status: int, code: str, paths: list[str]
) -> None:
    answer = await service.http.post("/projects", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["path"] for error in problem.get("errors", [])] == paths
    assert {"type", "title", "detail", "instance"} <= problem.keys()


async def test_an_unknown_field_names_the_nearest_known_one(service: Service) -> None:
    answer = await service.http.post("/projects", json={"name": "x", "descripton": "y"})
    assert 'did you mean "description"' in answer.json()["errors"][0]["message"]


async def test_unknown_routes_and_methods_are_problem_documents(service: Service) -> None:
    nowhere = await service.http.get("/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    wrong = await service.http.put("/projects")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(wrong.headers["allow"].split(", "))
    large = await service.http.post("/projects", content=b"x" * 1_100_000)
    assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")


async def test_every_answer_carries_the_request_id(service: Service) -> None:
    assert (await service.http.get("/health")).headers["x-request-id"].startswith("req_")
    given = await service.http.get("/nowhere", headers={"x-request-id": "mine-1"})
    assert (given.headers["x-request-id"], given.json()["request_id"]) == ("mine-1", "mine-1")


async def test_readyz_names_its_parts_and_openapi_is_served(service: Service) -> None:
    ready = (await service.http.get("/readyz")).json()
    assert ready["ready"] is True
    assert {part["name"] for part in ready["parts"]} == {"postgres", "redis", "storage"}
    document = (await service.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert "/projects/{project_id}/renders" in document["paths"]
    assert (await service.http.get("/openapi.yaml")).status_code == 200

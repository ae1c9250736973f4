"""What browsers are told with every answer."""

import httpx
import pytest
from prometheus_client import CONTENT_TYPE_LATEST

from renderowl.testing.service import Service

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
DATA = "default-src 'none'; frame-ancestors 'none'"


async def answers(service: Service) -> dict[str, httpx.Response]:
    """One of each kind."""
    nobody = service.as_(None)
    return {
        "an answer": await service.http.get("/projects"),
        "something made": await service.http.post("/projects", json={"name": "x"}),
        "a refusal": await nobody.get("/projects"),
        "a complaint": await service.http.post("/projects", json={}),
        "a malformed body": await service.http.post("/projects", content=b"{"),
        "no route": await nobody.get("/nowhere"),
        "a wrong method": await nobody.delete("/health"),
        "text": await nobody.get("/metrics"),
        "a document": await nobody.get("/openapi.yaml"),
        "no file": await nobody.get("/storage/none"),
    }


async def test_nothing_that_is_answered_may_be_run_framed_or_guessed_at(service: Service) -> None:
    for kind, answer in (await answers(service)).items():
        told = {name: answer.headers.get(name) for name in EVERYWHERE}
        assert told == EVERYWHERE, kind
        assert answer.headers.get_list("content-security-policy") == [DATA], kind


async def test_a_page_or_text_says_its_charset_once(service: Service) -> None:
    told = {path: (await service.as_(None).get(path)).headers["content-type"] for path in ("/docs", "/metrics")}
    assert told == {"/docs": "text/html; charset=utf-8", "/metrics": CONTENT_TYPE_LATEST}


async def test_a_file_keeps_its_own_policy(service: Service) -> None:
    project_id = await service.project()
    asset = await service.upload(project_id, "a.vtt", "text/vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n")
    url = (await service.http.get(f"/projects/{project_id}/assets/{asset['id']}/download")).json()["url"]
    answer = await service.as_(None).get(url)
    assert answer.status_code == 200
    assert answer.headers.get_list("content-security-policy") == ["sandbox; default-src 'none'"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("path", ["/me", "/projects", "/keys", "/projects/prj_none"])
async def test_what_is_for_one_caller_is_kept_by_nobody(service: Service, path: str) -> None:
    assert (await service.http.get(path)).headers.get_list("cache-control") == ["no-store"]


async def test_no_answer_with_a_credential_in_it_is_kept(service: Service) -> None:
    project_id = await service.project()
    credentials = {"email": "ann@example.org", "password": "correct horse battery"}
    assert (await service.as_(None).post("/auth/register", json=credentials)).status_code == 201
    answers = [
        await service.as_(None).post("/auth/login", json=credentials),
        await service.http.post("/keys", json={"name": "k"}),
        await service.http.post("/auth/tokens", json={"project_id": project_id}),
        await service.http.post("/ws/tickets", json={"project_id": project_id}),
    ]
    assert [one.headers.get_list("cache-control") for one in answers] == [["no-store"]] * 4


async def test_a_poll_with_a_tag_says_itself_how_it_is_kept(service: Service) -> None:
    project_id = await service.project()
    film = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": []}]}}
    made = await service.http.post(f"/projects/{project_id}/renders", json=film)
    answer = await service.http.get(made.headers["location"] + "/progress")
    assert answer.headers.get_list("cache-control") == ["private, no-cache"]

"""Every route of the OpenAPI document as every kind of caller. A new route fails here until it is classified."""

from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from renderowl.db import renders as render_rows
from renderowl.domain.ids import new_id
from renderowl.domain.records import Scope
from renderowl.services import accounts
from renderowl.testing.classified import KINDS, ROUTES, WHO, Who
from renderowl.testing.service import Service

STREAMS: Final = {"GET /projects/{project_id}/events", "GET /v1/projects/{project_id}/outputs/video"}
"""Answers that do not end, or wait for a film: asked only by those who are to be refused. tests/integration/test_rooms_http.py
and tests/e2e/seeds have the rest."""
FORM: Final = "POST /v1/projects/{project_id}/assets"


def items_of(project_id: str, game_id: str = "gam_none", clip_id: str = "rcl_none") -> dict[str, dict[str, object]]:
    """An item of each kind of the library."""
    region = {"start_frame": 0, "end_frame": 1, "x": 0, "y": 0, "radius_x": 1, "radius_y": 1}
    return {
        "games": {"name": "g"},
        "raw_clips": {"game_id": game_id, "video_path": "a", "start_time": 0, "end_time": 1},
        "working_clips": {"project_id": project_id, "raw_clip_id": clip_id, "clip_index": 0},
        "highlight_regions": {"project_id": project_id, **region},
        "final_videos": {"name": "v", "video_path": "v", "source_type": "overlay"},
    }


def body_of(route: str, project_id: str) -> dict[str, object]:
    """A body that is good enough to get past reading it, so that only the caller decides."""
    film = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": []}]}}
    bodies: dict[str, dict[str, object]] = {
        "POST /auth/register": {"email": f"{new_id('usr')}@example.org", "password": "correct horse battery"},
        "POST /auth/login": {"email": "ann@example.org", "password": "correct horse battery"},
        "POST /keys": {"name": "k", "scopes": ["read"]},
        "POST /auth/tokens": {"project_id": project_id},
        "POST /ws/tickets": {"project_id": project_id},
        "POST /projects": {"name": "x"},
        "PATCH /projects/{project_id}": {"name": "y"},
        "PATCH /users/{user_id}": {"tier": "enterprise"},
        "POST /projects/{project_id}/assets/upload": {"name": "a", "content_type": "text/vtt", "size_bytes": 9},
        "PATCH /projects/{project_id}/assets/{asset_id}": {"name": "y"},
        "POST /projects/{project_id}/renders": film,
        "POST /projects/{project_id}/renders/plan": film,
        "POST /projects/{project_id}/webhooks": {"url": "https://hooks.example/"},
        "PATCH /projects/{project_id}/webhooks/{webhook_id}": {"description": "y"},
        "POST /projects/{project_id}/automations": {
            "name": "x",
            "trigger": {"type": "webhook"},
            "actions": [{"type": "create_render", **film}],
        },
        "PATCH /projects/{project_id}/automations/{auto_id}": {"name": "y"},
        **{f"POST /library/{kind}": item for kind, item in items_of(project_id).items()},
        **{f"PUT /library/{kind}/{{item_id}}": item for kind, item in items_of(project_id).items()},
        "POST /api/export/{export_type}/start": {"input_key": "a.mp4"},
        "POST /api/storage/upload-url": {"key": "b.mp4", "content_type": "video/mp4"},
        "POST /projects/{project_id}/sessions": {"name": "x"},
        "PATCH /projects/{project_id}/sessions/{session_id}": {"name": "y"},
        "POST /v1/render": {"duration": 1, "tracks": [{"clips": []}], "projectId": project_id},
        "POST /v1/assets/sign-upload": {"fileName": "a.vtt", "projectId": project_id},
        "POST /dashboard/api-keys": {"name": "k"},
        "PUT /v1/projects/{project_id}/scenes": {"scenes": [{"images": ["a.jpg"]}]},
    }
    return bodies.get(route, {})


def sent_to(route: str, ids: dict[str, str]) -> dict[str, Any]:
    """What is sent with a request."""
    if route == FORM:
        return {"files": [("files", ("a.vtt", b"WEBVTT"))]}
    if route == "POST /api/render-jobs/trigger":
        return {"json": {"sessionId": ids["session_id"]}}
    return {"json": body_of(route, ids["project_id"])} if route.startswith(("POST", "PUT", "PATCH")) else {}


@dataclass(frozen=True)
class Scene:
    """What Ann owns, and everybody's clients."""

    service: Service
    ids: dict[str, str]
    clients: dict[Who, httpx.AsyncClient]


@pytest.fixture
async def scene(service: Service) -> Scene:
    """Ann with a project, an asset, a render and keys, and everybody else."""
    ann, bob = await service.user("ann@example.org"), await service.user("bob@example.org")
    project_id, elsewhere = await service.project(ann), await service.project(ann, "Other")

    ann_id = (await ann.get("/me")).json()["id"]

    async def key(scopes: list[Scope]) -> tuple[str, str]:
        made = await accounts.make_key(
            service.ctx.db, ann_id, name="k", scopes=scopes
        )  # she herself makes none of admin
        return made.key.id, made.plaintext

    announced = {"name": "a.vtt", "content_type": "text/vtt", "size_bytes": 9}
    items: dict[str, str] = {}
    for kind in KINDS:
        item = items_of(project_id, items.get("games", ""), items.get("raw_clips", ""))[kind]
        items[kind] = (await ann.post(f"/library/{kind}", json=item)).json()["id"]
    snapshot_id = (await ann.post("/library/snapshots")).json()["id"]
    await ann.post("/api/storage/upload-url", json={"key": "a.mp4", "content_type": "video/mp4"})
    asset = (await ann.post(f"/projects/{project_id}/assets/upload", json=announced)).json()["asset"]
    film = body_of("POST /projects/{project_id}/renders", project_id)
    made = await ann.post(f"/projects/{project_id}/renders", json=film)
    assert made.status_code == 202, made.text
    cut = (await ann.post(f"/projects/{project_id}/renders", json=film)).json()["id"]
    await service.ctx.db.execute(
        "UPDATE renders SET composition_id = 'edit_list', input_props = $2::jsonb WHERE id = $1",
        *(cut, '{"session_id": "ses_1", "edl": {}}'),
    )
    session_id = (await ann.post(f"/projects/{project_id}/sessions", json={"name": "s"})).json()["id"]
    await ann.put(f"/projects/{project_id}/sessions/{session_id}/edl", json={"durationMs": 1})
    await ann.put(f"/v1/projects/{project_id}/scenes", json={"scenes": [{"images": ["a.jpg"]}]})
    webhooks = f"/projects/{project_id}/webhooks"
    webhook_id = (await ann.post(webhooks, json={"url": "https://hooks.example/"})).json()["id"]
    delivery_id = (await ann.post(f"{webhooks}/{webhook_id}/test")).json()["id"]
    automations = f"/projects/{project_id}/automations"
    rule = body_of("POST /projects/{project_id}/automations", project_id)
    auto_id = (await ann.post(automations, json=rule)).json()["id"]
    execution_id = (await ann.post(f"{automations}/{auto_id}/trigger", json={})).json()["id"]
    (_, read), (_, write), (_, admin) = await key(["read"]), await key(["read", "write"]), await key(["admin"])
    (revoked_id, revoked), (key_id, _) = await key(["read", "write"]), await key(["read"])
    assert (await ann.delete(f"/keys/{revoked_id}")).status_code == 204
    asked = {"project_id": elsewhere, "scopes": ["read", "write"]}
    token = (await ann.post("/auth/tokens", json=asked)).json()["token"]
    ids = {
        "project_id": project_id,
        "asset_id": asset["id"],
        "render_id": made.json()["id"],
        "key_id": key_id,
        "user_id": ann_id,
        "composition_id": "timeline",
        "webhook_id": webhook_id,
        "delivery_id": delivery_id,
        "auto_id": auto_id,
        "execution_id": execution_id,
        "snapshot_id": snapshot_id,
        "export_type": "overlay",
        "job_id": made.json()["id"],
        "cut_id": cut,
        "session_id": session_id,
        **items,
    }
    clients: dict[Who, httpx.AsyncClient] = {
        "owner": ann,
        "other": bob,
        "anonymous": service.as_(None),
        "read": service.as_(read),
        "write": service.as_(write),
        "admin": service.as_(admin),
        "token": service.as_(token),
        "revoked": service.as_(revoked),
    }
    return Scene(service, ids, clients)


def path_of(route: str, ids: dict[str, str]) -> str:
    """A route's path with the ids of what Ann owns; an item of the library is told by its kind."""
    path = route.partition(" ")[2]
    if path == "/api/storage/presigned-url":
        return f"{path}?key=a.mp4"
    path = path.replace("/render-jobs/{job_id}", "/render-jobs/{cut_id}")
    return path.format(**ids, item_id=ids.get(path.split("/")[2] if "{item_id}" in path else "", ""))


def class_of(status: int) -> str:
    """The answer that a status is."""
    return "yes" if status < 300 or status in (400, 409, 415, 422) else str(status)


async def routes_of(service: Service) -> set[str]:
    document = (await service.http.get("/openapi.json")).json()
    methods = ("get", "post", "put", "patch", "delete")
    return {f"{how.upper()} {path}" for path, item in document["paths"].items() for how in methods if how in item}


async def test_every_route_is_classified(service: Service) -> None:
    assert await routes_of(service) == set(ROUTES)


@pytest.mark.parametrize("who", WHO)
async def test_each_caller_gets_on_every_route_what_is_theirs(scene: Scene, who: Who) -> None:
    wrong = {}
    for route in sorted(ROUTES, key=what_it_ends):
        expected = ROUTES[route][who]
        if route in STREAMS and expected == "yes":
            continue
        method = route.partition(" ")[0]
        sent = sent_to(route, scene.ids)
        answer = await scene.clients[who].request(method, path_of(route, scene.ids), **sent)
        scene.clients[who].cookies.clear()  # whoever logs in as Ann would be Ann from then on
        if class_of(answer.status_code) != expected:
            wrong[route] = (answer.status_code, expected, answer.text[:200])
        elif expected != "yes":
            assert answer.headers["content-type"] == "application/problem+json", route
    assert not wrong


def what_it_ends(route: str) -> tuple[bool, bool, int]:
    """Deleting comes last, from the inside out, and logging out at the very end."""
    return route == "POST /auth/logout", route.startswith("DELETE"), -len(route)


@pytest.mark.parametrize("who", ["other", "token", "anonymous", "revoked", "read"])
async def test_what_a_stranger_tried_left_no_trace(scene: Scene, who: Who) -> None:
    async def everything() -> tuple[object, ...]:
        project = f"/projects/{scene.ids['project_id']}"
        session = f"/sessions/{scene.ids['session_id']}/edl"
        ann = scene.clients["owner"]
        answers = [
            (await ann.get(project + path)).json()
            for path in (
                "",
                "/assets",
                "/renders",
                "/webhooks",
                "/webhook-secret",
                "/deliveries",
                "/automations",
                f"/automations/{scene.ids['auto_id']}/executions",
                "/sessions",
                session,
            )
        ]
        answers += [(await ann.get(f"/library/{kind}")).json() for kind in (*KINDS, "snapshots")]
        keys = (await ann.get("/keys")).json()["items"]
        return (*answers, [(key["id"], key.get("revoked_at")) for key in keys])

    before = await everything()
    for route in ROUTES:
        method = route.partition(" ")[0]
        if ROUTES[route][who] != "yes":
            await scene.clients[who].request(method, path_of(route, scene.ids), **sent_to(route, scene.ids))
    assert await everything() == before


async def test_an_idempotency_key_of_one_project_says_nothing_in_another(scene: Scene) -> None:
    film = body_of("POST /projects/{project_id}/renders", "")
    headers = {"idempotency-key": "the-same"}
    made = []
    for who in ("owner", "other"):
        client = scene.clients[who]
        project_id = scene.ids["project_id"] if who == "owner" else await scene.service.project(client)
        answer = await client.post(f"/projects/{project_id}/renders", json=film, headers=headers)
        assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (202, None)
        made.append(answer.json()["id"])
    assert made[0] != made[1]


async def test_a_supersede_key_cancels_nothing_in_another_project(scene: Scene) -> None:
    film = body_of("POST /projects/{project_id}/renders", "") | {"supersede_key": "the-same"}
    ann, bob = scene.clients["owner"], scene.clients["other"]
    mine = f"/projects/{scene.ids['project_id']}/renders"
    kept = (await ann.post(mine, json=film)).json()["id"]
    for client in (bob, ann):
        elsewhere = await scene.service.project(client)
        assert (await client.post(f"/projects/{elsewhere}/renders", json=film)).status_code == 202
    assert (await ann.get(f"{mine}/{kept}")).json()["status"] == "queued"
    await ann.post(mine, json=film)
    assert (await ann.get(f"{mine}/{kept}")).json()["status"] == "cancelled"


async def test_ones_own_project_does_not_open_another_projects_things(scene: Scene) -> None:
    """Ids of somebody else's things below a path of one's own."""
    bob = scene.clients["other"]
    mine = await scene.service.project(bob)
    for kind, name in (("assets", "asset_id"), ("renders", "render_id")):
        assert (await bob.get(f"/projects/{mine}/{kind}/{scene.ids[name]}")).status_code == 404
    cancelled = await bob.post(f"/projects/{mine}/renders/{scene.ids['render_id']}/cancel")
    assert cancelled.status_code == 404
    film = {"tracks": [{"clips": [{"type": "caption", "src": f"asset://{scene.ids['asset_id']}", "duration": 1}]}]}
    body = {"composition_id": "timeline", "input_props": film}
    used = await bob.post(f"/projects/{mine}/renders", json=body)
    assert (used.status_code, used.json()["code"]) == (422, "asset_not_found")
    render = await render_rows.get(scene.service.ctx.db, scene.ids["render_id"])
    assert render is not None
    assert render.status == "queued"

"""Input made to break the service: each piece is refused with a problem document, never with a 500."""

import time
from typing import Any

import pytest

from renderowl.domain.errors import LimitExceeded
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.layers import segment_layers
from renderowl.pipeline.plan import make_plan
from renderowl.testing.service import Service
from renderowl.testing.serving import World

SRT = b"1\n00:00:01,000 --> 00:00:02,000\nhi\n"


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "settings",
    [{"a": "\0"}, {"a": [{"b": "\0"}]}, {"a": {"\0": 1}}, {"a": nested(65)}, {"a": nested(900)}, {"a": "x" * 20_000}],
    ids=["nul", "nul-inside", "nul-as-name", "deep", "very-deep", "large"],
)
async def test_settings_that_cannot_be_stored_or_told_again_are_refused(
    service: Service, settings: dict[str, Any]
) -> None:
    made = await service.http.post("/projects", json={"name": "x", "settings": settings})
    assert (made.status_code, made.json()["code"]) == (422, "validation_failed")
    changed = await service.http.patch(f"/projects/{await service.project()}", json={"settings": settings})
    assert changed.status_code == 422


@pytest.mark.parametrize("body", [b'{"a":' * 100_000, b"[" * 500_000, b'{"name": "\\ud800"}', b"\xff", b"{" + b"9" * 9])
async def test_a_body_that_is_no_json_is_400(service: Service, body: bytes) -> None:
    answer = await service.http.post("/projects", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_a_body_above_the_limit_is_413(service: Service) -> None:
    answer = await service.http.post("/projects", content=b'{"name": "' + b"x" * 1_100_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/projects/%00"),
        ("DELETE", "/keys/%00"),
        ("POST", "/keys/%00/rotate"),
        ("GET", "/projects/{project}/assets/%00"),
        ("GET", "/projects/{project}/renders/%00"),
        ("POST", "/projects/{project}/renders/%00/cancel"),
        ("POST", "/projects/{project}/renders/%00/retry"),
        ("GET", "/projects/{project}/renders/..%2f..%2f"),
        ("GET", "/projects/' OR '1'='1"),
    ],
)
async def test_an_id_that_cannot_be_one_is_404(service: Service, method: str, path: str) -> None:
    answer = await service.http.request(method, path.format(project=await service.project()))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_many_unknown_fields_cost_no_long_look_for_the_nearest(service: Service) -> None:
    body = b"{" + b",".join(b'"emai%05d":1' % n for n in range(70_000)) + b"}"
    started = time.perf_counter()
    answer = await service.as_(None).post("/auth/login", content=body)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 101
    assert time.perf_counter() - started < 2


async def test_a_foolish_range_is_answered_whole(service: Service) -> None:
    project_id = await service.project()
    asset = await service.upload(project_id, "a.srt", "application/x-subrip", SRT)
    url = (await service.http.get(f"/projects/{project_id}/assets/{asset['id']}/download")).json()["url"]
    for asked in ("bytes=" + "9" * 5000 + "-", "bytes=\u0663-"):
        answer = await service.as_(None).get(url, headers={"range": asked.encode()})
        assert (answer.status_code, answer.content) == (200, SRT), asked


@pytest.mark.parametrize(
    "frame",
    ['{"type":"render.create","ref":"a","data":{"a":' + "[" * 20_000, "{", "[]", '{"type":"nonsense"}', "\0"],
)
async def test_a_malformed_frame_closes_its_own_socket_with_4400(world: World, frame: str) -> None:
    async with world.room() as socket:
        await socket.send('{"type":"hello"}')
        await world.members(1)
        await socket.send(frame)
        await socket.wait_closed()
        assert socket.close_code == 4400


async def test_a_flood_of_refreshes_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.room(subprotocols=()) as socket:
        await world.members(1)
        at_once = world.hub.clock()
        monkeypatch.setattr(world.hub, "clock", lambda: at_once)  # however long the answers take
        for _ in range(30):
            await socket.send(f'{{"type": "auth.refresh", "token": "{world.key}"}}')
        await socket.wait_closed()
        assert socket.close_code == 4429


async def test_a_render_id_that_cannot_be_one_is_an_error_with_the_ref_and_the_socket_stays(world: World) -> None:
    async with world.room() as socket:
        await socket.send('{"type":"hello"}')
        await world.members(1)
        await socket.send('{"type":"render.cancel","ref":"r1","render_id":"\\u0000"}')
        while '"ref":"r1"' not in (said := str(await socket.recv())):
            pass
        assert '"code":"not_found"' in said


def laid_out(clips: list[dict[str, Any]], duration_s: float = 300.0) -> list[int]:
    """The characters of each segment's text files."""
    ask = compositions.parse("timeline", {"duration": duration_s, "tracks": [{"clips": clips}]}, {}, Limits())
    plan = make_plan(compositions.compile(ask, {}, {}), ask.output, fingerprint="x")
    return [sum(len(text) for text in segment_layers(one).files.values()) for one in plan.segments[:2]]


def test_a_long_typed_text_is_written_out_only_where_it_is_seen() -> None:
    style = {"animation": "typewriter"}
    sizes = laid_out([{"type": "caption", "text": "a" * 3000, "start": 0, "duration": 300, "style": style}])
    assert max(sizes) < 4_000_000


def test_texts_that_grow_beyond_the_bound_are_refused() -> None:
    style = {"animation": "typewriter"}
    clip = {"type": "caption", "text": "a" * 3000, "start": 0, "duration": 8, "style": style}
    with pytest.raises(LimitExceeded):
        laid_out([clip] * 12, 8.0)


async def test_a_plan_too_long_to_be_told_is_refused_soon(service: Service) -> None:
    clips = [{"type": "text", "text": "b" * 1000, "start": n / 3, "duration": 300 - n / 3} for n in range(890)]
    film = {"duration": 300, "tracks": [{"clips": clips}]}
    body = {"composition_id": "timeline", "input_props": film}
    answer = await service.http.post(f"/projects/{await service.project()}/renders/plan", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_exceeded")

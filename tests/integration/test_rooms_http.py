"""Rooms without a socket: server-sent events and the long poll, with the socket's cursor."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from renderowl.domain.ids import new_id
from renderowl.testing.serving import World, make_account


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {world.key}"}
    async with httpx.AsyncClient(base_url=world.http_url, headers=headers, timeout=10) as client:
        yield client


class Stream:
    """Reads server-sent events: (id, message)."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str | None, dict[str, Any]]:
        id = None
        async with asyncio.timeout(10):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    id = value
                elif name == "data":
                    return id, msgspec.json.decode(value)
        raise EOFError


def at(world: World, seq: int) -> str:
    return f"{world.project.event_epoch}.{seq}"


async def test_a_stream_begins_with_a_snapshot_and_marks_durable_events_only(
    world: World, http: httpx.AsyncClient
) -> None:
    async with http.stream("GET", f"/projects/{world.project.id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = Stream(answer)
        id, snapshot = await stream.next()
        assert (id, snapshot["type"]) == (at(world, 0), "snapshot")
        await world.progress(0.5)
        assert (await stream.next())[0] is None
        await world.happen()
        assert (await stream.next())[0] == at(world, 1)


async def test_a_stream_goes_on_where_its_reader_was(world: World, http: httpx.AsyncClient) -> None:
    for _ in range(3):
        await world.happen()
    headers = {"Last-Event-ID": at(world, 1)}
    async with http.stream("GET", f"/projects/{world.project.id}/events", headers=headers) as answer:
        stream = Stream(answer)
        await world.happen()
        assert [(await stream.next())[0] for _ in range(3)] == [at(world, seq) for seq in (2, 3, 4)]
    await world.members(0)


async def test_a_stream_of_somebody_elses_project_does_not_exist(world: World, http: httpx.AsyncClient) -> None:
    _, key = await make_account(world.ctx, ["read", "write", "admin"])
    answer = await http.get(f"/projects/{world.project.id}/events", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_stream_ends_when_the_server_is_deployed(world: World, http: httpx.AsyncClient) -> None:
    async with http.stream("GET", f"/projects/{world.project.id}/events") as answer:
        stream = Stream(answer)
        await stream.next()
        await world.hub.drain()
        with pytest.raises(EOFError):
            await stream.next()


async def submitted(world: World) -> str:
    """A render that waits, made without the pipeline."""
    render_id = new_id("rnd")
    await world.ctx.db.execute(
        "INSERT INTO renders (id, project_id, composition_id, status, priority, attempt, input_props, output_settings,"
        " progress, cache, metadata, created_by, created_at, updated_at)"
        " VALUES ($1, $2, 'timeline', 'processing', 'normal', 1, '{}', '{}', '{}', '{}', '{}', $3, now(), now())",
        render_id,
        world.project.id,
        world.principal.user_id,
    )
    return render_id


async def test_a_long_poll_answers_as_soon_as_something_happens(world: World, http: httpx.AsyncClient) -> None:
    render_id = await submitted(world)
    path = f"/projects/{world.project.id}/renders/{render_id}/progress"
    await world.progress(0.5, render_id)
    first = (await http.get(path, params={"after": "", "wait": 5})).json()
    assert (first["cursor"], first["recovered"], first["progress"]["percent"]) == (at(world, 0), False, 50)

    waiting = asyncio.create_task(http.get(path, params={"after": first["cursor"], "wait": 10}))
    await world.members(1)
    await world.happen("render.queued", "rnd_of_another")
    await world.happen("render.retrying", render_id)
    second = (await waiting).json()
    assert (second["cursor"], [event["seq"] for event in second["events"]]) == (at(world, 2), [2])

    again = (await http.get(path, params={"after": first["cursor"], "wait": 10})).json()
    assert again["events"] == second["events"]

    waiting = asyncio.create_task(http.get(path, params={"after": second["cursor"], "wait": 10}))
    await world.members(1)
    await world.progress(0.6, render_id)
    third = (await waiting).json()
    assert (third["cursor"], third["events"], third["progress"]["percent"]) == (second["cursor"], [], 60)


async def test_a_long_poll_in_which_nothing_happens_gives_the_cursor_back(
    world: World, http: httpx.AsyncClient
) -> None:
    path = f"/projects/{world.project.id}/renders/{await submitted(world)}/progress"
    answer = (await http.get(path, params={"after": at(world, 0), "wait": 0.05})).json()
    assert answer == {"cursor": at(world, 0), "recovered": True, "events": [], "progress": None}


@pytest.mark.parametrize(("render", "after", "status"), [("rnd_none", "", 404), ("rnd_none", "rubbish", 422)])
async def test_a_long_poll_for_nothing_is_refused(
    world: World, http: httpx.AsyncClient, render: str, after: str, status: int
) -> None:
    answer = await http.get(f"/projects/{world.project.id}/renders/{render}/progress", params={"after": after})
    assert answer.status_code == status


# --- the whole room ------------------------------------------------------------------------------------------------


async def test_a_long_poll_about_a_room_tells_what_its_socket_would(world: World, http: httpx.AsyncClient) -> None:
    path = f"/projects/{world.project.id}/events"
    first = (await http.get(path, params={"after": ""})).json()
    assert (first["cursor"], first["recovered"]) == (at(world, 0), False)
    assert [message["type"] for message in first["messages"]] == ["snapshot"]

    waiting = asyncio.create_task(http.get(path, params={"after": first["cursor"], "wait": 10}))
    await world.members(1)
    await world.happen("render.queued")
    second = (await waiting).json()
    assert (second["cursor"], second["recovered"]) == (at(world, 1), True)
    assert [(message["type"], message["seq"]) for message in second["messages"]] == [("render.queued", 1)]

    nothing = (await http.get(path, params={"after": second["cursor"], "wait": 0.05})).json()
    assert nothing == {"cursor": at(world, 1), "recovered": True, "messages": []}


async def test_the_newest_progress_comes_with_every_answer_but_only_a_newer_one_ends_the_wait(
    world: World, http: httpx.AsyncClient
) -> None:
    path, render_id = f"/projects/{world.project.id}/events", await submitted(world)
    await world.progress(0.5, render_id)
    params: dict[str, str | float] = {"after": at(world, 0), "wait": 0.05}
    (message,) = (await http.get(path, params=params)).json()["messages"]
    assert (message["type"], message["data"]["percent"]) == ("render.progress", 50)

    waiting = asyncio.create_task(http.get(path, params={"after": at(world, 0), "wait": 10}))
    await world.members(1)
    await world.progress(0.6, render_id)
    (message,) = (await waiting).json()["messages"]
    assert message["data"]["percent"] == 60


async def test_a_filter_is_the_same_on_every_transport(world: World, http: httpx.AsyncClient) -> None:
    path = f"/projects/{world.project.id}/events"
    for render_id in ("rnd_1", "rnd_2", "rnd_1"):
        await world.happen("render.retrying", render_id)
    params: dict[str, list[str] | str] = {"after": at(world, 0), "render_ids": ["rnd_2"], "types": ["state"]}
    poll = (await http.get(path, params=params)).json()
    assert (poll["cursor"], [message["seq"] for message in poll["messages"]]) == (at(world, 3), [2])
    query = {"since": at(world, 0), "render_ids": ["rnd_2", "rnd_3"]}
    async with http.stream("GET", path, params=query) as answer:
        assert (await Stream(answer).next())[0] == at(world, 2)
    assert (await http.get(path, params={"types": ["gossip"]})).status_code == 422


async def test_a_long_poll_ends_when_the_server_is_deployed(world: World, http: httpx.AsyncClient) -> None:
    path = f"/projects/{world.project.id}/events"
    waiting = asyncio.create_task(http.get(path, params={"after": at(world, 0), "wait": 10}))
    await world.members(1)
    await world.hub.drain()
    answer = await waiting
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


async def test_a_plain_poll_says_when_to_ask_again_and_that_nothing_changed(
    world: World, http: httpx.AsyncClient
) -> None:
    path, render_id = "/projects/{}/renders/{}/progress", await submitted(world)
    path = path.format(world.project.id, render_id)
    await world.progress(0.5, render_id)
    first = await http.get(path)
    assert (first.status_code, first.json()["progress"]["percent"], first.headers["retry-after"]) == (200, 50, "1")
    same = await http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content, same.headers["retry-after"]) == (304, b"", "1")
    assert same.headers["etag"] == first.headers["etag"]
    await world.progress(0.6, render_id)
    assert (await http.get(path, headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_who_asks_for_the_socket_by_plain_http_is_told_what_it_is(world: World) -> None:
    async with httpx.AsyncClient(base_url=world.http_url) as http:
        for method in ("GET", "POST", "DELETE"):
            answer = await http.request(method, f"/ws/projects/{world.project.id}/renders")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert "WebSocket" in answer.json()["detail"]

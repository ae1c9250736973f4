"""Rooms without a socket: server-sent events and the long poll, with the socket's cursor."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from renderowl.domain.events import Cursor
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


async def test_a_long_poll_answers_as_soon_as_something_happens(world: World) -> None:
    epoch = world.project.event_epoch
    first = await world.hub.wait_for(world.project.id, "rnd_1", None, 5)
    assert (first.recovered, first.cursor) == (False, Cursor(epoch, 0))
    waiting = asyncio.create_task(world.hub.wait_for(world.project.id, "rnd_1", first.cursor, 10))
    await world.members(1)
    await world.happen("render.queued", "rnd_2")
    await world.happen("render.started", "rnd_1")
    second = await waiting
    assert ([event.seq for event in second.events], second.cursor.seq) == ([2], 2)
    assert (await world.hub.wait_for(world.project.id, "rnd_1", first.cursor, 10)).events == second.events
    third = await world.hub.wait_for(world.project.id, "rnd_1", second.cursor, 0.05)
    assert (third.events, third.progress, third.cursor) == ([], None, second.cursor)


async def test_a_stream_replays_and_goes_on_with_the_same_cursor(world: World) -> None:
    await world.happen()
    since = Cursor(world.project.event_epoch, 0)
    async with contextlib.aclosing(world.hub.stream(world.principal, world.project.id, since)) as stream:
        assert str((await anext(stream)).cursor) == f"{since.epoch}.1"
        await world.happen()
        assert str((await anext(stream)).cursor) == f"{since.epoch}.2"
        await world.progress(0.5)
        assert (await anext(stream)).cursor is None

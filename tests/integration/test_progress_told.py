"""What was told of a render is in Postgres a moment later: then no loss of Redis and no restart makes it less."""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio
from websockets.asyncio.client import ClientConnection

from renderowl.db import renders
from renderowl.domain.errors import Unavailable
from renderowl.domain.events import Progress, Remembered, StepReport
from renderowl.domain.records import Render
from renderowl.services.dispatching import dispatch
from renderowl.services.publishing import keep_told
from renderowl.services.renders import newest
from renderowl.services.steps import begin
from renderowl.services.views import brief, render_view
from renderowl.testing.backlog import Backlog, claim_of
from renderowl.testing.serving import World, serve
from renderowl.testing.signals import until


async def _flush(world: World) -> None:
    """What befalls Redis, not what a bus does."""
    async with redis.asyncio.Redis.from_url(world.ctx.settings.redis_url) as server:
        await server.flushall()


class Film:
    """A render with two steps at work, each with a worker of its own: "fast" and "slow"."""

    def __init__(self, world: World, render_id: str, steps: dict[str, str]) -> None:
        self.world, self.render_id, self._steps = world, render_id, steps
        self._remembered: dict[str, Remembered] = {}

    async def report(self, worker: str, done: float) -> Progress:
        """What a worker says of its half of the 100 frames; it remembers what it was last told, as workers do."""
        told = await self.world.ctx.bus.publish_progress(
            StepReport(
                self.world.project.id,
                self.render_id,
                1,
                self._steps[worker],
                1,
                done,
                0.5,
                round(done * 50),
                100,
                "encoding",
                remembered=self._remembered.get(worker, Remembered()),
            )
        )
        assert told is not None
        self._remembered[worker] = Remembered(told.percent, told.current_frame, done, round(done * 50))
        return told


@contextlib.asynccontextmanager
async def film_of(world: World) -> AsyncIterator[Film]:
    backlog = Backlog(world.ctx)
    await backlog.worker(slots=9)
    render_id = await backlog.render(world.project.id)
    await dispatch(world.ctx, backlog.queue)
    await begin(world.ctx, claim_of(backlog.queue.sent[0]))
    yield Film(world, render_id, {"fast": "stp_fast", "slow": "stp_slow"})


@pytest.fixture
async def film(world: World) -> AsyncIterator[Film]:
    async with film_of(world) as made:
        yield made


async def hears(room: ClientConnection, last: str) -> list[dict[str, Any]]:
    """All messages up to the first of this type."""
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1]["type"] != last:
        heard.append(msgspec.json.decode(await room.recv()))
    return heard


def reached(heard: list[dict[str, Any]]) -> list[tuple[float, int]]:
    return [(one["data"]["percent"], one["data"]["current_frame"]) for one in heard if one["type"] == "render.progress"]


async def test_an_emptied_redis_a_new_api_and_a_silent_worker_turn_no_number_back(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        before = await stack.enter_async_context(serve(database_url, redis_url, storage_dir))
        film = await stack.enter_async_context(film_of(before))
        await film.report("slow", 0.2)
        assert (await film.report("fast", 0.8)).percent == 50
        assert await keep_told(before.ctx) == 1
        await _flush(before)

        after = await stack.enter_async_context(serve(database_url, redis_url, storage_dir))
        room = await stack.enter_async_context(after.room(before.project.id, key=before.key))
        await room.send('{"type":"hello"}')
        shown = (await hears(room, "snapshot"))[-1]["renders"][0]["progress"]
        assert (shown["percent"], shown["current_frame"]) == (50, 50)

        assert (await film.report("slow", 0.4)).percent < 50, "it never heard of what the other one had made since"
        [view] = await newest(after.ctx, [await _render(film)])
        assert (view.progress.percent, view.progress.current_frame) == (50, 50)
        await before.happen(render_id="rnd_other")
        assert reached(await hears(room, "render.queued")) == []

        assert (await film.report("fast", 0.9)).percent == 55
        assert reached(await hears(room, "render.progress")) == [(55, 55)]


@pytest.mark.parametrize("end", ["a second later", "deployed", "left"])
async def test_a_room_keeps_what_it_told_though_redis_has_lost_it_at_once(film: Film, end: str) -> None:
    world = film.world
    async with world.room() as room:
        await room.send('{"type":"hello"}')
        await hears(room, "snapshot")
        await film.report("fast", 0.8)
        assert reached(await hears(room, "render.progress")) == [(40, 40)]
        await _flush(world)
        if end == "deployed":
            await world.hub.drain()
    if end == "left":
        await world.members(0)

    async def kept() -> Progress | None:
        told = (await _render(film)).told
        return None if told is None else told[1]

    told = await (kept() if end == "deployed" else until(kept, timeout_s=30))
    assert told is not None
    assert (told.percent, told.current_frame) == (40, 40)


async def test_what_could_not_be_kept_is_still_owed(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, outages = film.world.hub, [Unavailable("Postgres")] * 2
    keep = renders.keep_told

    async def interrupted(*args: Any) -> list[str]:
        if outages:
            raise outages.pop()
        return await keep(*args)

    monkeypatch.setattr(renders, "keep_told", interrupted)
    async with film.world.room() as room:
        await room.send('{"type":"hello"}')
        await hears(room, "snapshot")
        await film.report("fast", 0.8)
        await hears(room, "render.progress")
    await film.world.members(0)
    await hub.keeper.settle()
    told = (await _render(film)).told
    assert told is not None
    assert told[1].percent == 40
    assert not outages


async def test_what_is_kept_is_the_furthest_whoever_keeps_it(film: Film) -> None:
    ctx = film.world.ctx
    await film.report("fast", 0.8)
    assert [await keep_told(ctx) for _ in range(2)] == [1, 0], "what is known already is not written again"
    for behind in (Progress(39, 80), Progress(80, 39)):
        await renders.keep_told(ctx.db, {film.render_id: (1, behind)})
    told = (await _render(film)).told
    assert told is not None
    assert (told[0], told[1].percent, told[1].current_frame) == (1, 40, 40)
    await ctx.db.execute("UPDATE renders SET status = 'failed' WHERE id = $1", film.render_id)
    await renders.keep_told(ctx.db, {film.render_id: (1, Progress(90, 90))})
    assert (await _render(film)).told == told, "it is at an end"
    assert brief(await _render(film))["progress"]["percent"] == 40, "it ended there"


async def test_another_attempt_begins_anew(film: Film) -> None:
    ctx = film.world.ctx
    await film.report("fast", 0.8)
    await keep_told(ctx)
    await ctx.db.execute("UPDATE renders SET attempt = 2 WHERE id = $1", film.render_id)
    assert await keep_told(ctx) == 0, "Redis still has the earlier attempt's"
    assert render_view(await _render(film)).progress.percent == 0
    await renders.keep_told(ctx.db, {film.render_id: (2, Progress(5, 5))})
    assert render_view(await _render(film)).progress.percent == 5


async def test_a_render_that_somebody_is_changing_is_kept_the_next_time(film: Film) -> None:
    ctx = film.world.ctx
    await film.report("fast", 0.8)
    async with ctx.db.transaction():
        await renders.get(ctx.db, film.render_id, lock=True)
        assert await asyncio.create_task(keep_told(ctx), context=contextvars.Context()) == 0
    assert await keep_told(ctx) == 1


async def test_an_api_that_ends_waits_for_whoever_is_changing_a_render(film: Film) -> None:
    ctx, keeper = film.world.ctx, film.world.hub.keeper
    async with film.world.room() as room:
        await room.send('{"type":"hello"}')
        await hears(room, "snapshot")
        async with ctx.db.transaction():
            await renders.get(ctx.db, film.render_id, lock=True)
            outside = contextvars.Context()
            await asyncio.create_task(film.report("fast", 0.8), context=outside)
            await asyncio.create_task(hears(room, "render.progress"), context=outside)
            settling = asyncio.create_task(keeper.settle(), context=contextvars.Context())
            await asyncio.create_task(keeper.keep(), context=contextvars.Context())
            assert not settling.done()
        await settling
    told = (await _render(film)).told
    assert told is not None
    assert told[1].percent == 40


async def _render(film: Film) -> Render:
    found = await renders.get(film.world.ctx.db, film.render_id)
    assert found is not None
    return found

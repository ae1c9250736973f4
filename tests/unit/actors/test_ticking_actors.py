"""Scheduler, reaper and relay: woken by hint or clock, stopped by no outage."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from renderowl.actors import relay as relay_module
from renderowl.actors.actor import Actor
from renderowl.actors.reaper import Reaper
from renderowl.actors.relay import BATCH, KEEP_S, Relay
from renderowl.actors.scheduler import Scheduler
from renderowl.bus.base import BusUnavailable
from renderowl.domain.errors import Unavailable
from renderowl.queue.base import QueueUnavailable
from renderowl.services import dispatching, reaping
from renderowl.services.context import Context
from renderowl.services.publishing import LEFT_BEHIND_S
from renderowl.testing.clock import TurnableClock, settle


class Hints:
    def __init__(self) -> None:
        self.waiting: asyncio.Queue[None] = asyncio.Queue()

    async def scheduler_hints(self) -> AsyncIterator[None]:
        while True:
            yield await self.waiting.get()


class Script:
    """A service function that answers by a script, then with 0, and counts its calls."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def __call__(self, *_: Any, **__: Any) -> int:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def hints() -> Hints:
    return Hints()


@pytest.fixture
def ctx(hints: Hints) -> Context:
    return cast(Context, type("C", (), {"bus": hints}))


async def _running(actor: Actor[Any], clock: TurnableClock) -> "asyncio.Task[None]":
    task = asyncio.create_task(actor.run())
    await clock.until_sleeping()
    await settle()
    return task


async def test_the_scheduler_goes_on_while_it_admits(
    ctx: Context, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, script = TurnableClock(), Script(64, 64, 3, 0)
    monkeypatch.setattr(dispatching, "dispatch", script)
    scheduler = Scheduler(ctx, cast(Any, None), clock=clock)
    task = await _running(scheduler, clock)
    hints.waiting.put_nowait(None)
    await settle()
    assert script.calls == 4
    await clock.advance(0.25)
    assert script.calls == 5, "without a hint the tick looks"
    scheduler.stop()
    await task


async def test_a_hundred_hints_at_once_are_one(ctx: Context, hints: Hints, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, gate, calls = TurnableClock(), asyncio.Event(), 0

    async def slow(*_: Any) -> int:
        nonlocal calls
        calls += 1
        await gate.wait()
        return 0

    monkeypatch.setattr(dispatching, "dispatch", slow)
    scheduler = Scheduler(ctx, cast(Any, None), clock=clock)
    task = await _running(scheduler, clock)
    hints.waiting.put_nowait(None)
    await settle()
    for _ in range(99):
        hints.waiting.put_nowait(None)
    await settle()
    gate.set()
    await settle()
    assert calls == 2, "the one that was running, and one for all that came meanwhile"
    scheduler.stop()
    await task


@pytest.mark.parametrize("outage", [Unavailable("Postgres"), QueueUnavailable("Redis")])
async def test_the_scheduler_outlives_an_outage(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, outage: Exception
) -> None:
    clock, script = TurnableClock(), Script(*[outage] * 50)
    monkeypatch.setattr(dispatching, "dispatch", script)
    scheduler = Scheduler(ctx, cast(Any, None), clock=clock)
    task = await _running(scheduler, clock)
    await clock.advance(120.0)
    assert script.calls > 51
    assert not task.done()
    scheduler.stop()
    await clock.advance(1.0)
    await task


async def test_the_reaper_outlives_an_outage(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, script = TurnableClock(), Script(*[Unavailable("Postgres")] * 10, 2)
    monkeypatch.setattr(reaping, "reap", script)
    reaper = Reaper(ctx, clock=clock)
    task = await _running(reaper, clock)
    await clock.advance(15.0)
    assert script.calls == 15
    reaper.stop()
    await task


async def test_the_relay_empties_a_backlog_and_outlives_an_outage(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, script = TurnableClock(), Script(BATCH, BATCH, 7, BusUnavailable("Redis"), BATCH, 0)
    monkeypatch.setattr(relay_module, "relay", script)
    monkeypatch.setattr(relay_module, "keep_told", Script())
    relay = Relay(ctx, clock=clock)
    task = await _running(relay, clock)
    for calls in (3, 4, 6):
        await clock.advance(Relay.tick_s)
        assert script.calls == calls
    assert Relay.tick_s + LEFT_BEHIND_S < 0.5
    relay.stop()
    await task


async def test_the_relay_keeps_what_was_told_every_second_and_outlives_an_outage(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, script = TurnableClock(), Script(3, BusUnavailable("Redis"), Unavailable("Postgres"), 1)
    monkeypatch.setattr(relay_module, "relay", Script())
    monkeypatch.setattr(relay_module, "keep_told", script)
    relay = Relay(ctx, clock=clock)
    task = await _running(relay, clock)
    for calls in range(1, 7):
        await clock.advance(KEEP_S + Relay.tick_s)
        assert script.calls == calls
    relay.stop()
    await task

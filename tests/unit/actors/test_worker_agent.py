"""The worker's agent: what it takes, keeps, loses and gives back, by a clock that is turned."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from renderowl.actors.worker_agent import Running, WorkerAgent
from renderowl.bus.base import Control
from renderowl.domain.errors import Unavailable
from renderowl.domain.records import Claim
from renderowl.queue.base import Dispatch, QueueUnavailable
from renderowl.services import steps
from renderowl.services.context import Context
from renderowl.services.stopping import StopSignal
from renderowl.settings import Settings
from renderowl.testing.clock import TurnableClock, settle

WORKER = "wrk_test"


class FakeReceiver:
    def __init__(self) -> None:
        self.deliver: Callable[[Dispatch], Awaitable[None]] | None = None
        self.lost = asyncio.Event()
        self.connections = 0
        self.forgotten = False

    async def receive(self, deliver: Callable[[Dispatch], Awaitable[None]]) -> None:
        self.connections += 1
        self.deliver = deliver
        self.lost.clear()
        await self.lost.wait()
        raise QueueUnavailable("away")

    async def forget(self) -> None:
        self.forgotten = True

    async def send(self, name: str, *, worker_id: str = WORKER) -> None:
        assert self.deliver is not None
        await self.deliver(Dispatch(f"stp_{name}", 1, name, worker_id))
        await settle()


class FakeBus:
    def __init__(self) -> None:
        self.words: asyncio.Queue[Control] = asyncio.Queue()

    async def controls(self, worker_id: str) -> AsyncIterator[Control]:
        while True:
            yield await self.words.get()


class Rig:
    """An agent with everything around it played."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, slots: int = 2) -> None:
        self.clock = TurnableClock()
        self.receiver = FakeReceiver()
        self.bus = FakeBus()
        self.calls: list[str] = []
        self.beats: list[list[str]] = []
        self.lost: set[str] | None = set()
        self.postgres_away = False
        self.executing: dict[str, StopSignal] = {}
        self.ended: dict[str, str | None] = {}
        self.finish: dict[str, asyncio.Event] = {}
        for name in ("register_worker", "heartbeat", "leave_queue", "leave"):
            monkeypatch.setattr(steps, name, self._service(name))
        ctx = cast(Context, type("Parts", (), {"settings": Settings(), "bus": self.bus}))
        self.agent = WorkerAgent(
            ctx, WORKER, slots=slots, offers=["a"], execute=self._execute, receiver=self.receiver, clock=self.clock
        )
        self.task = asyncio.create_task(self.agent.run())

    def _service(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **_: Any) -> Any:
            self.calls.append(name)
            if self.postgres_away:
                raise Unavailable("away")
            if name == "heartbeat":
                self.beats.append(sorted(args[2]))
                known, self.lost = self.lost, set()
                return known
            return None

        return call

    async def _execute(self, claim: Claim, signal: StopSignal) -> None:
        self.executing[claim.token] = signal
        done = self.finish.setdefault(claim.token, asyncio.Event())
        waiters = [asyncio.ensure_future(signal.event.wait()), asyncio.ensure_future(done.wait())]
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiters:
            waiter.cancel()
        self.ended[claim.token] = signal.reason
        del self.executing[claim.token]

    async def running(self) -> set[str]:
        return {claim.token for claim in await self.agent.ask(Running())}

    async def close(self) -> None:
        self.agent.stop()
        await self.task


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    rig = Rig(monkeypatch)
    await rig.agent.registered.wait()
    await settle()
    yield rig
    if not rig.task.done():
        await rig.close()
    await rig.agent.kill()


async def test_a_dispatch_runs_and_a_second_copy_of_it_does_not(rig: Rig) -> None:
    await rig.receiver.send("a")
    await rig.receiver.send("a")
    await rig.receiver.send("stranger", worker_id="wrk_other")
    assert await rig.running() == {"a"} == set(rig.executing)
    rig.finish["a"].set()
    await settle()
    assert await rig.running() == set()
    assert rig.ended == {"a": None}


async def test_no_more_steps_execute_than_there_are_places(rig: Rig) -> None:
    for name in "abc":
        await rig.receiver.send(name)
    assert set(rig.executing) == {"a", "b"}
    rig.finish["a"].set()
    await settle()
    assert set(rig.executing) == {"b", "c"}


async def test_every_heartbeat_renews_all_leases_and_stops_what_was_lost(rig: Rig) -> None:
    for name in "abc":
        await rig.receiver.send(name)
    rig.lost = {"b"}
    await rig.clock.advance(5.0)
    assert rig.beats == [["a", "b", "c"]]
    assert rig.ended == {"b": "lease_lost"}
    await rig.clock.advance(5.0)
    assert rig.beats[-1] == ["a", "c"]


async def test_the_control_channel_cancels_at_once(rig: Rig) -> None:
    await rig.receiver.send("a")
    await rig.receiver.send("b")
    rig.bus.words.put_nowait(Control(cancel_tokens=["b", "unknown"]))
    await settle()
    assert rig.ended == {"b": "cancelled"}
    assert rig.beats == []


async def test_without_postgres_the_encoding_goes_on(rig: Rig) -> None:
    await rig.receiver.send("a")
    rig.postgres_away = True
    await rig.clock.advance(120.0)
    assert set(rig.executing) == {"a"}
    rig.postgres_away = False
    await rig.clock.advance(5.0)
    assert rig.beats == [["a"]]


async def test_a_forgotten_worker_registers_again_and_keeps_its_steps(rig: Rig) -> None:
    await rig.receiver.send("a")
    rig.lost = None
    await rig.clock.advance(5.0)
    assert rig.calls == ["register_worker", "heartbeat", "register_worker", "heartbeat"]
    assert set(rig.executing) == {"a"}


async def test_when_redis_comes_back_the_queue_is_read_again_and_steps_went_on(rig: Rig) -> None:
    await rig.receiver.send("a")
    rig.receiver.lost.set()
    await rig.clock.advance(1.0)
    assert rig.receiver.connections == 2
    await rig.receiver.send("b")
    assert set(rig.executing) == {"a", "b"}


async def test_a_draining_worker_takes_nothing_and_waits_for_what_runs(rig: Rig) -> None:
    await rig.receiver.send("a")
    draining = asyncio.create_task(rig.agent.drain())
    await settle()
    await rig.receiver.send("late")
    assert set(rig.executing) == {"a"}
    rig.finish["a"].set()
    await draining
    await rig.task
    assert rig.ended == {"a": None}
    assert rig.calls == ["register_worker", "leave_queue", "leave"]
    assert rig.receiver.forgotten


async def test_what_does_not_end_in_time_is_interrupted(rig: Rig) -> None:
    await rig.receiver.send("a")
    draining = asyncio.create_task(rig.agent.drain())
    await rig.clock.advance(9.0)
    assert rig.ended == {}
    await rig.clock.advance(1.5)
    await draining
    assert rig.ended == {"a": "interrupted"}


async def test_a_cancelled_step_stays_cancelled_when_it_is_interrupted_later() -> None:
    signal = StopSignal()
    signal.set("interrupted")
    signal.set("cancelled")
    signal.set("interrupted")
    assert signal.reason == "cancelled"

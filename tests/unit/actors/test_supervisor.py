"""Supervision: the failed actor alone is started again, with backoff, and not for ever."""

import asyncio

import pytest

from renderowl.actors.actor import Actor
from renderowl.actors.supervisor import Escalated, Supervisor
from renderowl.testing.clock import TurnableClock


class Fragile(Actor[None]):
    """Fails the first `failures` times it is started."""

    def __init__(self, name: str, failures: int) -> None:
        super().__init__(name)
        self.failures = failures
        self.starts = 0
        self.up = asyncio.Event()

    async def starting(self) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            raise RuntimeError(f"start {self.starts}")
        self.up.set()


async def test_only_the_failed_one_is_started_again() -> None:
    clock = TurnableClock()
    fragile, solid = Fragile("fragile", 3), Fragile("solid", 0)
    supervisor = Supervisor([fragile, solid], clock=clock)
    running = asyncio.create_task(supervisor.run())
    await clock.until_sleeping()
    await clock.advance(10)
    await fragile.up.wait()
    assert (fragile.starts, solid.starts) == (4, 1)
    supervisor.stop()
    await running


async def test_backoff_doubles() -> None:
    clock = TurnableClock()
    fragile = Fragile("fragile", 100)
    running = asyncio.create_task(Supervisor([fragile], clock=clock).run())
    await clock.until_sleeping()
    for seconds, starts in ((0.09, 1), (0.02, 2), (0.1, 2), (0.1, 3), (0.4, 4)):
        await clock.advance(seconds)
        assert fragile.starts == starts
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_sixth_failure_in_a_minute_escalates_and_stops_the_others() -> None:
    clock = TurnableClock()
    fragile, solid = Fragile("fragile", 100), Fragile("solid", 0)
    running = asyncio.create_task(Supervisor([fragile, solid], clock=clock).run())
    await clock.until_sleeping()
    await clock.advance(59)
    with pytest.raises(Escalated, match="fragile"):
        await running
    assert fragile.starts == 6


async def test_failures_far_apart_are_forgiven() -> None:
    clock = TurnableClock()

    class Mortal(Actor[None]):
        starts = 0

        async def starting(self) -> None:
            Mortal.starts += 1
            self.spawn(self._die())

        async def _die(self) -> None:
            await clock.sleep(20)
            raise RuntimeError("old age")

    supervisor = Supervisor([Mortal("mortal", clock=clock)], clock=clock)
    running = asyncio.create_task(supervisor.run())
    await clock.until_sleeping()
    await clock.advance(600)
    assert Mortal.starts > 20
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

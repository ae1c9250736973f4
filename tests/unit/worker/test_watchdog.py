"""The watchdog: silence is an error, whatever the step waits for."""

import asyncio

import pytest

from renderowl.domain.errors import Stalled
from renderowl.worker.watchdog import Watchdog


async def test_a_step_of_which_nothing_is_heard_is_cancelled_and_stalled() -> None:
    cleaned = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    with pytest.raises(Stalled):
        await Watchdog(0.01).watch(hang())
    assert cleaned.is_set()


async def test_signs_of_life_keep_it_going() -> None:
    watchdog = Watchdog(5.0)
    steps = 0

    async def live() -> str:
        nonlocal steps
        for _ in range(20):
            watchdog.sign()
            await asyncio.sleep(0)
            steps += 1
        return "done"

    assert await watchdog.watch(live()) == "done"
    assert steps == 20


async def test_a_failure_is_the_works_own() -> None:
    async def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        await Watchdog(1.0).watch(fail())


async def test_being_cancelled_cancels_the_work() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    watching = asyncio.create_task(Watchdog(0).watch(work()))
    await began.wait()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert ended.is_set()

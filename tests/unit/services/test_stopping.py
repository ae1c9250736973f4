"""Stopping steps and tasks."""

import asyncio
import contextlib

from renderowl.services.stopping import end_tasks


async def test_a_task_that_loses_its_cancellation_is_cancelled_again() -> None:
    lost = asyncio.Event()

    async def work() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        lost.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end_tasks([task], clean_up_s=0.001)
    assert lost.is_set()
    assert task.cancelled()

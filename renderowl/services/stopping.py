"""How what runs is stopped: a step by one signal with a reason, a task by cancelling it until it has ended."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final, Literal

CLEAN_UP_S: Final = 3.0
"""How long a cancelled task may take before it is cancelled again."""

StopReason = Literal["cancelled", "lease_lost", "interrupted"]


class StopSignal:
    """Asks one running step to stop. `interrupted` must be reported; the other two Postgres knows already.

    A lost claim outweighs an interruption: there is nothing left to report.
    """

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.reason: StopReason | None = None

    def set(self, reason: StopReason) -> None:
        """Ask to stop; may be called again."""
        if self.reason in (None, "interrupted"):
            self.reason = reason
        self.event.set()


async def end_tasks(tasks: Iterable["asyncio.Task[Any]"], *, clean_up_s: float = CLEAN_UP_S) -> None:
    """Cancel tasks and return when all have ended, whatever their results.

    A cancellation can get lost: redis-py, and so arq's loop over it, takes one that comes while it waits for a
    connection for a failure to connect, and tries again. So it is repeated.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=clean_up_s)

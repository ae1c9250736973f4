"""The watchdog of one step: whatever the step waits for, it is stopped when nothing has been heard of it for too long."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from renderowl.domain.errors import Stalled

T = TypeVar("T")


class Watchdog:
    """Counts signs of life: a frame, a file fetched or stored, a plan made. 0 s watches nothing."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._patience: asyncio.Timeout | None = None

    def sign(self) -> None:
        """Something has happened."""
        if self._patience is not None and self._timeout_s and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time() + self._timeout_s)

    async def watch(self, work: Awaitable[T]) -> T:
        """The result of `work`. Raises Stalled, having cancelled it, when there is no sign for the whole timeout."""
        patience = asyncio.timeout(self._timeout_s or None)
        try:
            async with patience as self._patience:
                return await work
        except TimeoutError:
            if patience.expired():
                raise Stalled(f"nothing was heard of the step for {self._timeout_s:g} s") from None
            raise
        finally:
            self._patience = None

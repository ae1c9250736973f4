"""The clock actors live by; tests bring one that they can turn."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time and waiting in it. It does not jump when somebody sets the machine's clock."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this long."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

"""A clock that tests turn: nothing waits for real time."""

import asyncio
import heapq
import itertools


class TurnableClock:
    """Stands still until `advance`; whoever sleeps on it wakes when its time has come, in order."""

    def __init__(self) -> None:
        self._now = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        self._changed.set()
        await future

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, waking sleepers one after another and letting everything run that can."""
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end

    async def until_sleeping(self, count: int = 1) -> None:
        """Wait until at least `count` tasks sleep on this clock."""
        while sum(not future.done() for _, _, future in self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()


async def settle(rounds: int = 50) -> None:
    """Let every task that can run do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)

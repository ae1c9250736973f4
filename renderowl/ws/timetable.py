"""Calls for later, many of them at the same moment: one timer for all."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

_GRID_HZ: Final = 100
"""Moments are rounded up to hundredths of a second: members whose progress waits share them."""


class Timetable:
    """Calls back at given times of the clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock: Final = clock
        self._waiting: dict[int, list[Callable[[], None]]] = {}

    def at(self, time_s: float, call: Callable[[], None]) -> None:
        """Call `call` at `time_s` or a hundredth later."""
        slot = math.ceil(time_s * _GRID_HZ)
        waiting = self._waiting.get(slot)
        if waiting is None:
            self._waiting[slot] = waiting = []
            asyncio.get_running_loop().call_later(slot / _GRID_HZ - self.clock(), self._run, slot)
        waiting.append(call)

    def _run(self, slot: int) -> None:
        for call in self._waiting.pop(slot):
            call()

"""Waiting for conditions instead of sleeping and hoping."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T | None]], *, timeout_s: float = 10.0, every_s: float = 0.02) -> T:
    """Ask `condition` until it returns something true and return that; TimeoutError after `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        while not (value := await condition()):
            await asyncio.sleep(every_s)
        return value

"""The limiter on Redis or Valkey: the `limits` library's log of the moments at which somebody was let in.

Counting and refusing are one script in Redis, so that any number of processes let in exactly `amount`. The moments are
the processes' own: their clocks have to agree as well as a window is to be kept.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import redis.exceptions
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from renderowl.limits.base import LimiterUnavailable, Standing, Window

_CALL_S: Final = 1.0
_PAUSE_S: Final = 1.0


class RedisLimiter:
    """The limiter of one process. No call takes longer than a second, whatever Redis does.

    After a call that timed out, calls fail at once for a second, so that a stall is not paid for by every caller.
    """

    def __init__(self, url: str, prefix: str = "renderowl") -> None:
        self._storage = RedisStorage(
            _uri(url),
            implementation="redispy",
            key_prefix=f"{prefix}:limits",
            socket_connect_timeout=_CALL_S,
            socket_timeout=_CALL_S,
        )
        self._windows = MovingWindowRateLimiter(self._storage)
        self._stalled_until = 0.0

    async def hit(self, window: Window, whose: str) -> Standing:
        """Count one of somebody's, unless the window is full: who is refused is not counted."""
        item = _item(window)
        async with self._call():
            admitted = await self._windows.hit(item, whose)
            reset_at, remaining = await self._windows.get_window_stats(item, whose)
        # between the two another may have been let in, or the oldest have left: a refusal leaves nothing
        return Standing(window, admitted, max(0, remaining) if admitted else 0, max(0.0, reset_at - time.time()))

    async def forget(self, window: Window, whose: str) -> None:
        """Let somebody begin anew."""
        async with self._call():
            await self._windows.clear(_item(window), whose)

    async def close(self) -> None:
        """Free connections."""
        bridge: Any = self._storage.bridge  # the library itself closes nothing
        await bridge.get_connection().aclose()

    @contextlib.asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        """Bound what happens inside by time and turn its failure into LimiterUnavailable."""
        if time.monotonic() < self._stalled_until:
            raise LimiterUnavailable("Redis does not answer")
        try:
            async with asyncio.timeout(_CALL_S):
                yield
        except (TimeoutError, redis.exceptions.TimeoutError) as error:
            self._stalled_until = time.monotonic() + _PAUSE_S
            raise LimiterUnavailable("Redis does not answer in time") from error
        except (redis.exceptions.RedisError, OSError) as error:
            raise LimiterUnavailable(f"Redis cannot be used: {error}") from error


def _item(window: Window) -> RateLimitItem:
    return RateLimitItemPerSecond(window.amount, window.seconds, namespace=window.name)


def _uri(url: str) -> str:
    """As the library writes it: `redis+unix://` where Redis' own client says `unix://`."""
    return "async+" + (f"redis+{url}" if url.startswith("unix:") else url)

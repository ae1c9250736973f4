"""One pub/sub connection of Redis that follows a changing set of channels and comes back by itself."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, Literal, NoReturn

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from renderowl.bus.line import Line

log = structlog.get_logger(__name__)

_IDLE_S: Final = 5.0
_ANSWER_S: Final = 2.0
_BACKOFF_S: Final = (0.05, 2.0)
GONE: Final = (RedisError, OSError, TimeoutError)

Item = tuple[str, bytes] | Literal["connected", "lost"]


class Subscription:
    """What is published to the followed channels, with a mark wherever something may have been missed.

    Runs on one connection of its own rather than on redis-py's PubSub, which reconnects silently: a hole that nobody
    is told of. Follow and unfollow may be called at any time, from any task, while one task listens.
    """

    def __init__(self, connect: Callable[[], AbstractConnection]) -> None:
        self._connect = connect
        self._channels: set[str] = set()
        self._connection: AbstractConnection | None = None
        self._awaited: dict[str, asyncio.Future[None]] = {}

    async def follow(self, channel: str) -> None:
        """Receive what is published to `channel` from the moment this returns; when Redis is away, return at once."""
        self._channels.add(channel)
        if self._connection is not None:
            confirmed = self._awaited.setdefault(channel, asyncio.get_running_loop().create_future())
            with contextlib.suppress(*GONE):
                await self._connection.send_command("SUBSCRIBE", channel)
                await asyncio.wait_for(asyncio.shield(confirmed), _ANSWER_S)

    async def unfollow(self, channel: str) -> None:
        """Stop receiving what is published to `channel`."""
        self._channels.discard(channel)
        if self._connection is not None:
            with contextlib.suppress(*GONE):
                await self._connection.send_command("UNSUBSCRIBE", channel)

    async def listen(self, hear: Callable[[Item], None]) -> NoReturn:
        """Hand (channel, payload) on for ever; `connected` when all channels are in force, `lost` when they no longer are.

        `hear` is called between two turns of the loop and must not raise.
        """
        failures = 0

        def take(item: Item) -> None:
            nonlocal failures
            failures = 0
            hear(item)

        while True:
            connection = self._connect()
            try:
                await asyncio.wait_for(connection.connect(), _ANSWER_S)  # type: ignore[no-untyped-call]  # redis-py's
                await self._follow_all(connection, take)
            except GONE as error:
                if failures == 0:
                    log.warning("redis_subscription_lost", reason=str(error))
            finally:
                was_in_force, self._connection = self._connection is not None, None
                self._let_go()
                await connection.disconnect(nowait=True)
            if was_in_force:
                take("lost")
            failures += 1
            least, most = _BACKOFF_S
            await asyncio.sleep(random.uniform(0.5, 1.0) * min(most, least * 2**failures))  # noqa: S311 - jitter

    async def messages(self) -> AsyncGenerator[Item]:
        """The same one after the other, for those who take their time with each."""
        items: asyncio.Queue[Item | None] = asyncio.Queue()
        listening = asyncio.create_task(self.listen(items.put_nowait))
        listening.add_done_callback(lambda _: items.put_nowait(None))
        try:
            while (item := await items.get()) is not None:
                yield item
            await listening  # it goes on for ever but for a mistake of ours
        finally:
            while not listening.done():  # redis-py may lose a cancellation while it connects
                listening.cancel()
                await asyncio.wait([listening], timeout=_ANSWER_S)

    async def _follow_all(self, connection: AbstractConnection, hear: Callable[[Item], None]) -> NoReturn:
        """Subscribe to every channel, then hand on what arrives. Raises one of GONE when the connection is."""
        self._connection = connection
        missing = set(self._channels)

        def take(reply: Any) -> None:
            match reply:
                case [b"message", channel, payload]:
                    hear((channel.decode(), payload))
                case [b"subscribe", channel, _]:
                    name = channel.decode()
                    if (confirmed := self._awaited.pop(name, None)) is not None and not confirmed.done():
                        confirmed.set_result(None)
                    if name in missing:
                        missing.discard(name)
                        if not missing:
                            hear("connected")

        line = Line(connection, take)
        try:
            if missing:
                await connection.send_command("SUBSCRIBE", *missing)
            else:
                hear("connected")
            while True:
                if await line.is_quiet(_IDLE_S):
                    await connection.send_command("PING")
                    if await line.is_quiet(_ANSWER_S):
                        raise TimeoutError("no answer to a ping")
        finally:
            line.end()

    def _let_go(self) -> None:
        """Wake those who wait for a subscription: it comes into force with the next connection."""
        for confirmed in self._awaited.values():
            if not confirmed.done():
                confirmed.set_result(None)
        self._awaited.clear()

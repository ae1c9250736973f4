"""The read side of one Redis connection, without a stream in between: replies are handed on where they arrive."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

_TURN_S: Final = 0.005
"""After so long the loop takes a turn: after a pause of ours hundreds of replies may have come."""
_GATHER_S: Final = 0.01
"""While replies come more often than this, they are left to gather for as long and read together."""


class Line(asyncio.Protocol):
    """Takes the reading of a connected connection over from redis-py, for as long as this lives; sending stays there.

    redis-py wakes a task for every reply, through a stream and with a timer, which cost a room of five members a third of
    the processor time of a message (`bench/rooms/fanout.py`). It has no public way to its transport.

    As a network card does under load, it lets replies gather: what is told of many of them in one go costs the members'
    sockets less than as many single wake-ups (docs/decisions/0034-replies-gather.md).
    """

    def __init__(self, connection: AbstractConnection, hear: Callable[[Any], None]) -> None:
        """`hear` is called with each reply and must not raise."""
        writer = connection._writer  # the only way to the transport that redis-py has connected and logged in on
        if writer is None:
            raise RedisConnectionError("the connection is closed")
        self._hear = hear
        self._replies = hiredis.Reader()
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[Exception] = self._loop.create_future()
        self._quiet = True
        self._read_on_at = 0.0
        self._transport = cast(asyncio.Transport, writer.transport)
        self._transport.set_protocol(self)

    async def is_quiet(self, within_s: float) -> bool:
        """Tell after `within_s` whether nothing came since this was last told: an answer may come while its question is sent.

        Raises what ended the connection as soon as it has ended.
        """
        await asyncio.wait([self._lost], timeout=within_s)
        if self._lost.done():
            raise self._lost.result()
        quiet, self._quiet = self._quiet, True
        return quiet

    def end(self) -> None:
        """Hear nothing more."""
        self._end(RedisConnectionError("the connection was given up"))

    # --- asyncio's side ----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._quiet = False
        self._replies.feed(data)
        self._hand_on()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or RedisConnectionError("Redis closed the connection"))

    def _hand_on(self) -> None:
        turn_ends = self._loop.time() + _TURN_S
        while not self._lost.done():
            try:
                reply = self._replies.gets()
            except hiredis.HiredisError as error:
                self._end(RedisConnectionError(str(error)))
                return
            if reply is False:
                self._let_gather()
                return
            self._hear(reply)
            if self._loop.time() > turn_ends:
                self._transport.pause_reading()
                self._loop.call_soon(self._hand_on)
                return

    def _let_gather(self) -> None:
        if self._loop.time() - self._read_on_at < _GATHER_S:
            self._transport.pause_reading()
            self._loop.call_later(_GATHER_S, self._read_on)
        else:
            self._read_on()

    def _read_on(self) -> None:
        self._read_on_at = self._loop.time()
        self._transport.resume_reading()

    def _end(self, error: Exception) -> None:
        if not self._lost.done():
            self._lost.set_result(error)

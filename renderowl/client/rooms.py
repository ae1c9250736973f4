"""A project's room as an async iterator that reconnects by itself and neither loses nor repeats a durable event."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator
from typing import Any, Final, Literal

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from renderowl.client.problem import Problem
from renderowl.domain.events import Cursor

SUBPROTOCOL: Final = Subprotocol("renderowl.v1")
STOP: Final = frozenset({4400, 4401, 4403, 4404})
"""Close codes after which the same connection would be refused again."""

_DEPLOYING: Final = 1012
_DEPLOY_JITTER_S: Final = 5.0
_BACKOFF_S: Final = (0.1, 10.0)
_OPEN_S: Final = 10.0
_SILENCE_S: Final = 60.0
"""The server pings every 25 s: nothing for this long is a dead connection."""


class RoomFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to hear: of which renders, which kinds (`state`: the durable lane), at most how often."""

    render_ids: list[str] | None = None
    types: list[Literal["progress", "state", "preview"]] | None = None
    max_hz: float | None = None


class RoomMessage(msgspec.Struct, frozen=True):
    """A message of the room: an event, the newest progress, or a `snapshot` of `renders` to start from.

    Durable events and snapshots have a `seq`.
    """

    type: str
    data: dict[str, Any] = {}
    seq: int | None = None
    render_id: str | None = None
    asset_id: str | None = None
    attempt: int | None = None
    renders: list[dict[str, Any]] = []


class _Said(msgspec.Struct, frozen=True):
    """What the protocol itself says: welcome, cursor, error."""

    epoch: str = ""
    seq: int = 0
    code: str = ""
    message: str = ""
    retry_after_s: float | None = None


class Room:
    """Iterate over it to hear the room. `cursor` is how far the iteration is: keep it to go on another time."""

    def __init__(self, address: str, key: str, *, since: str | None, filter: RoomFilter | None) -> None:
        self.cursor: Cursor | None = None if since is None else Cursor.parse(since)
        self._address = address
        self._key = key
        self._filter = filter
        self._failures = 0
        self._error: _Said | None = None

    async def __aiter__(self) -> AsyncGenerator[RoomMessage]:
        """The messages, for ever. Raises Problem when the server says that it is no use to come back."""
        while True:
            wait_s = None
            try:
                async with self._connect() as socket, contextlib.aclosing(self._hear(socket)) as messages:
                    async for message in messages:
                        yield message
            except ConnectionClosed as closed:
                code = 0 if closed.rcvd is None else closed.rcvd.code
                if code in STOP:
                    raise self._problem(code, closed) from None
                wait_s = self._wait_s(code)
            except InvalidStatus as refused:
                if refused.response.status_code < 500 and refused.response.status_code != 429:
                    raise Problem.of(refused.response.status_code, bytes(refused.response.body)) from None
            except (OSError, TimeoutError, InvalidHandshake):
                pass
            self._failures += 1
            await asyncio.sleep(self._wait_s(0) if wait_s is None else wait_s)

    def _connect(self) -> connect:
        return connect(
            self._address,
            additional_headers={"Authorization": f"Bearer {self._key}"},
            subprotocols=[SUBPROTOCOL],
            compression=None,
            max_size=None,
            open_timeout=_OPEN_S,
            ping_interval=None,
        )

    async def _hear(self, socket: ClientConnection) -> AsyncGenerator[RoomMessage]:
        """Join and yield what is said until the connection closes."""
        self._error = None
        hello: dict[str, Any] = {"type": "hello"}
        if self.cursor is not None:
            hello["since"] = str(self.cursor)
        if self._filter is not None:
            hello["filter"] = self._filter
        await socket.send(msgspec.json.encode(hello).decode())
        epoch = ""
        while True:
            async with asyncio.timeout(_SILENCE_S):
                text = await socket.recv()
            message = msgspec.json.decode(text, type=RoomMessage)
            match message.type:
                case "welcome":
                    epoch = msgspec.json.decode(text, type=_Said).epoch
                    self._failures = 0
                case "ping":
                    await socket.send('{"type":"pong"}')
                case "error":
                    self._error = msgspec.json.decode(text, type=_Said)
                case "cursor":
                    self.cursor = Cursor(epoch, message.seq or 0)
                case "auth.expiring":
                    pass  # the key is what it is: the server says 4401 when it has ended
                case _ if self._is_news(message, epoch):
                    yield message

    def _is_news(self, message: RoomMessage, epoch: str) -> bool:
        """Move the cursor; False for a durable event that was heard before."""
        if message.seq is None:
            return True
        known = self.cursor
        if message.type != "snapshot" and known is not None and known.epoch == epoch and message.seq <= known.seq:
            return False
        self.cursor = Cursor(epoch, message.seq)
        return True

    def _wait_s(self, code: int) -> float:
        """How long to stay away: what the server asked for, some seconds around a deploy, else longer each time."""
        if self._error is not None and self._error.retry_after_s is not None:
            return self._error.retry_after_s
        if code == _DEPLOYING:
            return random.uniform(0, _DEPLOY_JITTER_S)  # noqa: S311 - jitter
        least_s, most_s = _BACKOFF_S
        return random.uniform(0.5, 1.0) * min(most_s, least_s * 2.0 ** min(self._failures, 10))  # noqa: S311 - jitter

    def _problem(self, code: int, closed: ConnectionClosed) -> Problem:
        error = self._error
        detail = error.message if error is not None else closed.reason
        return Problem({"status": code - 4000, "code": "closed" if error is None else error.code, "detail": detail})

"""A room over its WebSocket, the only transport over which a client can speak."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from renderowl.client.credential import Credential
from renderowl.client.endings import SaidError, of_answer, of_close, of_failure
from renderowl.client.ladder import End, Fault, Timing
from renderowl.client.link import Alive, Ended, Heard, Joined, Signal
from renderowl.client.messages import RoomFilter, RoomMessage, Watching, read
from renderowl.domain.events import Cursor

log = logging.getLogger(__name__)

SUBPROTOCOL: Final = Subprotocol("renderowl.v1")
_CLOSE_S: Final = 1.0


class Socket:
    """Joined with the welcome. Answers pings and renews the token by itself."""

    def __init__(
        self,
        address: str,
        credential: Credential,
        since: Cursor | None,
        filter: RoomFilter,
        timing: Timing,
        watching: Watching | None = None,
    ) -> None:
        self._address = address
        self._credential = credential
        self._since = since
        self._filter = filter
        self._timing = timing
        self._watching = watching
        self._refresh_at = 0.0
        self._connection: ClientConnection | None = None
        self._token = ""
        self._error: SaidError | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def say(self, message: dict[str, Any]) -> None:
        """Send a message. Raises ConnectionError when the connection has ended."""
        assert self._connection is not None
        try:
            await self._connection.send(msgspec.json.encode(message).decode())
        except ConnectionClosed as closed:
            raise ConnectionError(str(closed)) from closed

    async def subscribe(self, filter: RoomFilter) -> None:
        """Hear this from now on; a connection that has ended is made anew with it."""
        with contextlib.suppress(ConnectionError):
            await self.say({"type": "subscribe", "filter": filter.query()})

    async def signals(self) -> AsyncGenerator[Signal]:
        """See Transport."""
        self._token = await self._credential.get()
        try:
            async with self._connect() as self._connection:
                try:
                    async for signal in self._hear(self._connection):
                        yield signal
                finally:
                    if self._renewing is not None:
                        self._renewing.cancel()
        except ConnectionClosed as closed:
            frame = closed.rcvd
            end = (
                of_close(None, str(closed), None) if frame is None else of_close(frame.code, frame.reason, self._error)
            )
            raise Ended(end) from closed
        except InvalidStatus as refused:
            answer = refused.response
            headers = {name.lower(): value for name, value in answer.headers.raw_items()}
            raise Ended(of_answer(answer.status_code, headers, bytes(answer.body or b""))) from refused
        except (InvalidHandshake, TimeoutError) as error:
            raise Ended(End(Fault.BROKEN, f"{type(error).__name__}: {error}")) from error
        except OSError as error:
            raise Ended(of_failure(error)) from error

    def _connect(self) -> connect:
        return connect(
            self._address,
            additional_headers={"Authorization": f"Bearer {self._token}"},
            subprotocols=[SUBPROTOCOL],
            compression=None,
            max_size=None,
            open_timeout=self._timing.open_s,
            close_timeout=_CLOSE_S,
            ping_interval=None,
        )

    async def _hear(self, connection: ClientConnection) -> AsyncGenerator[Signal]:
        """Join and say what is heard until the connection closes."""
        hello: dict[str, Any] = {"type": "hello"}
        if self._since is not None:
            hello["since"] = str(self._since)
        if filter := self._filter.query():
            hello["filter"] = filter
        if self._watching is not None:
            hello |= {"presence": True, "name": self._watching.name}
        await connection.send(msgspec.json.encode(hello).decode())
        epoch = ""
        while True:
            message = read(await connection.recv())
            match message.type:
                case "welcome":
                    epoch = str(message.body.get("epoch", ""))
                    yield Joined()
                    if message.body.get("members") is not None:
                        yield Heard(_present(message.body), epoch)
                case "ping":
                    await connection.send('{"type":"pong"}')
                    yield Alive()
                case "auth.expiring":
                    self._renewing = asyncio.create_task(self._renew(connection))
                    yield Alive()
                case "error" if "ref" not in message.body:
                    self._error = msgspec.convert(message.body, SaidError)
                    yield Alive()
                case _:
                    yield Heard(message, epoch)

    async def _renew(self, connection: ClientConnection) -> None:
        """Give the server a newer token; where there is none it says 4401 when the old one has ended."""
        await asyncio.sleep(self._refresh_at - time.monotonic())
        self._refresh_at = time.monotonic() + self._timing.refresh_s
        try:
            newer = await self._credential.renew(self._token)
        except Exception as error:  # whatever the caller's function raises; it is asked again when the token has ended
            log.warning("no new token for the room: %s", error)
            return
        if newer is not None:
            self._token = newer
            with contextlib.suppress(ConnectionClosed):
                await connection.send(msgspec.json.encode({"type": "auth.refresh", "token": newer}).decode())


def _present(welcome: dict[str, Any]) -> RoomMessage:
    """Who is in the room at first, told as who is in it later."""
    body = {"type": "presence", "count": welcome.get("count"), "members": welcome["members"], "joined": [], "left": []}
    return RoomMessage("presence", body=body)

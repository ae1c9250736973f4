"""uvicorn's WebSocket with a short cut: frames that are written once go to every member without awaiting any of them.

ASGI's `send` is a coroutine that frames each message anew for each socket. A room says the same to a thousand members,
and must never wait for one of them. So the connection offers itself to the application as an ASGI extension.

Nor does a frame pass asyncio's transport while that holds nothing back: its look at each socket's state is 6 to 9 % of what
sending a frame costs (decision 11). The transport keeps what the kernel does not take at once, and says when it has sent
it: its high-water mark is 0, of which asyncio's documentation promises just that.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from renderowl.services import metrics
from renderowl.ws.bundle import Bundle, Writable, send

EXTENSION: Final = "renderowl.link"
LINGER_S: Final = 11.0
"""How long a peer may take what it was sent last; uvicorn waits 10 s for its part of the closing handshake."""
_SEND_BUFFER_BYTES: Final = 128 * 1024
"""The kernel's for one socket: what lies in it is sent however stale it is, and counts for no limit of ours."""


class Link(Writable, Protocol):
    """A socket that says how much its peer takes."""

    on_full: Callable[[], None]
    """Called when the peer does not take any more what it is sent."""
    on_room: Callable[[], None]
    """Called when a peer that was full takes frames again."""

    @property
    def full_since(self) -> float | None:
        """Since when (`time.monotonic`) the peer has not taken what it was sent; None while it does."""
        ...

    def abort(self) -> None:
        """Drop the connection with all that it has not taken."""
        ...


def link_of(scope: Mapping[str, Any]) -> Link:
    """The connection behind an ASGI scope. Raises RuntimeError under a server that has no such thing."""
    link = (scope.get("extensions") or {}).get(EXTENSION)
    if link is None:
        raise RuntimeError("rooms need uvicorn with `ws=renderowl.ws.link.LinkedProtocol`; `renderowl serve` has it")
    return cast(Link, link)


class LinkedProtocol(WebSocketsSansIOProtocol):
    """A Link. Whole frames may be written between those of `send`, which leaves nothing unfinished behind."""

    linger_s = LINGER_S

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.on_full: Callable[[], None] = _nothing
        self.on_room: Callable[[], None] = _nothing
        self.full_since: float | None = None
        self._dropping: asyncio.TimerHandle | None = None
        self.number: int | None = None
        self.bundle: Bundle | None = None

    def handle_connect(self, event: Request) -> None:
        """Begin to serve the connection; its task has not run yet when this returns."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = {**(self.scope["extensions"] or {}), EXTENSION: self}
            self.scope["extensions"] = extensions
            connection: socket.socket | None = self.transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
                if self.transport.get_extra_info("sslcontext") is None and not self.transport.get_write_buffer_size():
                    self.transport.set_write_buffer_limits(0)
                    self.number = connection.fileno()

    def write(self, frames: Sequence[bytes]) -> None:
        """Send the frames, whether or not the peer takes them now. Does nothing once the connection ends."""
        if self.close_sent or self.transport.is_closing():
            return
        data = b"".join(frames)
        if self.number is None or self.full_since is not None:
            self.transport.write(data)
        elif (sent := send(self.number, data)) < len(data):
            self.carry_on(data[sent:])
        metrics.HUB_FRAMES.count += len(frames)

    def carry_on(self, rest: bytes) -> None:
        """Send what the socket itself has not taken."""
        self.transport.write(rest)

    def abort(self) -> None:
        """Drop the connection with all that it has not taken."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        super().pause_writing()
        self._stand_alone()
        self.full_since = time.monotonic()
        self.on_full()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        super().resume_writing()
        self.full_since = None
        self.on_room()

    def data_received(self, data: bytes) -> None:
        """What the peer says; if that ends the connection, nothing follows the answer."""
        super().data_received(data)
        if self.transport.is_closing():
            self._stand_alone()

    def keepalive_timeout(self) -> None:
        """The peer does not answer: it will not take either what still waits for it."""
        self._stand_alone()
        super().keepalive_timeout()
        self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The room is done with the connection; what the peer does not take of it within a while is dropped."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._dropping = self.loop.call_later(self.linger_s, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone; so is what it held on to, each ring of objects cut (decision 36)."""
        self._stand_alone()
        self.number = None
        super().connection_lost(exc)
        self.on_full = self.on_room = _nothing
        self.conn.parser.close()
        scope = getattr(self, "scope", None)  # there is none where the handshake was refused
        if scope is not None:
            (scope["extensions"] or {}).pop(EXTENSION, None)
        if hasattr(self.transport, "_read_ready_cb"):
            self.transport._read_ready_cb = None  # the transport's own method; Python 3.12 lets go of it by itself
        if self._dropping is not None:
            self._dropping.cancel()

    def _stand_alone(self) -> None:
        """What is sent to the bundle goes past the transport, to a socket that is open."""
        if self.bundle is not None:
            self.bundle.leave(self)


def _nothing() -> None:
    """Nobody wants to know."""

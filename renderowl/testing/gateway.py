"""A reverse proxy of the kind that stands before a server: one that knows no upgrade, keeps streams back, or goes away."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final, Literal

from renderowl.client import Timing

Kind = Literal["socket", "stream", "poll", "submit", "other"]

HURRIED: Final = Timing(
    first_byte_s=0.5, look_s=0.1, backoff_s=(0.01, 0.1), climb_s=(0.1, 0.2), deploy_s=0.1, poll_wait_s=5.0
)
"""For a client that is to notice soon what is spoilt."""

_CHUNK_BYTES: Final = 64 * 1024
_NO_UPGRADE: Final = (
    b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 18\r\nconnection: close\r\n\r\n"
    b"<h1>Forbidden</h1>"
)


class Gateway:
    """Passes requests to a port of this machine, one a connection, unless it has been told otherwise."""

    def __init__(self, port: int) -> None:
        self.target_port = port
        self.upgrades = True
        """Whether it knows what an Upgrade is."""
        self.streams = True
        """Whether it passes on what it gets before all of it is there."""
        self.lost_answers = 0
        """Of so many submitted renders the answer will be lost on its way back."""
        self.silent = False
        """Whether nothing that a server says gets through any more."""
        self.counts: Counter[Kind] = Counter()
        self._connections: dict[asyncio.Task[None], Kind] = {}

    def cut(self, *kinds: Kind) -> None:
        """Break connections off: those of these kinds, or all."""
        for task, kind in self._connections.items():
            if not kinds or kind in kinds:
                task.cancel()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve on a loopback port inside this loop; yields the URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            while self._connections:
                self.cut()
                await asyncio.wait(self._connections)

    async def _serve(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = "other"
        try:
            head = await near_reader.readuntil(b"\r\n\r\n")
            kind = self._connections[task] = _kind(head)
            self.counts[kind] += 1
            if kind == "socket" and not self.upgrades:
                near_writer.write(_NO_UPGRADE)
                await near_writer.drain()
            else:
                await self._pass_on(kind, head, near_reader, near_writer)
        except asyncio.CancelledError:
            near_writer.transport.abort()
        except (OSError, EOFError):
            pass  # a client or a server that went away
        finally:
            del self._connections[task]
            near_writer.close()

    async def _pass_on(
        self, kind: Kind, head: bytes, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        try:
            far_writer.write(head if kind == "socket" else _once(head))
            sides = {
                asyncio.create_task(self._pump(near_reader, far_writer)),
                asyncio.create_task(self._answer(kind, far_reader, near_writer)),
            }
            try:
                await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for side in sides:
                    side.cancel()
                await asyncio.gather(*sides, return_exceptions=True)
        finally:
            far_writer.close()

    async def _answer(self, kind: Kind, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind == "submit" and self.lost_answers:
            self.lost_answers -= 1
            await reader.read()
        elif kind == "stream" and not self.streams:
            await reader.read()
        else:
            await self._pump(reader, writer, answers=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            if not (answers and self.silent):
                writer.write(chunk)
                await writer.drain()


def _kind(head: bytes) -> Kind:
    request, _, headers = head.lower().partition(b"\r\n")
    method, path, _ = request.split(b" ", 2)
    if b"\r\nupgrade: websocket" in b"\r\n" + headers:
        return "socket"
    if path.partition(b"?")[0].endswith(b"/events"):
        return "poll" if b"after=" in path else "stream"
    return "submit" if method == b"post" and path.endswith(b"/renders") else "other"


def _once(head: bytes) -> bytes:
    """The request, asking for its connection to be closed: then one connection is one request."""
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])

"""A TCP relay whose connections can be held up, refused and broken off: the network between two real processes."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Final

_CHUNK_BYTES: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)


class TcpProxy:
    """Passes connections to `ports` of this machine, the first that accepts one, until it is told to hold or cut them."""

    def __init__(self, *ports: int) -> None:
        self.port = 0
        self.ports = ports
        self._passing = asyncio.Event()
        self._passing.set()
        self._fatal = b""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def hold(self) -> None:
        """Pass nothing on any more, in either direction; what was sent waits."""
        self._passing.clear()

    def hold_before(self, words: bytes) -> None:
        """Hold as soon as anybody says this, within one packet; they are not passed on."""
        self._fatal = words

    def release(self) -> None:
        """Pass on again, what has waited first."""
        self._passing.set()

    def cut(self) -> None:
        """Break every connection off, with what is in flight."""
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1") -> AsyncIterator[int]:
        """Serve on a port of this address of the machine, inside this loop; yields the port."""
        server = await asyncio.start_server(self._relay, host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self.port
        finally:
            server.close()
            self.release()
            self.cut()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(near_writer)
        try:
            await self._passing.wait()
            far_reader, far_writer = await self._connect()
            self._writers.add(far_writer)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass(near_reader, far_writer))
                    group.create_task(self._pass(far_reader, near_writer))
            finally:
                self._end(far_writer)
        except* OSError:
            pass
        finally:
            self._end(near_writer)
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for port in self.ports:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            if self._fatal and self._fatal in chunk:
                self.hold()
            await self._passing.wait()
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError  # one side has closed: so does the other

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

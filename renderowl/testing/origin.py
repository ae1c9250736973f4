"""A web server for tests: says exactly what a test wants it to say, lies included, and remembers who asked."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Say = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def page(body: bytes = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> Say:
    """Answers with this body; a request that names its ETag or its Last-Modified is answered with 304."""
    told = dict(headers or {})

    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        same = (told.get("ETag"), told.get("Last-Modified"))
        known = (asked.headers.get("if-none-match"), asked.headers.get("if-modified-since"))
        if any(one is not None and one == other for one, other in zip(same, known, strict=True)):
            writer.write(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")
            return
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in told.items())]
        if "Content-Length" not in told and "Transfer-Encoding" not in told:
            lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)

    return say


def redirect(url: str, status: int = 302) -> Say:
    """Sends the caller elsewhere."""
    return page(status=status, headers={"Location": url})


def endless(chunk: bytes = b"x" * 65_536) -> Say:
    """Begins an answer of no announced length and never ends it."""

    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Said\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(chunk)
            await writer.drain()

    return say


def silent(told: bytes = b"") -> Say:
    """Says this much and then nothing more, without hanging up."""

    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(told)
        await writer.drain()
        await asyncio.Event().wait()

    return say


@dataclass
class Origin:
    """A server on a free port of 127.0.0.1. What no path is set for is answered with 404."""

    url: str
    pages: dict[str, Say] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def put(self, path: str, say: Say) -> str:
        """Answer this path so from now on; its URL."""
        self.pages[path] = say
        return self.url + path


@contextlib.asynccontextmanager
async def open_origin(port: int = 0, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Origin]:
    """A server until the end of the block."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            asked = await _read(reader)
            origin.asked.append(asked)
            await origin.pages.get(asked.path, page(status=404))(asked, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller has had enough, or the test
        finally:
            talking.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, ssl=tls)
    origin = Origin(f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield origin
    finally:
        server.close()
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

"""Asking a server over kept connections with next to no work of one's own: bytes in, status, headers and time out."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec


@dataclass
class Answers:
    """What came back: how often each status, how long each took, and how long all of it."""

    statuses: Counter[int] = field(default_factory=Counter)
    waits_ms: list[float] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.waits_ms) / self.took_s


class Answer(msgspec.Struct):
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Line:
    """A connection that is asked one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, asked: bytes) -> Answer:
        """Send a request and read its whole answer."""
        self._writer.write(asked)
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        status = int(first.split(" ", 2)[1])
        length = 0 if status in (204, 304) else int(headers.get("content-length", 0))
        return Answer(status, headers, await self._reader.readexactly(length))


@asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    """A connection for the length of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def ask_all(port: int, requests: Iterable[bytes], connections: int) -> Answers:
    """Send all of these as fast as answers come, over so many connections."""
    found, left = Answers(), iter(requests)

    async def asker() -> None:
        async with line(port) as one:
            for asked in left:
                began = time.perf_counter()
                answer = await one.ask(asked)
                found.waits_ms.append((time.perf_counter() - began) * 1e3)
                found.statuses[answer.status] += 1

    began = time.perf_counter()
    await asyncio.gather(*(asker() for _ in range(connections)))
    found.took_s = time.perf_counter() - began
    return found


def in_turn(items: list[bytes], count: int) -> Iterator[bytes]:
    """`count` of these, one after the other, round and round."""
    return (items[n % len(items)] for n in range(count))

"""The servers RenderOwl is measured beside, each a process that sends what it is given to everybody in a room.

They get their messages as RenderOwl's API does, published to Redis; only nchan, whose Redis protocol is its own, is
posted to over HTTP and keeps messages in memory, which is how it is fastest.
"""

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import redis.asyncio
from crowd import Target
from house import until_ready

from renderowl.embedded.process import free_port

INSTALLED: Final = Path(".renderowl/bench/peers").absolute()
"""Where `install.py` puts Node's packages and nginx."""
_HERE: Final = Path(__file__).parent / "peers"
_UVICORN: Final = (
    *("--host", "127.0.0.1", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
    *("--log-level", "warning", "--no-access-log", "--app-dir", str(_HERE)),
)
_WITH_LIB: Final = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/nginx && exec unshare --user --map-user=1000 "$@"',
    "sh",
)
"""nchan makes nginx want /var/lib/nginx, whatever its settings say: it gets one that nobody else sees."""

BARE: Final = "sockets alone"
"""No server, but what any of them pays at least."""

Publish = Callable[[str, bytes], Awaitable[object]]


@dataclass
class Peer:
    """A running server, and how a message gets to it."""

    name: str
    process: psutil.Process
    port: int
    publish: Publish

    def member(self, room: str) -> Target:
        """Somebody in a room."""
        return Target(self.port, f"/rooms/{room}")


@contextlib.asynccontextmanager
async def peers(redis_url: str) -> AsyncIterator[list[Peer]]:
    """All peers that are installed, running; nothing of them is left after the block."""
    async with contextlib.AsyncExitStack() as stack:
        bus = await stack.enter_async_context(redis.asyncio.Redis.from_url(redis_url))

        def publishing(prefix: str) -> Publish:
            return lambda room, message: bus.publish(prefix + room, message)

        python = {
            "uvicorn, bare send loop": ("uvicorn_loop:app", publishing("bench:")),
            "Litestar Channels": ("litestar_channels:app", publishing("")),
        }
        made = []
        for name, (application, publish) in python.items():
            port = free_port()
            command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *_UVICORN]
            process = await stack.enter_async_context(_running(command, port, {"PEER_REDIS_URL": redis_url}))
            made.append(Peer(name, process, port, publish))
        port = free_port()
        process = await stack.enter_async_context(
            _running([sys.executable, str(_HERE / "bare_sockets.py"), str(port)], port, {})
        )
        made.append(Peer(BARE, process, port, await stack.enter_async_context(_by_line(port))))
        if (INSTALLED / "node_modules" / "ws").exists():
            port = free_port()
            environment = {"PEER_REDIS_URL": redis_url, "PEER_PORT": str(port), "PEER_FOLDER": str(INSTALLED)}
            process = await stack.enter_async_context(
                _running(["node", str(_HERE / "ws_server.mjs")], port, environment)
            )
            made.append(Peer("Node ws", process, port, publishing("bench:")))
        if (nginx := INSTALLED / "nginx" / "usr" / "sbin" / "nginx").exists():
            port = free_port()
            command = [*_WITH_LIB, str(nginx), "-c", str(_configure(port))]
            process = await stack.enter_async_context(_running(command, port, {}))
            made.append(Peer("nchan", process, port, await stack.enter_async_context(_posting(port))))
        yield made


def missing(found: Sequence[Peer]) -> list[str]:
    """The peers that were not measured, because they are not installed."""
    names = {peer.name for peer in found}
    return [name for name in ("Node ws", "nchan") if name not in names]


@contextlib.asynccontextmanager
async def _running(command: Sequence[str], port: int, environment: Mapping[str, str]) -> AsyncIterator[psutil.Process]:
    process = subprocess.Popen(command, env=os.environ | dict(environment))
    try:
        await until_ready(port, process, "/")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _configure(port: int) -> Path:
    """nginx's settings with the places on this machine."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    modules = INSTALLED / "nginx" / "usr" / "lib" / "nginx" / "modules"
    path = INSTALLED / "nginx.conf"
    template = (_HERE / "nginx.conf").read_text()
    path.write_text(template.format(modules=modules, folder=INSTALLED, files=files, port=port))
    return path


@contextlib.asynccontextmanager
async def _by_line(port: int) -> AsyncIterator[Publish]:
    """A function that hands a message to `peers/bare_sockets.py`."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PUBLISH\n")
    await writer.drain()
    await asyncio.sleep(0.1)  # its first bytes are to come alone

    async def hand(room: str, message: bytes) -> None:
        writer.write(room.encode() + b" " + message + b"\n")

    try:
        yield hand
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def _posting(port: int) -> AsyncIterator[Publish]:
    """A function that posts a message to nchan over one connection: an HTTP client would cost more than the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def post(room: str, message: bytes) -> None:
        head = f"POST /publish/{room} HTTP/1.1\r\nHost: nchan\r\nContent-Length: {len(message)}\r\n\r\n"
        writer.write(head.encode() + message)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))

    try:
        yield post
    finally:
        writer.close()

"""How a preview picture reaches a member best: base64 in JSON, a binary frame, or a signed URL to fetch it from.

One real server after the other (`preview_server.py`), over the same Postgres and Valkey; members are real sockets on
this machine. Five renders make a picture a second each. Server CPU is that of the API process alone, without what it
uses with the same members and no pictures; client CPU that of this process, which is all members and publishes. The time
is from publishing to a member having the JPEG: with 100 members in one process they wait for each other.
"""

import argparse
import asyncio
import base64
import contextlib
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec
from results import percentile, save
from stack import TOKEN, Stack, connected
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from renderowl.bus.redis import RedisBus
from renderowl.domain.events import Picture

TRANSPORTS: Final = ("base64", "binary", "url")
MEMBERS: Final = (1, 100)
SIZES_KB: Final = (4, 12, 60)
"""A flat picture, a usual one 320 pixels wide, one of 1280 pixels."""
RENDERS: Final = 5
GOAL_US: Final = 50.0
LATEST_S: Final = 5.0
HELLO: Final = {"type": "hello", "filter": {"types": ["preview"], "max_hz": 10}}


class Members:
    """So many members of a room, and what they got: (picture's number, seconds since the clock's start)."""

    def __init__(self, transport: str) -> None:
        self.got: list[tuple[int, float]] = []
        self.bytes_on_wire = 0
        self._transport = transport

    async def join(self, url: str, project_id: str) -> ClientConnection:
        """A member that has been welcomed."""
        socket = await connect(
            f"ws{url.removeprefix('http')}/ws/projects/{project_id}/renders",
            additional_headers={"Authorization": f"Bearer {TOKEN}"},
            subprotocols=[Subprotocol("renderowl.v1")],
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        await socket.send(msgspec.json.encode(HELLO).decode())
        while msgspec.json.decode(await socket.recv())["type"] != "snapshot":
            pass
        return socket

    async def listen(self, socket: ClientConnection) -> None:
        """Take pictures for ever, each as a client would have it in hand."""
        http: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while True:
            message = await socket.recv()
            if isinstance(message, bytes):
                at = 2 + int.from_bytes(message[:2], "big")
                told, jpeg = msgspec.json.decode(message[2:at]), message[at:]
            else:
                told = msgspec.json.decode(message)
                if told["type"] != "render.preview":
                    if told["type"] == "ping":
                        await socket.send('{"type":"pong"}')
                    continue
            self.bytes_on_wire += _framed(len(message))
            if self._transport == "base64":
                jpeg = base64.b64decode(told["data"]["base64"])
            elif self._transport == "url":
                address = told["data"]["url"]
                if http is None:
                    host, port = address.split("/")[2].split(":")
                    http = await asyncio.open_connection(host, int(port))
                jpeg = await self._get(*http, address)
            assert jpeg.startswith(b"\xff\xd8")
            self.got.append((told["data"]["frame"], time.monotonic()))

    async def _get(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> bytes:
        """The body of a GET over a connection that is kept, with the headers a browser must at least send."""
        host, path = address.split("/", 3)[2:]
        asked = f"GET /{path} HTTP/1.1\r\nhost: {host}\r\naccept: image/*\r\n\r\n".encode()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        self.bytes_on_wire += len(asked) + len(head) + length
        return body


def _framed(payload: int) -> int:
    """Bytes of an unmasked WebSocket frame with so large a payload."""
    return payload + (2 if payload < 126 else 4 if payload < 65_536 else 10)


@contextlib.asynccontextmanager
async def server(stack: Stack, transport: str) -> AsyncIterator[tuple[str, int]]:
    """The API with this transport."""
    script = Path(__file__).with_name("preview_server.py")
    environment = os.environ | stack.environment() | {"RENDEROWL_AUTH_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), transport),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=(stack.data_dir / f"{transport}.log").open("wb"),
    )
    assert process.stdout is not None
    try:
        word, port = (await process.stdout.readline()).decode().split()
        assert word == "ready"
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        await process.wait()


def _cpu_s(pid: int) -> float:
    """Seconds all threads of a process have run: the scheduler's own count, finer than the ticks of `times`."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


async def measure_case(
    url: str,
    pid: int,
    bus: RedisBus,
    project_id: str,
    transport: str,
    members: int,
    size_kb: int,
    s: int,
) -> dict[str, Any]:
    """One room with so many members and pictures of one size, for `s` seconds; idle for as long before."""
    room = Members(transport)
    jpeg = b"\xff\xd8" + random.Random(size_kb).randbytes(size_kb * 1024 - 4) + b"\xff\xd9"
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(await room.join(url, project_id)) for _ in range(members)]
        listeners = [asyncio.create_task(room.listen(socket)) for socket in sockets]
        before, ours = _cpu_s(pid), time.process_time()
        await asyncio.sleep(s)
        idle_s, our_idle_s = _cpu_s(pid) - before, time.process_time() - ours
        numbers, published, before = count(1), {}, _cpu_s(pid)
        ours = time.process_time()
        for _ in range(s * RENDERS):
            number = next(numbers)
            published[number] = time.monotonic()
            render_id = f"rnd_{transport}{members}x{size_kb}n{number % RENDERS}"
            await bus.publish_preview(project_id, render_id, 1, Picture(number, number / 30, jpeg))
            await asyncio.sleep(1 / RENDERS)
        deliveries = len(published) * members
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LATEST_S):
                while len(room.got) < deliveries and not any(listener.done() for listener in listeners):
                    await asyncio.sleep(0.05)
        used_s, our_used_s = _cpu_s(pid) - before - idle_s, time.process_time() - ours - our_idle_s
        for listener in listeners:
            listener.cancel()
        ends = await asyncio.gather(*listeners, return_exceptions=True)
        failed = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
        assert not failed, failed
    delays = [(at - published[number]) * 1000 for number, at in room.got]
    assert len(delays) == deliveries, f"{len(delays)} of {deliveries} pictures arrived"
    return {
        "members": members,
        "picture_kb": size_kb,
        "pictures": len(published),
        "server_cpu_us_per_picture_and_member": round(used_s / deliveries * 1e6, 1),
        "client_cpu_us_per_picture_and_member": round(our_used_s / deliveries * 1e6, 1),
        "bytes_per_picture_and_member": round(room.bytes_on_wire / deliveries),
        "p50_ms": round(percentile(delays, 0.5), 2),
        "p95_ms": round(percentile(delays, 0.95), 2),
    }


async def measure(seconds: int) -> None:
    cases: dict[str, list[dict[str, Any]]] = {}
    async with connected("--workers", "0") as (stack, client):
        bus = RedisBus(stack.environment()["RENDEROWL_REDIS_URL"])
        project_id = (await client.create_project("Previews")).id
        for transport in TRANSPORTS:
            async with server(stack, transport) as (url, pid):
                await measure_case(url, pid, bus, project_id, transport, 1, 1, 1)  # warm
                cases[transport] = []
                for members in MEMBERS:
                    for size_kb in SIZES_KB:
                        found = await measure_case(url, pid, bus, project_id, transport, members, size_kb, seconds)
                        cases[transport].append(found)
                        print(transport, found, flush=True)
        await bus.close()
    usual = next(one for one in cases["base64"] if (one["members"], one["picture_kb"]) == (MEMBERS[-1], 12))
    save(
        "previews",
        title="Server CPU per preview picture and member, 12 KB, 100 members",
        goal=GOAL_US,
        result=usual["server_cpu_us_per_picture_and_member"],
        unit="us",
        meaning="CPU of the API process for one picture to one member as it is sent now, base64 in JSON, over what the "
        "same members cost without pictures; beside it the other two transports",
        cases=cases,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of each case")
    asyncio.run(measure(parser.parse_args().seconds))

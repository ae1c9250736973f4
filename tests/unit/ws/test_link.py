"""What is sent to many at once goes past their connections: each must leave before its socket is anything else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect

from renderowl.ws.bundle import Bundle
from renderowl.ws.link import LinkedProtocol, link_of
from renderowl.ws.words import frame_of


class Served:
    """A WebSocket server whose connections all go into one bundle."""

    def __init__(self) -> None:
        self.bundle = Bundle()
        self.links: list[LinkedProtocol] = []
        self.joined = asyncio.Event()
        self.left: asyncio.Queue[LinkedProtocol] = asyncio.Queue()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        link = link_of(scope)
        assert isinstance(link, LinkedProtocol)
        self.links.append(link)
        self.bundle.join(link)
        self.joined.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.left.put_nowait(link)

    async def client(self, port: int) -> ClientConnection:
        self.joined.clear()
        client = await connect(f"ws://127.0.0.1:{port}/", proxy=None, max_size=None, max_queue=1)
        await self.joined.wait()
        return client


@pytest.fixture
async def served() -> AsyncIterator[tuple[Served, int]]:
    application = Served()
    config = Config(application, log_level="critical", lifespan="off", ws_per_message_deflate=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LinkedProtocol(config, state, {}), "127.0.0.1", 0)
    async with asyncio.timeout(30):
        yield application, server.sockets[0].getsockname()[1]
        server.close()
        for link in application.links:
            link.abort()


async def test_who_goes_is_in_no_bundle_when_its_socket_is_closed(
    served: tuple[Served, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    application, port = served
    stays, goes = await application.client(port), await application.client(port)
    going = application.links[1]
    closing: list[tuple[Bundle | None, int]] = []
    lost = going.connection_lost

    def noted(error: Exception | None) -> None:
        lost(error)
        connection: socket.socket = going.transport.get_extra_info("socket")
        closing.append((going.bundle, connection.fileno()))

    monkeypatch.setattr(going, "connection_lost", noted)
    goes.transport.abort()
    await application.left.get()
    ((bundle, number),) = closing
    assert bundle is None
    assert number >= 0, "it is closed only after that"
    application.bundle.write([frame_of(b"on")])
    assert await stays.recv() == "on"


async def test_who_says_goodbye_is_sent_the_answer_and_nothing_after_it(
    served: tuple[Served, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    application, port = served
    client = await application.client(port)
    (link,) = application.links
    closing: list[Bundle | None] = []
    data_received = link.data_received

    def noted(data: bytes) -> None:
        data_received(data)
        if link.transport.is_closing():
            closing.append(link.bundle)

    monkeypatch.setattr(link, "data_received", noted)
    await client.close()
    await application.left.get()
    assert closing == [None]


async def test_who_reads_late_is_sent_everything_in_order_in_or_out_of_the_bundle(served: tuple[Served, int]) -> None:
    application, port = served
    client = await application.client(port)
    (link,) = application.links
    full, again = asyncio.Event(), asyncio.Event()
    link.on_full, link.on_room = full.set, again.set
    count = 0
    while not full.is_set():
        application.bundle.write([frame_of(b"%07d" % count * 2_000)])
        count += 1
    assert link.bundle is None, "it would be sent past what waits"
    link.write([frame_of(b"%07d" % count), frame_of(b"%07d" % (count + 1))])
    heard = [await client.recv() for _ in range(count + 2)]
    assert [int(str(one)[:7]) for one in heard] == list(range(count + 2))
    await again.wait()
    application.bundle.join(link)
    application.bundle.write([frame_of(b"last")])
    assert await client.recv() == "last"

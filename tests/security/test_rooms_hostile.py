"""What one member of a room may do to the others, and to the process."""

import asyncio
import select
import socket
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

import httpx
import msgspec
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from renderowl.api.patience import PatientProtocol
from renderowl.bus.base import RoomMessage
from renderowl.db import renders as render_rows
from renderowl.services import renders
from renderowl.services.asking import RenderRequest
from renderowl.services.publishing import record
from renderowl.testing.serving import World, serve
from renderowl.testing.signals import until
from renderowl.ws.link import LinkedProtocol
from renderowl.ws.words import frame_of

T = TypeVar("T")
EVENTS = 120
CAPTION = {"type": "caption", "text": "a", "start": 0, "duration": 1}


@pytest.mark.parametrize("hz", ["1e-310", "1e-300", "0.05"])
async def test_a_rate_that_is_next_to_none_is_refused_before_anybody_waits_for_it(world: World, hz: str) -> None:
    async with world.room() as socket:
        await socket.send(f'{{"type":"hello","filter":{{"max_hz":{hz}}}}}')
        await socket.wait_closed()
        assert socket.close_code == 4400


async def test_a_failure_of_one_room_costs_the_others_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, heard = world.hub, list[str]()

    def hear(message: RoomMessage) -> None:
        heard.append(message.kind)
        raise OverflowError("a bug")

    async with world.room() as socket:
        await socket.send('{"type":"hello"}')
        await world.members(1)
        monkeypatch.setattr(hub, "_hear", hear)
        await world.progress(0.1)

        async def failed() -> bool:
            return bool(heard)

        await until(failed)
        monkeypatch.undo()
        await world.progress(0.2)
        while '"percent":20.0' not in str(await socket.recv()):
            pass
        assert hub.connected


class Mute:
    """A peer that sends and never reads, so that what it is sent stays with the server."""

    def __init__(self, world: World, path: str, **headers: str) -> None:
        host, port = world.http_url.removeprefix("http://").split(":")
        self._came = StreamReader()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self._socket.connect((host, int(port)))
        lines = [f"GET {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {world.key}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def frame(self, opcode: Opcode, data: bytes) -> None:
        self.send(Frame(opcode, data).serialize(mask=True))

    def close(self) -> None:
        self._socket.close()

    def read_until_it_is_writable(self, other: socket.socket) -> None:
        """Read until the kernel would take more of the other end."""
        while not select.select([], [other], [], 0)[1]:
            self._came.feed_data(self._socket.recv(65536))

    def frames(self) -> Iterator[Frame]:
        """All that it is sent, read at last; TimeoutError when nothing comes."""
        self._socket.settimeout(10)
        while self._read(self._came.read_line(8192)) != b"\r\n":
            pass
        while True:
            yield self._read(Frame.parse(self._came.read_exact, mask=False))

    def _read(self, reading: Generator[None, None, T]) -> T:
        while True:
            try:
                next(reading)
            except StopIteration as done:
                return cast(T, done.value)
            self._came.feed_data(self._socket.recv(65536))


async def mute_in_room(world: World) -> Mute:
    """One who has asked for all that happened in the room."""
    mute = Mute(
        world,
        f"/ws/projects/{world.project.id}/renders",
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
        Sec_WebSocket_Protocol="renderowl.v1",
    )

    async def known() -> bool:
        return any(guest.principal for guest in world.hub.guests)

    await until(known)
    mute.frame(Opcode.TEXT, f'{{"type":"hello","since":"{world.project.event_epoch}.0"}}'.encode())
    return mute


@pytest.fixture
async def talkative(world: World) -> World:
    """A world whose room has 6 MB to say to who was never there."""
    for number in range(EVENTS):
        async with world.ctx.db.transaction() as tx:
            data = {"status": "x" * 50_000}
            await record(world.ctx, tx, world.project.id, "render.queued", data, render_id=f"rnd_{number}", attempt=1)
    return world


async def test_a_peer_that_closes_and_reads_nothing_holds_on_to_nothing(
    talkative: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LinkedProtocol, "linger_s", 0.2)
    lost = observed(monkeypatch, LinkedProtocol, "connection_lost")
    full = observed(monkeypatch, LinkedProtocol, "pause_writing")
    mute = await mute_in_room(talkative)
    try:
        await until(lambda: some(full))
        mute.frame(Opcode.CLOSE, b"\x03\xe8")
        await until(lambda: some(lost))
    finally:
        mute.close()


async def test_a_peer_that_reads_late_is_told_everything_whole_and_in_order(
    talkative: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = observed(monkeypatch, LinkedProtocol, "pause_writing")
    mute = await mute_in_room(talkative)
    try:
        await until(lambda: some(full))
        (link,) = {one for one in full if isinstance(one, LinkedProtocol)}
        mute.read_until_it_is_writable(link.transport.get_extra_info("socket"))
        # the kernel has room again, but half a frame waits in the transport
        link.write([frame_of(b'{"type":"between"}')])
        link.send_keepalive_ping()
        heard = await asyncio.to_thread(lambda: list(islice(mute.frames(), 1 + EVENTS + 2)))
    finally:
        mute.close()
    assert [frame.opcode for frame in heard].count(Opcode.PING) == 1
    welcome, *told = [msgspec.json.decode(frame.data) for frame in heard if frame.opcode is Opcode.TEXT]
    assert welcome["type"] == "welcome"
    assert [word["seq"] for word in told if word["type"] != "between"] == list(range(1, EVENTS + 1))
    assert len(told) == EVENTS + 1


async def test_a_stream_that_is_not_read_loses_its_seat(talkative: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "stuck_s", 0.2)
    full = observed(monkeypatch, PatientProtocol, "pause_writing")
    path = f"/projects/{talkative.project.id}/events?since={talkative.project.event_epoch}.0"
    mute = Mute(talkative, path)
    try:
        await until(lambda: some(full))

        async def gone() -> bool:
            return not talkative.hub.guests

        await until(gone)
        await talkative.members(0)
    finally:
        mute.close()


def observed(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> list[object]:
    """The connections of this kind that this is called of, from now on."""
    original, seen = getattr(kind, name), list[object]()

    def noting(self: object, *args: object) -> None:
        seen.append(self)
        original(self, *args)

    monkeypatch.setattr(kind, name, noting)
    return seen


async def some(seen: list[object]) -> bool:
    return bool(seen)


async def test_long_polls_count_towards_what_a_process_takes(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with serve(database_url, redis_url, storage_dir, room_connections=1) as world:
        headers = {"authorization": f"Bearer {world.key}"}
        async with httpx.AsyncClient(base_url=world.http_url, headers=headers, timeout=30) as http:
            path = f"/projects/{world.project.id}/events"
            query = {"after": f"{world.project.event_epoch}.0", "wait": "25"}
            waiting = asyncio.create_task(http.get(path, params=query))
            await world.members(1)
            assert (await http.get(path, params=query)).status_code == 503
            await world.happen()
            assert (await waiting).status_code == 200


async def test_a_room_is_read_without_what_was_sent_with_its_renders(world: World) -> None:
    asked = RenderRequest(composition_id="timeline", input_props={"duration": 1, "tracks": [{"clips": [CAPTION]}]})
    made = (await renders.submit(world.ctx, world.principal, world.project.id, asked)).render
    rows = await render_rows.list_active_of(world.ctx.db, [world.project.id])
    newest = await render_rows.list_newest_of(world.ctx.db, [world.project.id], limit=1)
    for [read] in (rows[world.project.id], newest[world.project.id]):
        assert (read.id, read.input_props, read.output_settings) == (made.id, {}, {})

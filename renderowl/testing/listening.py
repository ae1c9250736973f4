"""Listeners to a room over each transport, that come back after any failure and note all they are told."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final, Self

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from renderowl.domain.events import DURABLE_TYPES
from renderowl.testing.deployment import Program
from renderowl.testing.signals import until

PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.05


class Listener:
    """What somebody was told of a room, in order, over all connections; see `renderowl.testing.history`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[dict[str, Any]] = []
        self.told_at: list[float] = []
        """When (`time.monotonic`) each of them was."""
        self.closes: list[int] = []
        """The codes that its sockets were closed with, 0 where the connection just broke."""
        self._task: asyncio.Task[None] | None = None

    def note(self, messages: Iterable[dict[str, Any]]) -> None:
        """These were told just now."""
        self.told.extend(messages)
        self.told_at.extend([time.monotonic()] * (len(self.told) - len(self.told_at)))

    def begin(self, hear: Awaitable[None]) -> Self:
        """Listen in a task of its own."""
        self._task = asyncio.ensure_future(hear)
        return self

    async def end(self) -> None:
        """Stop listening. Raises what went wrong."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def seq(self) -> int:
        """Up to where the durable lane was told; -1 before anything was."""
        marks = (one["seq"] for one in reversed(self.told) if one["type"] == "snapshot" or one["type"] in DURABLE_TYPES)
        return next(marks, -1)

    def progress(self, render_id: str) -> list[dict[str, Any]]:
        """What was told of a render's progress, in order."""
        return [one["data"] for one in self.told if one["type"] == "render.progress" and one["render_id"] == render_id]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition on what was told."""

        async def look() -> bool:
            if self._task is not None and self._task.done():
                self._task.result()
                raise EOFError(f"{self.name} listens no more")
            return condition()

        try:
            await until(look, timeout_s=PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"{self.name} waited for {what} and was told {self.told[-5:]}") from None

    async def reaches(self, seq: int) -> None:
        """Wait until the durable lane was told up to `seq`."""
        await self.until(lambda: self.seq >= seq, f"event {seq}")

    async def hears_progress(self, render_id: str) -> None:
        """Wait for news of a render's progress, later than what was told of it by now."""
        before = len(self.progress(render_id))
        await self.until(lambda: len(self.progress(render_id)) > before, f"progress of {render_id}")


@contextlib.asynccontextmanager
async def ending(*listeners: Listener) -> AsyncIterator[None]:
    """End the listeners with the block."""
    try:
        yield
    finally:
        for listener in listeners:
            await listener.end()


async def hear_socket(listener: Listener, base_url: str, key: str, project_id: str) -> None:
    """The socket, resumed at once after every close and break."""
    url = f"ws{base_url.removeprefix('http')}/ws/projects/{project_id}/renders"
    cursor: str | None = None
    while True:
        with contextlib.suppress(OSError, WebSocketException):
            async with connect(
                url, additional_headers={"Authorization": f"Bearer {key}"}, subprotocols=[Subprotocol("renderowl.v1")]
            ) as socket:
                await socket.send(msgspec.json.encode({"type": "hello", "since": cursor}).decode())
                epoch = ""
                async for text in _until_closed(socket, listener.closes):
                    message = msgspec.json.decode(text)
                    if message["type"] == "ping":
                        await socket.send('{"type":"pong"}')
                    if message["type"] == "welcome":
                        epoch = message["epoch"]
                    else:
                        listener.note([message])
                        cursor = f"{epoch}.{message['seq']}" if "seq" in message else cursor
        await asyncio.sleep(_PAUSE_S)


async def _until_closed(socket: ClientConnection, closes: list[int]) -> AsyncIterator[str | bytes]:
    """What is said on a socket; then the code it was closed with is noted."""
    try:
        while True:
            yield await socket.recv()
    except ConnectionClosed as closed:
        closes.append(0 if closed.rcvd is None else closed.rcvd.code)


async def hear_stream(listener: Listener, base_url: str, key: str, project_id: str) -> None:
    """Server-sent events, with the last id sent back after a break as browsers do."""
    async with _http(base_url, key) as http:
        last_id: str | None = None
        while True:
            headers = {} if last_id is None else {"Last-Event-ID": last_id}
            with contextlib.suppress(httpx.HTTPError):
                async with http.stream("GET", f"/projects/{project_id}/events", headers=headers) as answer:
                    id: str | None = None
                    async for line in answer.aiter_lines() if answer.is_success else _nothing():
                        field, _, value = line.partition(": ")
                        if field == "id":
                            id = value
                        elif field == "data":
                            listener.note([msgspec.json.decode(value)])
                            last_id, id = id or last_id, None
            await asyncio.sleep(_PAUSE_S)


async def hear_polls(
    listener: Listener, base_url: str, key: str, project_id: str, render_id: str | None = None
) -> None:
    """Long polls, one after the other, about the whole room or about one render."""
    path = f"/projects/{project_id}/" + ("events" if render_id is None else f"renders/{render_id}/progress")
    cursor = ""
    async with _http(base_url, key) as http:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await http.get(path, params={"after": cursor, "wait": 25})
                if answer.is_success:
                    poll = answer.json()
                    cursor = poll["cursor"]
                    listener.note(_words(poll, render_id))
                    continue
            await asyncio.sleep(_PAUSE_S)


async def hear_log(listener: Listener, program: Program) -> None:
    """What a client process prints, a message a line."""
    with program.log.open("rb") as log:
        left = b""
        while True:
            program.must_live()
            *lines, left = (left + log.read()).split(b"\n")
            listener.note(msgspec.json.decode(line) for line in lines if line.startswith(b"{"))
            await asyncio.sleep(_PAUSE_S)


def _words(poll: dict[str, Any], render_id: str | None) -> list[dict[str, Any]]:
    """What a poll tells, as the socket would."""
    if render_id is None:
        messages: list[dict[str, Any]] = poll["messages"]
        return messages
    words = []
    if not poll["recovered"]:
        words.append({"type": "snapshot", "seq": int(poll["cursor"].rpartition(".")[2]), "renders": []})
    words.extend(poll["events"])
    if poll["progress"] is not None:
        words.append({"type": "render.progress", "render_id": render_id, "data": poll["progress"]})
    return words


def _http(base_url: str, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=httpx.Timeout(10, read=40)
    )


async def _nothing() -> AsyncIterator[str]:
    return
    yield

"""A recorder of everything a project's room tells, for tests to wait on."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from renderowl.client import Client, RoomMessage
from renderowl.testing.running import RunningService

_TIMEOUT_S: Final = 30.0


class EventRecorder:
    """What a room has told since the test began, in order. Safe to ask from any thread."""

    def __init__(self) -> None:
        self._heard: list[RoomMessage] = []
        self._fresh = threading.Condition()
        self._listening: Future[None] | None = None

    @property
    def heard(self) -> list[RoomMessage]:
        """Every message so far, the first `snapshot` included."""
        with self._fresh:
            return list(self._heard)

    def types(self, render_id: str | None = None) -> list[str]:
        """The types of the durable events so far, in order; of one render, if it is named."""
        durable = (one for one in self.heard if one.seq is not None and one.type != "snapshot")
        return [one.type for one in durable if render_id in (None, one.render_id)]

    def percents(self, render_id: str) -> list[float]:
        """What was told of a render's progress."""
        told = (one for one in self.heard if one.type == "render.progress" and one.render_id == render_id)
        return [one.data["percent"] for one in told]

    def wait_for(self, type: str, *, render_id: str | None = None, timeout_s: float = _TIMEOUT_S) -> RoomMessage:
        """The first message of this type, once it is there.

        Raises TimeoutError naming what came instead, or what has ended the listening.
        """

        def found() -> RoomMessage | None:
            return next(
                (one for one in self._heard if one.type == type and render_id in (None, one.render_id)),
                None,
            )

        with self._fresh:
            self._fresh.wait_for(lambda: found() or self._listening, timeout_s)
            message, ended = found(), self._listening
        if message is None and ended is not None:
            ended.result()
        if message is None:
            raise TimeoutError(f"no {type} within {timeout_s:g} s; there were {self.types() or 'no events'}")
        return message

    async def heard_of(self, type: str, *, render_id: str | None = None, timeout_s: float = _TIMEOUT_S) -> RoomMessage:
        """`wait_for` in a test that is a coroutine."""
        return await asyncio.to_thread(self.wait_for, type, render_id=render_id, timeout_s=timeout_s)

    def note(self, message: RoomMessage) -> None:
        """Keep a message and wake whoever waits for it."""
        with self._fresh:
            self._heard.append(message)
            self._fresh.notify_all()

    def ended(self, listening: "Future[None]") -> None:
        """Note that nothing more will be heard, and wake whoever waits for it."""
        with self._fresh:
            self._listening = listening
            self._fresh.notify_all()


@contextlib.contextmanager
def recording(service: RunningService, key: str, project_id: str) -> Iterator[EventRecorder]:
    """Record a project's room until the end of the block; it is heard from before the block begins."""
    recorder = EventRecorder()

    async def listen() -> None:
        async with Client(service.url, key) as client:
            async for message in client.room(project_id):
                recorder.note(message)

    listening = service.start(listen())
    listening.add_done_callback(recorder.ended)
    try:
        recorder.wait_for("snapshot")
        yield recorder
    finally:
        listening.cancel()

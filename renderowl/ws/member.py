"""What waits to be said to one member: bounded, and never awaited by whoever fills it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

from renderowl.services.rooms import Opening
from renderowl.ws import frames
from renderowl.ws.frames import EphemeralWord, EventWord, Filter, Spoken, Word
from renderowl.ws.protocol import Close

QUEUE_COUNT: Final = 256
QUEUE_BYTES: Final = 256 * 1024
LATE_S: Final = 10.0
"""How long a waiting event, or one batch on its way to the socket, may take before the member counts as too slow."""
MARK_S: Final = 10.0
BATCH: Final = 32

_ENDS: Final = frozenset({"render.completed", "render.failed", "render.cancelled"})
_TOO_SLOW: Final = Close(frames.OVERLOADED, "this client is too slow; reconnect and resume")


class Member:
    """The outbox of one connection.

    Durable events queue up in order, ephemeral words have one slot a render and kind. Until `begin`, both are kept
    back. `abort` is called when the member is closed while its connection does not take what it is sent.
    """

    def __init__(self, clock: Callable[[], float], *, abort: Callable[[], None] = lambda: None) -> None:
        self.filter = Filter()
        self.closing: Close | None = None
        self._clock = clock
        self._abort = abort
        self._begun_at: int | None = None
        self._spoken: deque[Word] = deque()
        self._queue: deque[tuple[float, EventWord]] = deque()
        self._queue_bytes = 0
        self._latest: dict[tuple[str, str], EphemeralWord] = {}
        self._next_at: dict[tuple[str, str], float] = {}
        self._hidden_seq = 0
        self._mark_at: float | None = None
        self._sending_since: float | None = None
        self._wake = asyncio.Event()

    # --- filling -----------------------------------------------------------------------------------------------------

    def say(self, message: frames.ServerMessage) -> None:
        """Send this before anything else that waits."""
        self._spoken.append(Spoken(message))
        self._wake.set()

    def close(self, close: Close) -> None:
        """End the connection after what was said; the first reason stays."""
        if self.closing is None:
            self.closing = close
            self._wake.set()

    def begin(self, opening: Opening) -> None:
        """Say what the room opened with, then go on with the events above it that have come in meanwhile."""
        early, self._queue, self._queue_bytes = self._queue, deque(), 0
        self._begun_at = opening.cursor.seq
        if opening.recovered:
            wanted = (event for event in opening.events if self.filter.wants("state", event.render_id))
            self._spoken.extend(EventWord(event) for event in wanted)
        else:
            ids = self.filter.render_ids
            renders = [render for render in opening.renders if ids is None or render.id in ids]
            self._spoken.append(Spoken(frames.Snapshot(opening.cursor.seq, renders, opening.more), opening.cursor))
        for render_id, progress in opening.progress.items():
            if self.filter.wants("progress", render_id):
                self._latest.setdefault(("progress", render_id), EphemeralWord.of_progress(render_id, progress))
        for _, word in early:
            self.hear(word)
        self._wake.set()

    def hear(self, word: EventWord) -> None:
        """Take the next durable event; it makes progress of its render that still waits pointless."""
        event = word.event
        if self.closing is not None or (self._begun_at is not None and event.seq <= self._begun_at):
            return
        if event.render_id is not None:
            for interest in ("progress", "preview"):
                self._latest.pop((interest, event.render_id), None)
                if event.type in _ENDS:
                    self._next_at.pop((interest, event.render_id), None)
        if not self.filter.wants("state", event.render_id):
            self._hidden_seq = event.seq
            self._mark_at = self._mark_at or self._clock() + MARK_S
        else:
            self._queue.append((self._clock(), word))
            self._queue_bytes += len(word.text)
            self._mark_at = None
            if len(self._queue) > QUEUE_COUNT or self._queue_bytes > QUEUE_BYTES:
                self.give_up()
        self._wake.set()

    def glance(self, word: EphemeralWord) -> None:
        """Take the newest progress or preview of a render, in place of an older one that still waits."""
        if self.closing is None and self.filter.wants(word.interest, word.render_id):
            self._latest[word.interest, word.render_id] = word
            self._wake.set()

    def give_up(self) -> None:
        """Close a member that is too slow, without sending it what waits."""
        self._spoken.clear()
        self._queue.clear()
        self.close(_TOO_SLOW)
        if self._sending_since is not None:
            self._abort()

    def is_late(self, now: float) -> bool:
        """Tell whether the connection takes too long to take what it is sent."""
        sending = self._sending_since
        head = self._queue[0][0] if self._queue and self._begun_at is not None else now
        return now - head > LATE_S or (sending is not None and now - sending > LATE_S)

    # --- emptying ----------------------------------------------------------------------------------------------------

    def take(self, now: float) -> list[Word]:
        """The next words to send, at most a batch; call it again when they are sent. Empty: nothing is due."""
        batch: list[Word] = []
        while self._spoken and len(batch) < BATCH:
            batch.append(self._spoken.popleft())
        if self.closing is None and self._begun_at is not None and not self._spoken:
            self._take_live(batch, now)
        self._sending_since = now if batch else None
        if not batch:
            self._wake.clear()
        return batch

    def _take_live(self, batch: list[Word], now: float) -> None:
        while self._queue and len(batch) < BATCH:
            word = self._queue.popleft()[1]
            self._queue_bytes -= len(word.text)
            batch.append(word)
        if self._queue:
            return
        if self._mark_at is not None and self._mark_at <= now:
            self._mark_at = None
            batch.append(Spoken(frames.CursorMark(self._hidden_seq)))
        for key in [key for key in self._latest if self._next_at.get(key, now) <= now]:
            batch.append(self._latest.pop(key))
            interval_s = 1 / self.filter.max_hz
            # By the timetable, up to a tenth late: counted from now, each late start would hold up the next word, which
            # an encoder says just as often, a little longer.
            self._next_at[key] = max(self._next_at.get(key, now), now - interval_s / 10) + interval_s

    def due(self) -> float:
        """When `take` has something without anything new coming in."""
        if self._begun_at is None:
            return float("inf")
        times = [self._next_at.get(key, 0.0) for key in self._latest]
        return min([*times, self._mark_at or float("inf")])

    async def wait(self, timeout_s: float) -> None:
        """Return when there may be something to take or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, timeout_s)):
                await self._wake.wait()

"""What waits to be said to one member: bounded, and never awaited by whoever fills it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from renderowl.domain.events import RENDER_ENDS
from renderowl.services.rooms import Filter
from renderowl.ws import frames
from renderowl.ws.opening import Opening
from renderowl.ws.protocol import Close
from renderowl.ws.words import EphemeralWord, EventWord, Spoken, Word

if TYPE_CHECKING:
    from renderowl.ws.cohort import Cohort

QUEUE_COUNT: Final = 256
QUEUE_BYTES: Final = 256 * 1024
LATE_S: Final = 10.0
"""How long an event may wait, or the peer not take what it was sent, before the member counts as too slow."""
MARK_S: Final = 9.0
"""After so long a hidden event is made up for by a mark; with the time until somebody looks, within ten seconds."""
BATCH: Final = 32
PICTURE_S: Final = 1.0
"""How often a picture of one render is sent at most, however many workers make them."""

_NEVER: Final = float("inf")
_TOO_SLOW: Final = Close(frames.OVERLOADED, "this client is too slow; reconnect and resume")


class Outlet(Protocol):
    """Where a member's words go."""

    def offer(self, word: Word) -> bool:
        """Say the word at once; False: it has to wait, and will be asked for."""
        ...

    def remind(self, at: float) -> None:
        """There is something to take from the member at this time, or as soon as there is room for it after."""
        ...


class _Nowhere:
    """The outlet of a member that has left."""

    def offer(self, word: Word) -> bool:
        return True

    def remind(self, at: float) -> None:
        pass


_NOWHERE: Final = _Nowhere()


class Member:
    """The outbox of one connection.

    Durable events queue up in order, ephemeral words have one slot a render and kind. Until `begin`, both are kept
    back. What need not wait goes straight to the outlet.
    """

    # a thousand members are walked through for each word: what they consist of lies together in memory
    __slots__ = (
        "_begun_at",
        "_clock",
        "_hidden_seq",
        "_latest",
        "_mark_at",
        "_next_at",
        "_outlet",
        "_queue",
        "_queue_bytes",
        "_spoken",
        "closing",
        "cohort",
        "filter",
        "presence",
    )

    def __init__(self, clock: Callable[[], float], outlet: Outlet) -> None:
        self.filter = Filter()
        self.presence = False
        """Whether it hears who comes and goes."""
        self.closing: Close | None = None
        self.cohort: Cohort | None = None
        """Who hears the room in its place."""
        self._clock = clock
        self._outlet = outlet
        self._begun_at: int | None = None
        self._spoken: list[Word] = []
        self._queue: deque[tuple[float, EventWord]] | None = None
        self._queue_bytes = 0
        self._latest: dict[tuple[str, str], EphemeralWord] = {}
        self._next_at: dict[tuple[str, str], float] = {}
        self._hidden_seq = 0
        self._mark_at = _NEVER

    # --- filling -----------------------------------------------------------------------------------------------------

    def say(self, message: frames.ServerMessage) -> None:
        """Send this before anything else that waits."""
        word = Spoken(message)
        if self._spoken or not self._outlet.offer(word):
            self._spoken.append(word)
            self._outlet.remind(self._clock())

    def close(self, close: Close) -> None:
        """End the connection after what was said; the first reason stays."""
        if self.closing is None:
            self.part()
            self.closing = close
            self._outlet.remind(self._clock())

    def begin(self, opening: Opening) -> None:
        """Say what the room opened with, then go on with the events above it that have come in meanwhile."""
        early, self._queue, self._queue_bytes = self._queue or (), None, 0
        self._begun_at = opening.upto
        self._spoken.extend(opening.words(self.filter))
        for word in opening.progress:
            if self.filter.wants("progress", word.render_id):
                self._latest.setdefault(word.slot, word)
        for _, event in early:
            self.hear(event)
        self._outlet.remind(self._clock())

    def leave(self) -> None:
        """Let go of the outlet: nobody is there any more."""
        self._outlet = _NOWHERE

    def hear(self, word: EventWord) -> None:
        """Take the next durable event; it makes progress of its render that still waits pointless."""
        event = word.event
        if self.closing is not None or (self._begun_at is not None and event.seq <= self._begun_at):
            return
        if event.render_id is not None:
            self._forget(event.render_id, ended=event.type in RENDER_ENDS)
        if not self.filter.wants("state", event.render_id):
            self._hidden_seq = event.seq
            self._mark_at = min(self._mark_at, self._clock() + MARK_S)
            return
        self._mark_at = _NEVER
        if not (self._may_go_on and self._outlet.offer(word)):
            self._wait_in_line(word)

    def glance(self, word: EphemeralWord, now: float) -> None:
        """Take the newest word of a slot, in place of an older one that still waits."""
        if self.closing is not None or not self._wants(word):
            return
        slot = word.slot
        if slot in self._latest:
            self._latest[slot] = word
            return
        at = self._next_at.get(slot, now)
        if at <= now and self._may_go_on:
            self._pace(slot, at, now)  # before it is said: whoever parts from a cohort upon it is paced by it too
            if self._outlet.offer(word):
                return
            self._next_at[slot] = at
        self._latest[slot] = word
        self._outlet.remind(at)

    def give_up(self) -> None:
        """Close a member that is too slow, without sending it what waits."""
        self._spoken.clear()
        self._queue = None
        self._latest.clear()
        self.close(_TOO_SLOW)

    def is_late(self, now: float) -> bool:
        """Tell whether the event at the head of the line has waited too long."""
        if not self._queue or self._begun_at is None:
            return False
        return now - self._queue[0][0] > LATE_S

    @property
    def _may_go_on(self) -> bool:
        """True when nothing has to be said before the next word of the room."""
        return self._begun_at is not None and not self._spoken and not self._queue

    def _wants(self, word: EphemeralWord) -> bool:
        return self.presence if word.interest == "presence" else self.filter.wants(word.interest, word.render_id)

    def _wait_in_line(self, word: EventWord) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append((self._clock(), word))
        self._queue_bytes += len(word.frame)
        if len(self._queue) > QUEUE_COUNT or self._queue_bytes > QUEUE_BYTES:
            self.give_up()
        else:
            self._outlet.remind(self._clock())

    def _forget(self, render_id: str, *, ended: bool) -> None:
        if self._latest or ended:
            for slot in (("progress", render_id), ("preview", render_id)):
                self._latest.pop(slot, None)
                if ended:
                    self._next_at.pop(slot, None)

    def _pace(self, slot: tuple[str, str], at: float, now: float) -> None:
        """Let the next word of this slot wait its time; this one was due `at`.

        By the timetable, up to a tenth late: counted from now, each late start would hold up the next word, which an
        encoder says just as often, a little longer.
        """
        interval_s = 1 / self.filter.max_hz
        if slot[0] == "preview":
            interval_s = max(interval_s, PICTURE_S)
        self._next_at[slot] = max(at, now - interval_s / 10) + interval_s

    # --- together with others ----------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """True when nothing waits."""
        return self.closing is None and self._may_go_on and not self._latest and self._mark_at == _NEVER

    def has_begun_by(self, seq: int) -> bool:
        """Tell whether it wants to hear all that comes after this event."""
        return self._begun_at is not None and self._begun_at <= seq

    def is_paced_by(self, other: "Member", now: float) -> bool:
        """Tell whether no word comes to the other one before it may come to this one."""
        return all(at <= max(now, other._next_at.get(slot, now)) for slot, at in self._next_at.items())

    def follow(self, other: "Member") -> None:
        """Go on where the other one is, which has heard the same."""
        self._begun_at = other._begun_at
        self._latest, self._next_at = dict(other._latest), dict(other._next_at)
        self._hidden_seq, self._mark_at = other._hidden_seq, other._mark_at

    def part(self) -> None:
        """Hear the room alone again, with what waits for its time."""
        if (cohort := self.cohort) is not None:
            self.cohort = None
            cohort.part_with(self)
            self.follow(cohort)
            for slot in self._latest:
                self._outlet.remind(self._next_at.get(slot, 0.0))

    # --- emptying ----------------------------------------------------------------------------------------------------

    def take(self, now: float) -> list[Word]:
        """The next words to send, at most a batch; call it again when they are sent. Empty: nothing is due."""
        batch, self._spoken = self._spoken[:BATCH], self._spoken[BATCH:]
        if self.closing is None and self._begun_at is not None and not self._spoken:
            self._take_live(batch, now)
        return batch

    def _take_live(self, batch: list[Word], now: float) -> None:
        while self._queue and len(batch) < BATCH:
            word = self._queue.popleft()[1]
            self._queue_bytes -= len(word.frame)
            batch.append(word)
        if self._queue:
            return
        self._queue = None
        if self._mark_at <= now:
            self._mark_at = _NEVER
            batch.append(Spoken(frames.CursorMark(self._hidden_seq)))
        for slot in tuple(self._latest):
            if (at := self._next_at.get(slot, now)) <= now:
                batch.append(self._latest.pop(slot))
                self._pace(slot, at, now)

    def due(self) -> float:
        """When `take` has something without anything new coming in."""
        if self._begun_at is None:
            return _NEVER
        if not self._latest:
            return self._mark_at
        return min([self._mark_at, *(self._next_at.get(slot, 0.0) for slot in self._latest)])


class Reader(Member):
    """A member that is asked: `take` what is due, `wait` for more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock, self)
        self._bell = asyncio.Event()
        self._taken_at: float | None = None

    def offer(self, word: Word) -> bool:
        """Nobody listens until asked."""
        return False

    def remind(self, at: float) -> None:
        """Let who waits look again."""
        self._bell.set()

    def take(self, now: float) -> list[Word]:
        """The next words to send; asking is to say that those before were taken."""
        batch = super().take(now)
        self._taken_at = now if batch else None
        if not batch:
            self._bell.clear()
        return batch

    async def wait(self, timeout_s: float) -> None:
        """Return when there may be something to take or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, timeout_s)):
                await self._bell.wait()

    def is_late(self, now: float) -> bool:
        """Tell whether what was taken is not sent yet, or an event has waited, for too long."""
        return super().is_late(now) or (self._taken_at is not None and now - self._taken_at > LATE_S)

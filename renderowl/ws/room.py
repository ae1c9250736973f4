"""A project's audience in this process, without I/O: puts the durable lane in order and hands every word to all.

It remembers the newest events, the newest progress of every active render and, for a moment, the snapshot it was asked
for last: a thousand members that come back together cost Postgres no more than one.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec
import structlog

from renderowl.domain.events import RENDER_ENDS, Cursor, Event
from renderowl.services.rooms import REPLAY_LIMIT, Filter, RoomState
from renderowl.ws import frames
from renderowl.ws.bundle import Writable
from renderowl.ws.cohort import Cohort
from renderowl.ws.member import Member
from renderowl.ws.opening import Opening, snapshot_word
from renderowl.ws.presence import Presence
from renderowl.ws.protocol import Close
from renderowl.ws.timetable import Timetable
from renderowl.ws.words import EphemeralWord, EventWord, Spoken

log = structlog.get_logger(__name__)

TAIL_BYTES: Final = 256 * 1024
SNAPSHOT_S: Final = 2.0
"""How long members are given the same snapshot, with the events since."""
_REMEMBERED: Final = 1024
"""So many renders; those that have ended are forgotten first."""
_AHEAD: Final = 1024
_FAILED: Final = Close(frames.OVERLOADED, "this connection failed; reconnect and resume")


@dataclass(slots=True)
class _Known:
    """A render, as far as was told of it."""

    attempt: int
    ended: bool = False
    newest: EphemeralWord | None = None
    """Its progress."""
    least: EphemeralWord | None = None
    """Progress that is surely made, and so may not be told less of; not told itself."""


class Room:
    """Gives each durable event to the members once and in order of seq, whatever order or how often it arrives.

    Until `open`, what is heard is kept. Events that come before a hole is filled wait in `ahead`; `hole` tells the hub
    to fill it.
    """

    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        self.epoch: str | None = None
        self.last = 0
        self.top = 0
        """The highest seq known to exist."""
        self._early: list[Event] = []
        self.members: set[Member] = set()
        self.presence = Presence()
        self._cohorts: dict[tuple[Filter, bool, bool], Cohort] = {}
        self._tail: deque[EventWord] = deque()
        self._tail_bytes = 0
        self._snapshot: tuple[float, Spoken] | None = None
        self._ahead: dict[int, Event] = {}
        self._renders: dict[str, _Known] = {}
        """The longest known first."""

    @property
    def hole(self) -> bool:
        """True when events after `last` exist that have not been heard in order."""
        return self.epoch is not None and self.top > self.last

    # --- who hears it ------------------------------------------------------------------------------------------------

    def gather(self, member: Member, link: Writable, timetable: Timetable, *, plain: bool) -> None:
        """Let the member hear the room together with those who hear the same, if nothing holds it up."""
        if member.cohort is not None or not member.settled or not member.has_begun_by(self.last):
            return
        key = (member.filter, member.presence, plain)
        cohort = self._cohorts.get(key)
        if cohort is None:
            self._cohorts = {key: cohort for key, cohort in self._cohorts.items() if len(cohort) > 0}
            cohort = self._cohorts[key] = Cohort(member, timetable, plain=plain)
        if cohort.admits(member, timetable.clock()):
            cohort.join(member, link)

    # --- what happens ------------------------------------------------------------------------------------------------

    def open(self, cursor: Cursor) -> None:
        """Begin after this place, which Postgres has just said, with what was heard meanwhile."""
        self.epoch, self.last = cursor.epoch, cursor.seq
        self.top = max(self.top, cursor.seq)
        early, self._early = self._early, []
        for event in early:
            self.hear(event)

    def hear(self, event: Event) -> None:
        """A durable event, from anywhere, in any order, any number of times."""
        if self.epoch is None:
            self._early.append(event)
            return
        if event.epoch != self.epoch or event.seq <= self.last:
            return
        self.top = max(self.top, event.seq)
        if event.seq == self.last + 1 or len(self._ahead) < _AHEAD:
            self._ahead[event.seq] = event
        while (following := self._ahead.pop(self.last + 1, None)) is not None:
            self._tell(following)

    def know_of(self, seq: int) -> None:
        """Somebody says that events up to `seq` exist."""
        self.top = max(self.top, seq)

    def glance(self, word: EphemeralWord, attempt: int, now: float) -> None:
        """A progress or preview; not of an attempt that has ended, nor of one that members were not told of yet."""
        known = self._known(word.render_id, attempt)
        if known.ended or known.attempt != attempt:
            return
        if word.interest == "progress":
            reached = known.newest or known.least
            if reached is not None and word.is_behind(reached):
                return  # it was on its way while the newest was read, or Redis forgot how far the render was
            known.newest = word
        self.tell(word, now)

    def tell(self, word: EphemeralWord, now: float) -> None:
        """Hand an ephemeral word to every member."""
        for member in self._listeners():
            try:
                member.glance(word, now)
            except Exception as error:
                _send_away(member, error)

    def close(self, close: Close) -> None:
        """Close every member."""
        for member in self.members:
            member.close(close)

    def _listeners(self) -> Sequence[Member]:
        """Who is told. Cohorts are last: a member that parts from one while it is told has been told."""
        cohorts = list(self._cohorts.values())
        if sum(map(len, cohorts)) == len(self.members):
            return cohorts  # mostly, and then no member need be looked at
        return [*(member for member in self.members if member.cohort is None), *cohorts]

    def _tell(self, event: Event) -> None:
        self.last = event.seq
        if event.render_id is not None:
            attempt, ended = event.attempt or 0, event.type in RENDER_ENDS
            known = self._known(event.render_id, attempt)
            if ended or known.attempt != attempt:
                known.newest = known.least = None
            known.attempt, known.ended = attempt, ended
        word = EventWord(event)
        self._remember(word)
        for member in self._listeners():
            try:
                member.hear(word)
            except Exception as error:
                _send_away(member, error)

    def told(self) -> dict[str, tuple[int, msgspec.Raw]]:
        """The newest progress of every render at work, as it was written, with its attempt: what members were told of it."""
        return {
            word.render_id: (known.attempt, word.data) for known in self._renders.values() if (word := known.newest)
        }

    # --- what is remembered ------------------------------------------------------------------------------------------

    def learn(self, state: RoomState, now: float) -> None:
        """What Postgres says of the room: how far it is, events, progress, and a snapshot if it was asked for one."""
        if state.cursor.epoch != self.epoch:
            return
        self.know_of(state.cursor.seq)
        self._extend_back(state.events)
        for event in state.events:
            self.hear(event)
        if state.renders is not None:
            self._snapshot = (now, snapshot_word(state.cursor, state.renders, state.more))
        for render_id, (attempt, progress) in state.progress.items():
            known = self._known(render_id, attempt)
            if known.newest is None and known.attempt == attempt and not known.ended:
                known.newest = EphemeralWord.of_progress(render_id, progress)
        for render_id, (attempt, progress) in state.least.items():
            known = self._known(render_id, attempt)
            if known.least is None and known.attempt == attempt and not known.ended:
                known.least = EphemeralWord.of_progress(render_id, progress)
                if known.newest is not None and known.newest.is_behind(known.least):
                    known.newest = None  # it was heard before this was read

    def opening(self, since: Cursor | None, now: float) -> Opening | None:
        """What a member with this cursor is told first, as far as it is remembered; None: ask Postgres.

        It ends at `last`: whoever is among the members by now hears all that follows.
        """
        if self.epoch is None:
            return None
        if since is not None and since.epoch == self.epoch:
            if not self._remembers(since.seq):
                return None
            return Opening(Cursor(self.epoch, self.last), self.last, self._after(since.seq), None, self._progress)
        if self._snapshot is None or now - self._snapshot[0] > SNAPSHOT_S:
            return None
        snapshot = self._snapshot[1]
        if snapshot.cursor is None or not self._remembers(snapshot.cursor.seq):
            return None
        return Opening(snapshot.cursor, self.last, self._after(snapshot.cursor.seq), snapshot, self._progress)

    def opening_of(self, state: RoomState, since: Cursor | None) -> Opening:
        """The same from what Postgres said after the member had come in, whatever is remembered."""
        missed = None if since is None else state.after(since)
        if missed is None:
            assert state.renders is not None, "who cannot replay asks for a snapshot"
            snapshot = snapshot_word(state.cursor, state.renders, state.more)
            return Opening(state.cursor, state.cursor.seq, (), snapshot, self._progress)
        words = [EventWord(event) for event in missed]
        return Opening(state.cursor, state.cursor.seq, words, None, self._progress)

    def _remembers(self, seq: int) -> bool:
        """True when every event after this one that was told is remembered."""
        return self._first - 1 <= seq <= self.last

    @property
    def _first(self) -> int:
        """The seq of the oldest event that is remembered."""
        return self.last + 1 - len(self._tail)

    @property
    def _progress(self) -> list[EphemeralWord]:
        return [known.newest for known in self._renders.values() if known.newest is not None]

    def _known(self, render_id: str, attempt: int) -> _Known:
        """What is known of the render; of one not heard of yet, that this is its attempt."""
        known = self._renders.get(render_id)
        if known is None:
            known = self._renders[render_id] = _Known(attempt)
            if len(self._renders) > _REMEMBERED:
                ended = (id for id, render in self._renders.items() if render.ended)
                del self._renders[next(ended, next(iter(self._renders)))]
        return known

    def _after(self, seq: int) -> list[EventWord]:
        return list(islice(self._tail, seq - self._first + 1, None))

    def _remember(self, word: EventWord) -> None:
        self._tail.append(word)
        self._tail_bytes += len(word.frame)
        while len(self._tail) > REPLAY_LIMIT or (self._tail_bytes > TAIL_BYTES and len(self._tail) > 1):
            self._tail_bytes -= len(self._tail.popleft().frame)

    def _extend_back(self, events: Iterable[Event]) -> None:
        """Put older events before those remembered, as far as there is room."""
        older = {event.seq: event for event in events if event.seq < self._first}
        while (event := older.get(self._first - 1)) is not None and len(self._tail) < REPLAY_LIMIT:
            word = EventWord(event)
            if self._tail_bytes + len(word.frame) > TAIL_BYTES:
                return
            self._tail.appendleft(word)
            self._tail_bytes += len(word.frame)


def _send_away(member: Member, error: Exception) -> None:
    """A failure of one member's, or one cohort's, costs nobody else a word; whoever is sent away comes back and resumes."""
    log.error("member_failed", exc_info=error)
    member.close(_FAILED)

"""Whatever is lost, repeated or reordered on the way, whoever stops reading, changes the filter, leaves and comes back,
alone or together with others: each durable event that a member wants reaches it exactly once, in order, and it always
knows how far it is."""

from collections.abc import Sequence

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from renderowl.domain.events import Cursor, Event
from renderowl.services.rooms import REPLAY_LIMIT, Filter, RoomState
from renderowl.ws.bundle import Bundle
from renderowl.ws.member import Member
from renderowl.ws.opening import Opening
from renderowl.ws.room import Room
from renderowl.ws.timetable import Timetable
from renderowl.ws.words import Word

EPOCH = "e1"
TIMETABLE = Timetable(lambda: 0.0)
RENDERS = ("rnd_1", "rnd_2")
EVERYTHING, SOME = Filter(), Filter(render_ids=frozenset({"rnd_1"}))


class Socket:
    """A member's connection, which may stop taking what it is sent; what it has taken stays in `heard` for ever."""

    number: int | None = None
    bundle: Bundle | None = None

    def __init__(self, heard: list[int]) -> None:
        self.takes = True
        self.room_for: int | None = None
        """So many frames more before it is full."""
        self.heard = heard
        self.member = Member(lambda: 0.0, self)

    def offer(self, word: Word) -> bool:
        if not self.takes:
            return False
        self._hear(word)
        return True

    def remind(self, at: float) -> None:
        if self.takes:
            self.flush()

    def flush(self) -> None:
        while self.takes and (words := self.member.take(0.0)):
            for word in words:
                self._hear(word)

    def write(self, frames: Sequence[bytes]) -> None:
        """As a cohort does: frames are taken even by a peer that is full."""
        for frame in frames:
            self.heard.append(msgspec.json.decode(frame[frame.index(b"{") :])["seq"])
            if self.room_for is not None:
                self.room_for -= 1
                if self.room_for < 0:
                    self.stop()

    def carry_on(self, rest: bytes) -> None:
        raise AssertionError("it has no socket that could take a part")

    def stop(self) -> None:
        self.takes = False
        self.room_for = None
        self.member.part()

    def _hear(self, word: Word) -> None:
        self.write([word.frame])


class Recovery(RuleBasedStateMachine):
    """Postgres is a list, Redis a bag that may lose, repeat and reorder; room, opening and member are the real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Event] = []
        self.bag: list[Event] = []
        self.heard: list[int] = []
        self.expected_from: list[tuple[int, Filter]] = []
        self.socket: Socket | None = None
        self.begun = False
        self.reading: RoomState | None = None

    @initialize(seq=st.integers(0, 5))
    def some_history(self, seq: int) -> None:
        for _ in range(seq):
            self.commit("rnd_1", publish=False)
        self.started_at = seq
        self.cursor = seq
        self.filter = EVERYTHING
        self.room = Room("prj_1")
        self.room.open(Cursor(EPOCH, seq))
        self.a_neighbour_enters()

    def a_neighbour_enters(self) -> None:
        """It reads for as long as the process lives, mostly in the cohort that the member joins and leaves."""
        self.neighbour, self.neighbour_began = Socket([]), self.room.last
        self.neighbour.member.begin(Opening(Cursor(EPOCH, self.room.last), self.room.last))
        self.room.members.add(self.neighbour.member)
        self.together(self.neighbour)

    def together(self, socket: Socket) -> None:
        self.room.gather(socket.member, socket, TIMETABLE, plain=False)

    # --- what happens, and what becomes of it on the way ----------------------------------------------------------

    @rule(render_id=st.sampled_from(RENDERS), publish=st.booleans())
    def commit(self, render_id: str, publish: bool) -> None:
        event = Event("prj_1", EPOCH, len(self.log) + 1, "render.retrying", {}, render_id=render_id, attempt=1)
        self.log.append(event)
        if publish:
            self.bag.append(event)

    @precondition(lambda self: self.bag)
    @rule(index=st.integers(0, 50), again=st.booleans())
    def deliver(self, index: int, again: bool) -> None:
        event = self.bag[index % len(self.bag)]
        if not again:
            self.bag.remove(event)
        self.room.hear(event)

    @precondition(lambda self: self.bag)
    @rule(index=st.integers(0, 50))
    def lose(self, index: int) -> None:
        self.bag.pop(index % len(self.bag))

    @rule(known=st.integers(0, 100))
    def progress_tells_the_top(self, known: int) -> None:
        self.room.know_of(min(known, len(self.log)))

    @precondition(lambda self: self.room.hole)
    @rule(limit=st.integers(1, 4))
    def fill(self, limit: int) -> None:
        for event in self.log[self.room.last : self.room.last + limit]:
            self.room.hear(event)

    @precondition(lambda self: self.socket is None)
    @rule()
    def the_process_restarts(self) -> None:
        """The room that is made then is read now, and hears what is published from before."""
        self.room = Room("prj_1")
        for event in self.bag[:2]:
            self.room.hear(event)
        self.room.open(Cursor(EPOCH, len(self.log)))
        self.a_neighbour_enters()

    # --- the member ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.socket is None)
    @rule()
    def enter(self) -> None:
        self.socket, self.begun, self.reading = Socket(self.heard), False, None
        self.socket.member.filter = self.filter
        self.room.members.add(self.socket.member)

    @precondition(lambda self: self.socket is not None and not self.begun and self.reading is None)
    @rule()
    def begin_from_memory_or_read(self) -> None:
        opening = self.room.opening(Cursor(EPOCH, self.cursor), 0.0)
        if opening is not None:
            self.begin(opening)
        else:
            self.reading = self.read(self.cursor)

    @precondition(lambda self: self.socket is not None and not self.begun and self.reading is not None)
    @rule()
    def begin_from_what_was_read(self) -> None:
        assert self.reading is not None
        self.room.learn(self.reading, 0.0)
        since = Cursor(EPOCH, self.cursor)
        self.begin(self.room.opening(since, 0.0) or self.room.opening_of(self.reading, since))

    def begin(self, opening: Opening) -> None:
        assert self.socket is not None
        assert opening.recovered
        self.expected_from.append((self.cursor, self.filter))
        self.begun = True
        self.socket.member.begin(opening)
        self.note()

    def read(self, since: int) -> RoomState:
        top = len(self.log)
        return RoomState(Cursor(EPOCH, top), self.log[max(0, since - 2) : top][-REPLAY_LIMIT:], None, False, {})

    @precondition(lambda self: self.socket is not None)
    @rule()
    def stop_reading(self) -> None:
        assert self.socket is not None
        self.socket.stop()

    @precondition(lambda self: self.socket is not None and self.socket.takes)
    @rule(after=st.integers(0, 3))
    def become_full_while_being_told(self, after: int) -> None:
        assert self.socket is not None
        self.socket.room_for = after

    @precondition(lambda self: self.socket is not None and self.socket.takes)
    @rule()
    def join_the_neighbour(self) -> None:
        assert self.socket is not None
        self.together(self.socket)

    @precondition(lambda self: self.socket is not None and not self.socket.takes)
    @rule()
    def read_on(self) -> None:
        assert self.socket is not None
        self.socket.takes = True
        self.socket.flush()
        self.note()

    @precondition(lambda self: self.begun and self.socket is not None and self.socket.takes)
    @rule(filter=st.sampled_from([EVERYTHING, SOME]))
    def change_the_filter(self, filter: Filter) -> None:
        """It counts from the next event on that the room hears."""
        assert self.socket is not None
        self.socket.member.part()
        self.filter = self.socket.member.filter = filter
        self.expected_from.append((self.room.last, filter))

    @precondition(lambda self: self.socket is not None)
    @rule()
    def disconnect(self) -> None:
        """What was not taken is lost with the connection; the client knows the last event it was told."""
        assert self.socket is not None
        self.note()
        self.socket.member.part()
        self.room.members.discard(self.socket.member)
        self.socket, self.begun, self.reading = None, False, None

    def note(self) -> None:
        self.cursor = max(self.cursor, *self.heard[-1:], self.started_at)

    # --- the promise --------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_twice_and_all_in_order(self) -> None:
        assert all(before < after for before, after in zip(self.heard, self.heard[1:], strict=False))

    def teardown(self) -> None:
        """At the end the hub compares the room with Postgres and the member takes the rest."""
        if not hasattr(self, "room"):
            return
        if self.socket is None:
            self.enter()
        if not self.begun:
            if self.reading is None:
                self.begin_from_memory_or_read()
            if not self.begun:
                self.begin_from_what_was_read()
        self.room.know_of(len(self.log))
        while self.room.hole:
            self.fill(2)
        self.read_on()
        assert self.heard == [event.seq for event in self.log[self.started_at :] if self.wanted(event)]
        assert self.neighbour.heard == [event.seq for event in self.log[self.neighbour_began :]]

    def wanted(self, event: Event) -> bool:
        """By the filter that was in force when the member's room came to this event."""
        in_force = [filter for seq, filter in self.expected_from if seq < event.seq]
        return in_force[-1].wants("state", event.render_id)


Recovery.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_every_durable_event_is_heard_exactly_once_in_order = Recovery.TestCase

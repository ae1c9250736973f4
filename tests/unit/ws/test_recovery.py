"""Whatever is lost, repeated or reordered on the way, and whenever a member leaves and comes back: each durable event
reaches it exactly once, in order."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from renderowl.domain.events import Cursor, Event
from renderowl.ws.member import Reader
from renderowl.ws.opening import Opening
from renderowl.ws.room import Room
from renderowl.ws.words import EventWord

EPOCH = "e1"


class Recovery(RuleBasedStateMachine):
    """Postgres is a list, Redis a bag that may lose, repeat and reorder; the room and the member are the real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Event] = []
        self.bag: list[Event] = []
        self.heard: list[int] = []
        self.member: Reader | None = None
        self.read: Opening | None = None

    @initialize(seq=st.integers(0, 5))
    def some_history(self, seq: int) -> None:
        for _ in range(seq):
            self.commit(publish=False)
        self.room = Room("prj_1")
        self.room.open(Cursor(EPOCH, seq))
        self.started_at = seq

    @rule(publish=st.booleans())
    def commit(self, publish: bool) -> None:
        event = Event("prj_1", EPOCH, len(self.log) + 1, "render.retrying", {})
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

    @precondition(lambda self: self.member is None)
    @rule()
    def enter(self) -> None:
        self.member, self.read = Reader(lambda: 0.0), None
        self.room.members.add(self.member)

    @precondition(lambda self: self.member is not None and self.read is None)
    @rule()
    def read_the_room(self) -> None:
        since = self.heard[-1] if self.heard else self.started_at
        top = len(self.log)
        self.read = Opening(Cursor(EPOCH, top), top, [EventWord(event) for event in self.log[since:]])

    @precondition(lambda self: self.member is not None and self.read is not None)
    @rule()
    def begin_and_take(self) -> None:
        assert self.member is not None
        assert self.read is not None
        if self.member._begun_at is None:
            self.member.begin(self.read)
        for word in self.member.take(0.0):
            self.heard.append(msgspec.json.decode(word.text)["seq"])

    @precondition(lambda self: self.member is not None)
    @rule()
    def disconnect(self) -> None:
        assert self.member is not None
        self.room.members.discard(self.member)
        self.member = None

    @invariant()
    def each_event_once_in_order(self) -> None:
        assert self.heard == list(range(self.heard[0], self.heard[0] + len(self.heard))) if self.heard else True

    def teardown(self) -> None:
        """At the end the hub compares the room with Postgres and the member takes the rest."""
        if not hasattr(self, "room"):
            return
        if self.member is None:
            self.enter()
        if self.read is None:
            self.read_the_room()
        self.room.know_of(len(self.log))
        while self.room.hole:
            self.fill(2)
        before = -1
        while before != len(self.heard):
            before = len(self.heard)
            self.begin_and_take()
        assert self.heard == list(range(self.started_at + 1, len(self.log) + 1))


Recovery.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_every_durable_event_is_heard_exactly_once_in_order = Recovery.TestCase

"""The client's place in the durable lane: each event once and in order, whatever happens to its connections."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from renderowl.client.follower import Follower
from renderowl.client.messages import RoomMessage
from renderowl.domain.events import Cursor

REPLAY_LIMIT = 8


class Server:
    """A room's history, and what it opens with."""

    def __init__(self) -> None:
        self.epoch = 1
        self.top = 0

    def open(self, since: Cursor | None) -> deque[RoomMessage]:
        if since is None or since.epoch != str(self.epoch) or not 0 <= self.top - since.seq <= REPLAY_LIMIT:
            return deque([RoomMessage("snapshot", seq=self.top)])
        return deque(RoomMessage("render.queued", seq=seq) for seq in range(since.seq + 1, self.top + 1))


class Connection:
    """What is on its way to a client that connected with `since`."""

    def __init__(self, server: Server, since: Cursor | None) -> None:
        self.epoch = str(server.epoch)
        self.since = since
        self.coming = server.open(since)


class Rooms(RuleBasedStateMachine):
    """Publish, deliver, drop, climb and replace history in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.follower = Follower()
        self.link: Connection | None = None
        self.better: Connection | None = None
        self.told: tuple[str, int] | None = None

    @initialize()
    def connect(self) -> None:
        self.link = Connection(self.server, self.follower.cursor)

    @rule(count=st.integers(1, 3), fleeting=st.booleans())
    def publish(self, count: int, fleeting: bool) -> None:
        for _ in range(count):
            self.server.top += 1
            for link in (self.link, self.better):
                if link is not None:
                    link.coming.append(RoomMessage("render.started", seq=self.server.top))
                    if fleeting:
                        link.coming.append(RoomMessage("render.progress", render_id="rnd_1"))
                        link.coming.append(RoomMessage("cursor", seq=self.server.top))

    @rule(count=st.integers(1, 6))
    def deliver(self, count: int) -> None:
        assert self.link is not None
        while self.link.coming and count:
            self.hear(self.link, self.link.coming.popleft())
            count -= 1

    def hear(self, link: Connection, message: RoomMessage) -> None:
        before = self.told
        if not self.follower.hear(message, link.epoch, link.since) or message.seq is None:
            return
        self.told = (link.epoch, message.seq)
        if message.type != "snapshot":
            assert before is not None
            assert self.told == (before[0], before[1] + 1), "each durable event follows the one before"

    @rule()
    def drop(self) -> None:
        self.link, self.better = Connection(self.server, self.follower.cursor), None

    @rule()
    def try_a_better_transport(self) -> None:
        self.better = Connection(self.server, self.follower.cursor)

    @precondition(lambda self: self.better is not None)
    @rule()
    def climb(self) -> None:
        assert self.better is not None
        if self.follower.goes_on_from(self.better.since):
            self.link = self.better
        self.better = None

    @precondition(lambda self: self.server.top > 0)
    @rule(replaced=st.booleans())
    def change_history(self, replaced: bool) -> None:
        """Begin another, or restore an older backup."""
        self.server.epoch += replaced
        self.server.top = 0 if replaced else self.server.top - 1
        self.drop()

    @invariant()
    def the_cursor_is_what_was_told(self) -> None:
        cursor = self.follower.cursor
        assert (None if cursor is None else (cursor.epoch, cursor.seq)) == self.told

    def teardown(self) -> None:
        while self.link is not None and self.link.coming:
            self.hear(self.link, self.link.coming.popleft())
        assert self.told == (str(self.server.epoch), self.server.top), "nothing is missing at the end"


TestRooms = Rooms.TestCase
TestRooms.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_a_connection_that_was_opened_before_history_went_back_is_not_moved_to() -> None:
    follower = Follower(Cursor("e", 3))
    opened_with = follower.cursor
    assert follower.goes_on_from(opened_with)
    assert follower.hear(RoomMessage("snapshot", seq=2), "e", opened_with)
    assert not follower.goes_on_from(opened_with)
    assert follower.hear(RoomMessage("render.queued", seq=3), "e", opened_with)
    assert follower.goes_on_from(opened_with)


def test_a_mark_moves_the_cursor_and_is_not_told() -> None:
    follower = Follower(Cursor("e", 3))
    assert not follower.hear(RoomMessage("cursor", seq=9), "e", None)
    assert follower.cursor == Cursor("e", 9)
    assert not follower.hear(RoomMessage("cursor", seq=5), "e", None)
    assert follower.cursor == Cursor("e", 9)


def test_what_has_no_place_in_the_lane_is_always_told() -> None:
    follower = Follower(Cursor("e", 3))
    assert follower.hear(RoomMessage("presence.joined", body={"type": "presence.joined"}), "e", None)


def test_what_two_connections_tell_is_told_once() -> None:
    follower = Follower(Cursor("e", 3))
    since = follower.cursor
    for seq in (4, 5):
        assert follower.hear(RoomMessage("render.queued", seq=seq), "e", since)
    news = [follower.hear(RoomMessage("render.queued", seq=seq), "e", since) for seq in (4, 5, 6)]
    assert news == [False, False, True]


def test_an_event_of_another_history_is_not_told() -> None:
    follower = Follower(Cursor("new", 3))
    assert not follower.hear(RoomMessage("render.queued", seq=9), "old", Cursor("old", 8))
    assert follower.cursor == Cursor("new", 3)

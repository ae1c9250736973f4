"""The client's place in the durable lane: each event once and in order, whatever happens to its connections."""

from collections import deque

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from renderowl.client.follower import Follower
from renderowl.client.messages import RoomMessage
from renderowl.domain.events import Cursor

REPLAY_LIMIT = 3


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

    @rule()
    def publish(self) -> None:
        self.server.top += 1
        for link in (self.link, self.better):
            if link is not None:
                link.coming.append(RoomMessage("render.started", seq=self.server.top))

    @rule()
    def say_something_fleeting(self) -> None:
        for link in (self.link, self.better):
            if link is not None:
                link.coming.append(RoomMessage("render.progress", render_id="rnd_1"))
                link.coming.append(RoomMessage("cursor", seq=self.server.top))

    @precondition(lambda self: self.link is not None and self.link.coming)
    @rule()
    def deliver(self) -> None:
        assert self.link is not None
        message = self.link.coming.popleft()
        before = self.told
        if not self.follower.hear(message, self.link.epoch, self.link.since) or message.seq is None:
            return
        self.told = (self.link.epoch, message.seq)
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
        self.link, self.better = self.better, None

    @rule()
    def replace_history(self) -> None:
        self.server.epoch += 1
        self.server.top = 0
        self.drop()

    @precondition(lambda self: self.server.top > 0)
    @rule()
    def restore_an_older_backup(self) -> None:
        self.server.top -= 1
        self.drop()

    @invariant()
    def the_cursor_is_what_was_told(self) -> None:
        cursor = self.follower.cursor
        assert (None if cursor is None else (cursor.epoch, cursor.seq)) == self.told

    def teardown(self) -> None:
        while self.link is not None and self.link.coming:
            self.deliver()
        assert self.told == (str(self.server.epoch), self.server.top), "nothing is missing at the end"


TestRooms = Rooms.TestCase
TestRooms.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_mark_moves_the_cursor_and_is_not_told() -> None:
    follower = Follower(Cursor("e", 3))
    assert not follower.hear(RoomMessage("cursor", seq=9), "e", None)
    assert follower.cursor == Cursor("e", 9)
    assert not follower.hear(RoomMessage("cursor", seq=5), "e", None)
    assert follower.cursor == Cursor("e", 9)


def test_what_has_no_place_in_the_lane_is_always_told() -> None:
    follower = Follower(Cursor("e", 3))
    assert follower.hear(RoomMessage("presence.joined", body={"type": "presence.joined"}), "e", None)

"""A room without a hub: what of the two lanes it lets through, in which order."""

from typing import Any

import msgspec
import pytest

from renderowl.domain.events import Cursor, DurableType, Event, Progress
from renderowl.services.rooms import RoomState
from renderowl.ws import frames
from renderowl.ws.member import Reader
from renderowl.ws.room import Room
from renderowl.ws.words import EphemeralWord

NOW = 1000.0


class Watched:
    """A room and one member of it that hears everything at once."""

    def __init__(self) -> None:
        self.now = NOW
        self.room = Room("prj_1")
        self.room.open(Cursor("e1", 0))
        self.member = Reader(lambda: self.now)
        self.room.learn(RoomState(Cursor("e1", 0), [], [], False, {}), self.now)
        opening = self.room.opening(Cursor("e1", 0), self.now)
        assert opening is not None
        self.member.begin(opening)
        self.room.members.add(self.member)

    def happen(self, seq: int, type: DurableType = "render.retrying", attempt: int = 1) -> None:
        self.room.hear(Event("prj_1", "e1", seq, type, {}, render_id="rnd_1", attempt=attempt))

    def progress(self, percent: float, attempt: int = 1, frame: int = 0) -> None:
        self.now += 1  # nobody is paced
        word = EphemeralWord.of_progress("rnd_1", Progress(percent, frame))
        self.room.glance(word, attempt, self.now)

    def told(self) -> list[Any]:
        """What was told since: `7` for an event, `50.0` for progress."""
        found = []
        while words := self.member.take(self.now):
            for word in words:
                body = msgspec.json.decode(word.text)
                found.append(body["seq"] if "seq" in body else body["data"]["percent"])
        return found


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_progress_that_goes_back_is_not_told(watched: Watched) -> None:
    for percent, frame in ((10, 100), (9, 100), (11, 90), (10, 100), (12, 120)):
        watched.progress(percent, frame=frame)
        assert watched.told() == ([] if (percent, frame) in ((9, 100), (11, 90)) else [percent])


def test_progress_on_its_way_while_a_newer_was_read_is_not_told(watched: Watched) -> None:
    state = RoomState(Cursor("e1", 0), [], None, False, {"rnd_1": (1, Progress(50))})
    watched.room.learn(state, watched.now)
    watched.progress(45)
    assert watched.told() == []
    watched.progress(51)
    assert watched.told() == [51]


def test_after_its_end_nothing_is_told_of_a_render_until_its_next_attempt_was_told(watched: Watched) -> None:
    watched.progress(80)
    watched.happen(1, "render.failed")
    watched.progress(81)
    watched.progress(1, attempt=2)
    assert watched.told() == [1]
    watched.happen(2, "render.queued", attempt=2)
    watched.progress(82)
    watched.progress(2, attempt=2)
    assert watched.told() == [2, 2]


def test_the_next_event_is_told_however_many_wait_for_it(watched: Watched) -> None:
    for seq in range(2, 2000):
        watched.happen(seq)
    assert watched.told() == []
    watched.happen(1)
    assert watched.room.last > 1000
    assert watched.room.hole


class Broken(Reader):
    """A member whose words raise."""

    def hear(self, word: object) -> None:
        raise OverflowError("a bug")

    def glance(self, word: object, now: float) -> None:
        raise OverflowError("a bug")


def test_a_member_that_fails_is_sent_away_and_costs_the_others_nothing(watched: Watched) -> None:
    broken = [Broken(lambda: watched.now) for _ in range(20)]  # a set has no order: some come before the others
    watched.room.members.update(broken)
    watched.progress(10.0)
    watched.happen(1)
    assert watched.told() == [1]
    watched.progress(20.0)
    assert watched.told() == [20.0]
    assert {one.closing.code for one in broken if one.closing is not None} == {frames.OVERLOADED}
    assert all(one.closing is not None for one in broken)

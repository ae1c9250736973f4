"""What waits for one member: order, limits, rates."""

from typing import Any

import msgspec
import pytest

from renderowl.domain.events import Cursor, DurableType, Event, Progress
from renderowl.ws.frames import Filter
from renderowl.ws.member import QUEUE_COUNT, Member, Reader
from renderowl.ws.opening import Opening
from renderowl.ws.words import EphemeralWord, EventWord, Word


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def event(
    seq: int, type: DurableType = "render.retrying", render_id: str | None = "rnd_1", padding: int = 0
) -> EventWord:
    return EventWord(Event("prj_1", "e1", seq, type, {"pad": "x" * padding}, render_id=render_id))


def progress(percent: float, render_id: str = "rnd_1") -> EphemeralWord:
    return EphemeralWord.of_progress(render_id, Progress(percent))


def opening(seq: int = 0, **parts: Any) -> Opening:
    return Opening(Cursor("e1", seq), seq, **parts)


def begun(clock: Clock, filter: Filter | None = None) -> Reader:
    member = Reader(clock)
    member.filter = filter or Filter()
    member.begin(opening())
    return member


def said(member: Reader, clock: Clock) -> list[str]:
    """What is sent now, in short: `7` for an event, `50%` for progress, else the type."""
    words = []
    while batch := member.take(clock.now):
        for word in batch:
            body = msgspec.json.decode(word.text)
            percent = body.get("data", {}).get("percent")
            words.append(f"{percent:g}%" if percent is not None else str(body.get("seq", body["type"])))
    return words


class Socket:
    """An outlet that notes what it is told at once, and when it is reminded of the rest."""

    def __init__(self, clock: Clock) -> None:
        self.takes = True
        self.told: list[str] = []
        self.reminded: list[float] = []
        self.member = Member(clock, self)
        self.member.begin(opening())
        self.reminded.clear()

    def offer(self, word: Word) -> bool:
        if self.takes:
            body = msgspec.json.decode(word.text)
            self.told.append(str(body.get("seq", body["type"])))
        return self.takes

    def remind(self, at: float) -> None:
        self.reminded.append(at)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_sent_before_the_room_was_read(clock: Clock) -> None:
    member = Reader(clock)
    member.hear(event(1))
    member.glance(progress(5), clock.now)
    assert said(member, clock) == []


def test_what_came_in_meanwhile_follows_what_was_read_without_repeating_it(clock: Clock) -> None:
    member = Reader(clock)
    for seq in (5, 6, 7):
        member.hear(event(seq))
    member.begin(opening(6, events=[event(4), event(5), event(6)]))
    assert said(member, clock) == ["4", "5", "6", "7"]


def test_progress_that_was_read_does_not_follow_an_end_that_came_in_meanwhile(clock: Clock) -> None:
    member = Reader(clock)
    member.hear(event(5, "render.completed"))
    member.begin(opening(4, progress=[progress(50)]))
    assert said(member, clock) == ["5"]


def test_a_durable_event_discards_waiting_progress_of_its_render_only(clock: Clock) -> None:
    member = begun(clock)
    member.glance(progress(10), clock.now)
    member.glance(progress(20, "rnd_2"), clock.now)
    member.hear(event(1))
    assert said(member, clock) == ["1", "20%"]


def test_only_the_newest_progress_is_sent_at_most_so_often(clock: Clock) -> None:
    member = begun(clock, Filter(max_hz=2))
    member.glance(progress(1), clock.now)
    assert said(member, clock) == ["1%"]
    for percent in (2, 3, 4):
        clock.now += 0.1
        member.glance(progress(percent), clock.now)
        assert said(member, clock) == []
    assert member.due() == pytest.approx(1000.5)
    clock.now = 1000.5
    assert said(member, clock) == ["4%"]


def test_progress_that_comes_as_often_as_allowed_is_not_held_up_for_having_been_late_once(clock: Clock) -> None:
    member = begun(clock, Filter(max_hz=2))
    for percent, at in enumerate((1000.0, 1000.52, 1001.0, 1001.51, 1002.0)):
        clock.now = at
        member.glance(progress(percent), clock.now)
        assert said(member, clock) == [f"{percent}%"]


def test_hidden_events_are_made_up_for_by_a_mark_within_ten_seconds(clock: Clock) -> None:
    member = begun(clock, Filter(render_ids=frozenset({"rnd_2"})))
    for seq in (1, 2, 3):
        member.hear(event(seq))
        clock.now += 2
    assert said(member, clock) == []
    clock.now = member.due()
    assert clock.now == 1009
    assert said(member, clock) == ["3"]
    member.hear(event(4))
    member.hear(event(5, render_id="rnd_2"))
    assert said(member, clock) == ["5"]
    assert member.due() == float("inf")


def test_kinds_that_are_not_asked_for_are_not_sent(clock: Clock) -> None:
    member = begun(clock)
    member.glance(EphemeralWord("preview", "rnd_1", b'{"type":"render.preview"}'), clock.now)
    assert said(member, clock) == []
    member.filter = Filter(types=frozenset({"preview"}))
    member.glance(EphemeralWord("preview", "rnd_1", b'{"type":"render.preview"}'), clock.now)
    assert said(member, clock) == ["render.preview"]


@pytest.mark.parametrize(("count", "padding"), [(QUEUE_COUNT + 1, 0), (5, 60_000)])
def test_a_member_that_takes_nothing_is_closed_and_keeps_nothing(clock: Clock, count: int, padding: int) -> None:
    member = begun(clock)
    for seq in range(1, count + 1):
        member.hear(event(seq, padding=padding))
    assert member.closing is not None
    assert member.closing.code == 1013
    assert said(member, clock) == []


def test_a_reader_that_does_not_ask_for_more_is_late(clock: Clock) -> None:
    member = begun(clock)
    member.hear(event(1))
    assert len(member.take(clock.now)) == 1
    clock.now += 10
    assert not member.is_late(clock.now)
    clock.now += 0.1
    assert member.is_late(clock.now)


def test_an_event_that_waits_for_more_than_ten_seconds_makes_its_member_late(clock: Clock) -> None:
    socket = Socket(clock)
    socket.takes = False
    socket.member.hear(event(1))
    clock.now += 10.1
    assert socket.member.is_late(clock.now)


def test_a_quiet_member_is_never_late(clock: Clock) -> None:
    member = begun(clock)
    member.hear(event(1))
    said(member, clock)
    clock.now += 1000
    assert not member.is_late(clock.now)


# --- a socket, which is told at once ---------------------------------------------------------------------------------


def test_what_need_not_wait_is_said_at_once_and_nothing_is_kept(clock: Clock) -> None:
    socket = Socket(clock)
    socket.member.hear(event(1))
    socket.member.glance(progress(1), clock.now)
    assert socket.told == ["1", "render.progress"]
    assert socket.reminded == []
    assert socket.member.take(clock.now) == []


def test_what_is_not_taken_waits_in_order_and_nothing_overtakes_it(clock: Clock) -> None:
    socket = Socket(clock)
    socket.takes = False
    socket.member.hear(event(1))
    socket.takes = True
    socket.member.hear(event(2))
    socket.member.glance(progress(1), clock.now)
    assert socket.told == []
    assert said_words(socket.member.take(clock.now)) == ["1", "2", "render.progress"]
    socket.member.hear(event(3))
    assert socket.told == ["3"]


def test_progress_that_comes_too_early_is_due_when_its_time_comes(clock: Clock) -> None:
    socket = Socket(clock)
    for percent in (1, 2, 3):
        socket.member.glance(progress(percent), clock.now)
    assert socket.told == ["render.progress"]
    assert socket.reminded == [pytest.approx(1000.2)]


def test_who_comes_and_goes_is_told_to_those_who_asked(clock: Clock) -> None:
    news = EphemeralWord("presence", "", b'{"type":"presence","count":1}')
    socket = Socket(clock)
    socket.member.glance(news, clock.now)
    assert socket.told == []
    socket.member.presence = True
    socket.member.filter = Filter(types=frozenset())
    socket.member.glance(news, clock.now)
    assert socket.told == ["presence"]


def said_words(words: list[Word]) -> list[str]:
    bodies = [msgspec.json.decode(word.text) for word in words]
    return [str(body.get("seq", body["type"])) for body in bodies]

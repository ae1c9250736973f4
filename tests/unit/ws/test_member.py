"""What waits for one member: order, limits, rates."""

import msgspec
import pytest

from renderowl.domain.events import Cursor, Event, Progress
from renderowl.services.rooms import Opening
from renderowl.ws.frames import EphemeralWord, EventWord, Filter
from renderowl.ws.member import QUEUE_COUNT, Member


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def event(seq: int, type: str = "render.retrying", render_id: str | None = "rnd_1", padding: int = 0) -> EventWord:
    return EventWord(Event("prj_1", "e1", seq, type, {"pad": "x" * padding}, render_id=render_id))  # type: ignore[arg-type]


def progress(percent: float, render_id: str = "rnd_1") -> EphemeralWord:
    return EphemeralWord.of_progress(render_id, Progress(percent))


def opening(seq: int = 0, **changes: object) -> Opening:
    return msgspec.structs.replace(Opening(Cursor("e1", seq), True, [], [], False, {}), **changes)


def begun(clock: Clock, filter: Filter | None = None) -> Member:
    member = Member(clock)
    member.filter = filter or Filter()
    member.begin(opening())
    return member


def said(member: Member, clock: Clock) -> list[str]:
    """What is sent now, in short: `7` for an event, `50%` for progress, else the type."""
    words = []
    while batch := member.take(clock.now):
        for word in batch:
            body = msgspec.json.decode(word.text)
            percent = body.get("data", {}).get("percent")
            words.append(f"{percent:g}%" if percent is not None else str(body.get("seq", body["type"])))
    return words


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_sent_before_the_room_was_read(clock: Clock) -> None:
    member = Member(clock)
    member.hear(event(1))
    member.glance(progress(5))
    assert said(member, clock) == []


def test_what_came_in_meanwhile_follows_what_was_read_without_repeating_it(clock: Clock) -> None:
    member = Member(clock)
    for seq in (5, 6, 7):
        member.hear(event(seq))
    member.begin(opening(6, events=[event(4).event, event(5).event, event(6).event]))
    assert said(member, clock) == ["4", "5", "6", "7"]


def test_progress_that_was_read_does_not_follow_an_end_that_came_in_meanwhile(clock: Clock) -> None:
    member = Member(clock)
    member.hear(event(5, "render.completed"))
    member.begin(opening(4, progress={"rnd_1": Progress(50)}))
    assert said(member, clock) == ["5"]


def test_a_durable_event_discards_waiting_progress_of_its_render_only(clock: Clock) -> None:
    member = begun(clock)
    member.glance(progress(10))
    member.glance(progress(20, "rnd_2"))
    member.hear(event(1))
    assert said(member, clock) == ["1", "20%"]


def test_only_the_newest_progress_is_sent_at_most_so_often(clock: Clock) -> None:
    member = begun(clock, Filter(max_hz=2))
    member.glance(progress(1))
    assert said(member, clock) == ["1%"]
    for percent in (2, 3, 4):
        clock.now += 0.1
        member.glance(progress(percent))
        assert said(member, clock) == []
    assert member.due() == pytest.approx(1000.5)
    clock.now = 1000.5
    assert said(member, clock) == ["4%"]


def test_progress_that_comes_as_often_as_allowed_is_not_held_up_for_having_been_late_once(clock: Clock) -> None:
    member = begun(clock, Filter(max_hz=2))
    for percent, at in enumerate((1000.0, 1000.52, 1001.0, 1001.51, 1002.0)):
        clock.now = at
        member.glance(progress(percent))
        assert said(member, clock) == [f"{percent}%"]


def test_hidden_events_are_made_up_for_by_a_mark_within_ten_seconds(clock: Clock) -> None:
    member = begun(clock, Filter(render_ids=frozenset({"rnd_2"})))
    for seq in (1, 2, 3):
        member.hear(event(seq))
        clock.now += 3
    assert said(member, clock) == []
    clock.now = member.due()
    assert clock.now == 1010
    assert said(member, clock) == ["3"]
    member.hear(event(4))
    member.hear(event(5, render_id="rnd_2"))
    assert said(member, clock) == ["5"]
    assert member.due() == float("inf")


def test_kinds_that_are_not_asked_for_are_not_sent(clock: Clock) -> None:
    member = begun(clock)
    member.glance(EphemeralWord("preview", "rnd_1", b'{"type":"render.preview"}'))
    assert said(member, clock) == []
    member.filter = Filter(types=frozenset({"preview"}))
    member.glance(EphemeralWord("preview", "rnd_1", b'{"type":"render.preview"}'))
    assert said(member, clock) == ["render.preview"]


@pytest.mark.parametrize(("count", "padding"), [(QUEUE_COUNT + 1, 0), (5, 60_000)])
def test_a_member_that_takes_nothing_is_closed_and_keeps_nothing(clock: Clock, count: int, padding: int) -> None:
    member = begun(clock)
    for seq in range(1, count + 1):
        member.hear(event(seq, padding=padding))
    assert member.closing is not None
    assert member.closing.code == 1013
    assert said(member, clock) == []


def test_a_connection_that_is_stuck_is_late_and_is_aborted(clock: Clock) -> None:
    aborted: list[bool] = []
    member = Member(clock, abort=lambda: aborted.append(True))
    member.begin(opening())
    member.hear(event(1))
    assert len(member.take(clock.now)) == 1
    clock.now += 10
    assert not member.is_late(clock.now)
    clock.now += 0.1
    assert member.is_late(clock.now)
    member.give_up()
    assert aborted
    assert member.closing is not None


def test_a_quiet_member_is_never_late(clock: Clock) -> None:
    member = begun(clock)
    member.hear(event(1))
    said(member, clock)
    clock.now += 1000
    assert not member.is_late(clock.now)

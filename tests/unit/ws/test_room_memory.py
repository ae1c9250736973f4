"""What a room remembers for those who come back."""

import pytest

from renderowl.domain.events import Cursor, DurableType, Event, Progress
from renderowl.services.rooms import REPLAY_LIMIT, RoomState
from renderowl.ws.room import SNAPSHOT_S, TAIL_BYTES, Room
from renderowl.ws.words import EphemeralWord

EPOCH = "e1"


def event(
    seq: int, type: DurableType = "render.retrying", attempt: int = 1, padding: int = 0, render_id: str = "rnd_1"
) -> Event:
    data = {"pad": "x" * padding}
    return Event("prj_1", EPOCH, seq, type, data, render_id=render_id, attempt=attempt)


def open_room(seq: int = 0) -> Room:
    room = Room("prj_1")
    room.open(Cursor(EPOCH, seq))
    return room


def replayed(room: Room, since: int, now: float = 0.0) -> list[int] | None:
    opening = room.opening(Cursor(EPOCH, since), now)
    return None if opening is None else [word.event.seq for word in opening.events]


def state(seq: int, first: int = 1, *, snapshot: bool = False) -> RoomState:
    events = [event(number) for number in range(first, seq + 1)]
    return RoomState(Cursor(EPOCH, seq), events, [] if snapshot else None, False, {"rnd_1": (1, Progress(20))})


def test_what_was_told_is_replayed_from_memory_and_nothing_else() -> None:
    room = open_room(5)
    for seq in (6, 7):
        room.hear(event(seq))
    assert [replayed(room, since) for since in (4, 5, 6, 7, 8)] == [None, [6, 7], [7], [], None]


def test_a_cursor_of_another_epoch_is_not_replayed() -> None:
    room = open_room(5)
    assert room.opening(Cursor("e2", 5), 0.0) is None


def test_what_postgres_says_extends_the_memory_backwards() -> None:
    room = open_room(5)
    room.learn(state(5, first=2), 0.0)
    assert [replayed(room, since) for since in (0, 1, 4)] == [None, [2, 3, 4, 5], [5]]


def test_what_is_heard_before_the_room_is_open_is_not_lost() -> None:
    room = Room("prj_1")
    for seq in (5, 7):
        room.hear(event(seq))
    room.know_of(7)
    assert not room.hole
    room.open(Cursor(EPOCH, 5))
    assert (room.last, room.hole) == (5, True)
    room.hear(event(6))
    assert (room.last, room.hole) == (7, False)


@pytest.mark.parametrize(("count", "padding"), [(REPLAY_LIMIT + 50, 0), (50, TAIL_BYTES // 20)])
def test_the_memory_is_bounded(count: int, padding: int) -> None:
    room = open_room()
    for seq in range(1, count + 1):
        room.hear(event(seq, padding=padding))
    assert replayed(room, 0) is None
    assert replayed(room, count - 5) == list(range(count - 4, count + 1))


def test_a_snapshot_is_shared_for_a_moment_with_the_events_since() -> None:
    room = open_room(2)
    room.learn(state(2, snapshot=True), 100.0)
    room.hear(event(3))
    opening = room.opening(None, 100.0 + SNAPSHOT_S)
    assert opening is not None
    assert (opening.recovered, opening.cursor.seq, opening.upto) == (False, 2, 3)
    assert [word.event.seq for word in opening.events] == [3]
    assert room.opening(None, 100.1 + SNAPSHOT_S) is None


def test_a_member_that_is_further_than_this_process_is_not_given_a_snapshot() -> None:
    room = open_room(2)
    room.learn(state(2, snapshot=True), 0.0)
    assert room.opening(Cursor(EPOCH, 4), 0.0) is None


def test_the_newest_progress_comes_with_the_opening_until_the_attempt_ends() -> None:
    room = open_room()
    room.glance(EphemeralWord.of_progress("rnd_1", Progress(10)), 1, 0.0)
    room.glance(EphemeralWord.of_progress("rnd_1", Progress(30)), 1, 0.0)
    room.learn(RoomState(Cursor(EPOCH, 0), [], None, False, {"rnd_1": (1, Progress(20))}), 0.0)
    opening = room.opening(Cursor(EPOCH, 0), 0.0)
    assert opening is not None
    assert [word.progress.percent for word in opening.progress] == [30]
    room.hear(event(1, "render.failed"))
    opening = room.opening(Cursor(EPOCH, 0), 0.0)
    assert opening is not None
    assert opening.progress == []
    room.hear(event(2, "render.queued", attempt=2))
    room.glance(EphemeralWord.of_progress("rnd_1", Progress(5)), 2, 0.0)
    opening = room.opening(Cursor(EPOCH, 0), 0.0)
    assert opening is not None
    assert [word.progress.percent for word in opening.progress] == [5]


def test_after_a_restart_nothing_is_told_that_is_less_than_what_was_made() -> None:
    room = open_room()
    made = Progress(40, current_frame=20)
    room.learn(RoomState(Cursor(EPOCH, 0), [], None, False, {}, {"rnd_1": (1, made)}), 0.0)

    def told() -> list[tuple[float, int]]:
        opening = room.opening(Cursor(EPOCH, 0), 0.0)
        assert opening is not None
        return [(word.progress.percent, word.progress.current_frame) for word in opening.progress]

    assert told() == [], "who heard more would be turned back"
    for percent, frame in ((30, 25), (50, 10)):
        room.glance(EphemeralWord.of_progress("rnd_1", Progress(percent, current_frame=frame)), 1, 0.0)
        assert told() == []
    room.glance(EphemeralWord.of_progress("rnd_1", Progress(50, current_frame=25)), 1, 0.0)
    assert told() == [(50, 25)]
    room.hear(event(1, "render.queued", attempt=2))
    room.glance(EphemeralWord.of_progress("rnd_1", Progress(5)), 2, 0.0)
    assert told() == [(5, 0)]


@pytest.mark.parametrize("percent", [30, 50])
def test_progress_heard_before_it_was_read_what_is_surely_made_is_told_unless_it_is_less(percent: float) -> None:
    room = open_room()
    room.glance(EphemeralWord.of_progress("rnd_1", Progress(percent)), 1, 0.0)
    room.learn(RoomState(Cursor(EPOCH, 0), [], None, False, {}, {"rnd_1": (1, Progress(40))}), 0.0)
    opening = room.opening(Cursor(EPOCH, 0), 0.0)
    assert opening is not None
    assert [word.progress.percent for word in opening.progress] == ([] if percent < 40 else [percent])


def test_of_more_renders_than_are_remembered_those_that_have_ended_are_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("renderowl.ws.room._REMEMBERED", 8)
    room = open_room()
    room.glance(EphemeralWord.of_progress("rnd_0", Progress(30)), 1, 0.0)
    for number in range(1, 18):
        room.hear(event(number, "render.completed", render_id=f"rnd_{number}"))
    room.glance(EphemeralWord.of_progress("rnd_0", Progress(20)), 1, 0.0)
    room.glance(EphemeralWord.of_progress("rnd_12", Progress(99)), 1, 0.0)
    opening = room.opening(Cursor(EPOCH, room.last), 0.0)
    assert opening is not None
    assert [(word.render_id, word.progress.percent) for word in opening.progress] == [("rnd_0", 30)]

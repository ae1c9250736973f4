"""The judge of histories: passes every history that keeps the room's promises and finds each kind of breach."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from renderowl.domain.events import DurableType, Event
from renderowl.services.rooms import event_view
from renderowl.testing.history import faults

_STATUS = {"render.queued": "queued", "render.started": "processing"}


class Telling:
    """A room as it should be told: what happened, and what a faultless listener heard from `first` on."""

    def __init__(self) -> None:
        self.happened: list[Event] = []
        self.told: list[dict[str, Any]] = []
        self.renders: dict[str, dict[str, Any]] = {}

    def happen(self, render_id: str, type: DurableType, attempt: int) -> None:
        seq = len(self.happened) + 1
        data = {"status": f"{render_id} {seq}"}
        event = Event("prj_1", "e1", seq, type, data, render_id=render_id, attempt=attempt)
        self.happened.append(event)
        status = _STATUS.get(type, type.removeprefix("render."))
        before = self.renders.get(render_id, {"attempt": 0, "percent": 0})
        percent = before["percent"] if before["attempt"] == attempt else 0
        self.renders[render_id] = {"status": status, "attempt": attempt, "percent": percent}
        self.told.append(msgspec.to_builtins(event_view(event)))

    def progress(self, render_id: str, by: int) -> None:
        render = self.renders[render_id]
        render["percent"] += by
        data = {"percent": render["percent"], "current_frame": 2 * render["percent"], "total_frames": 999}
        self.told.append({"type": "render.progress", "render_id": render_id, "data": data})

    def snapshot(self) -> None:
        renders = [
            {"id": id, "status": render["status"], "attempt": render["attempt"]} for id, render in self.renders.items()
        ]
        self.told.append({"type": "snapshot", "seq": len(self.happened), "renders": renders})


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    """A room of three renders with several attempts, told faultlessly over connections that break now and then."""
    telling = Telling()
    for _ in range(draw(st.integers(0, 5))):
        _step(draw, telling)
    telling.told.clear()
    telling.snapshot()
    for _ in range(draw(st.integers(1, 25))):
        _step(draw, telling)
        if draw(st.integers(0, 9)) == 0:  # a gap that was too long: a snapshot in the place of some events
            first = len(telling.told)
            for _ in range(draw(st.integers(0, 4))):
                _step(draw, telling)
            del telling.told[first:]
            telling.snapshot()
        if draw(st.booleans()):
            telling.told.append({"type": draw(st.sampled_from(["ping", "cursor", "welcome"])), "seq": 999})
    return telling


def _step(draw: st.DrawFn, telling: Telling) -> None:
    id = draw(st.sampled_from(["rnd_1", "rnd_2", "rnd_3"]))
    render = telling.renders.get(id)
    match render and render["status"]:
        case "queued":
            telling.happen(id, "render.started", render["attempt"])
        case "processing" if draw(st.integers(0, 3)):
            telling.progress(id, draw(st.integers(0, 3)))
        case "processing":
            telling.happen(id, draw(st.sampled_from(["render.completed", "render.failed"])), render["attempt"])
        case _:
            telling.happen(id, "render.queued", 1 if render is None else render["attempt"] + 1)


@given(tellings())
def test_a_faultless_history_has_no_fault(telling: Telling) -> None:
    assert faults(telling.told, telling.happened) == []


def durable(telling: Telling) -> list[int]:
    """Where the told durable events are."""
    return [at for at, one in enumerate(telling.told) if "data" in one and "seq" in one]


@given(tellings(), st.data())
def test_a_lost_event_is_found(telling: Telling, data: st.DataObject) -> None:
    places = [at for at in durable(telling) if _is_followed(telling, at)]
    if places:
        del telling.told[data.draw(st.sampled_from(places))]
        assert faults(telling.told, telling.happened)


def _is_followed(telling: Telling, at: int) -> bool:
    """Whether the next mark of the durable lane is an event or the end, not a snapshot: that would stand for the event."""
    following = (one for one in telling.told[at + 1 :] if one["type"] == "snapshot" or ("data" in one and "seq" in one))
    return next(following, {"type": "end"})["type"] != "snapshot"


@given(tellings(), st.data())
def test_a_repeated_event_is_found(telling: Telling, data: st.DataObject) -> None:
    if places := durable(telling):
        at = data.draw(st.sampled_from(places))
        telling.told.insert(data.draw(st.integers(at + 1, len(telling.told))), telling.told[at])
        assert faults(telling.told, telling.happened)


@given(tellings(), st.data())
def test_an_altered_event_is_found(telling: Telling, data: st.DataObject) -> None:
    if places := durable(telling):
        at = data.draw(st.sampled_from(places))
        telling.told[at] = telling.told[at] | {"attempt": 7}
        assert faults(telling.told, telling.happened)


@given(tellings())
def test_progress_that_goes_back_is_found(telling: Telling) -> None:
    for at, one in enumerate(telling.told):
        if one["type"] == "render.progress" and one["data"]["percent"] > 0:
            back = one | {"data": one["data"] | {"percent": one["data"]["percent"] - 1}}
            telling.told.insert(at + 1, back)
            assert faults(telling.told, telling.happened)
            return


@given(tellings(), st.data())
def test_progress_after_the_end_is_found_until_the_next_attempt_is_told(telling: Telling, data: st.DataObject) -> None:
    ends = [at for at in durable(telling) if telling.told[at]["type"] in ("render.completed", "render.failed")]
    if ends:
        at = data.draw(st.sampled_from(ends))
        late = {"percent": 100, "current_frame": 999, "total_frames": 999}
        telling.told.insert(
            at + 1, {"type": "render.progress", "render_id": telling.told[at]["render_id"], "data": late}
        )
        assert any("after it was" in fault for fault in faults(telling.told, telling.happened))


def test_a_snapshot_that_is_not_true_is_found() -> None:
    telling = Telling()
    telling.happen("rnd_1", "render.queued", 1)
    telling.happen("rnd_1", "render.started", 1)
    snapshot = {"type": "snapshot", "seq": 2, "renders": [{"id": "rnd_1", "status": "queued", "attempt": 1}]}
    assert faults([snapshot], telling.happened)


def test_what_comes_before_any_snapshot_is_found_unless_the_listener_had_a_cursor() -> None:
    telling = Telling()
    telling.happen("rnd_1", "render.queued", 1)
    telling.happen("rnd_1", "render.started", 1)
    assert faults(telling.told, telling.happened)
    assert faults(telling.told, telling.happened, since=0) == []
    assert faults(telling.told[1:], telling.happened, since=1) == []


def test_who_asked_for_one_render_misses_nothing_of_the_others() -> None:
    telling = Telling()
    telling.happen("rnd_1", "render.queued", 1)
    telling.happen("rnd_2", "render.queued", 1)
    telling.happen("rnd_1", "render.started", 1)
    assert faults(telling.told[::2], telling.happened, since=0, render_id="rnd_1") == []
    assert faults(telling.told[:1], telling.happened, since=0, render_id="rnd_1") == ["never told of [3]"]


def test_progress_that_goes_back_is_found_unless_it_was_forgotten_between_the_two_messages() -> None:
    telling = Telling()
    telling.happen("rnd_1", "render.started", 1)
    telling.progress("rnd_1", by=50)
    telling.progress("rnd_1", by=-20)
    (fault,) = faults(telling.told, telling.happened, since=0)
    assert "went back from 50 % to 30 %" in fault
    assert faults(telling.told, telling.happened, since=0, forgotten=lambda *places: places == (1, 2)) == []

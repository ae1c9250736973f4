"""Pictures that wait for one member: the newest only, about one a second, none once the render has ended."""

import msgspec

from renderowl.domain.events import Cursor, DurableType, Event, Picture
from renderowl.services.rooms import Filter
from renderowl.ws.frames import RenderPreview
from renderowl.ws.member import PICTURE_S, Reader
from renderowl.ws.opening import Opening
from renderowl.ws.words import EphemeralWord, EventWord

WANTED = Filter(types=frozenset({"preview", "state"}), max_hz=10)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def picture(frame: int, render_id: str = "rnd_1") -> EphemeralWord:
    message = RenderPreview(render_id, Picture(frame, frame / 30, b"\xff\xd8"))
    return EphemeralWord("preview", render_id, msgspec.json.encode(message))


def event(seq: int, type: DurableType) -> EventWord:
    return EventWord(Event("prj_1", "e1", seq, type, {}, render_id="rnd_1", attempt=1))


def begun(clock: Clock, filter: Filter = WANTED) -> Reader:
    member = Reader(clock)
    member.filter = filter
    member.begin(Opening(Cursor("e1", 0), 0))
    return member


def said(member: Reader, clock: Clock) -> list[int | str]:
    """What is sent now: the frame of a picture, the type of anything else."""
    bodies = [msgspec.json.decode(word.text) for word in member.take(clock.now)]
    return [body["data"].get("frame", body["type"]) for body in bodies]


def test_however_many_are_made_about_one_a_second_is_sent_and_it_is_the_newest() -> None:
    clock = Clock()
    member = begun(clock)
    sent: list[int | str] = []
    for frame in range(0, 300, 3):  # ten a second for ten seconds, as of ten workers
        member.glance(picture(frame), clock.now)
        sent += said(member, clock)
        clock.now += 0.1
    assert 9 <= len(sent) <= 11
    clock.now += PICTURE_S
    assert [*sent, *said(member, clock)][-1] == 297


def test_pictures_of_two_renders_do_not_wait_for_each_other() -> None:
    clock = Clock()
    member = begun(clock)
    for render_id in ("rnd_1", "rnd_2"):
        member.glance(picture(30, render_id), clock.now)
    assert said(member, clock) == [30, 30]


def test_a_picture_that_waits_is_dropped_when_the_render_has_ended() -> None:
    clock = Clock()
    member = begun(clock)
    member.glance(picture(30), clock.now)
    assert said(member, clock) == [30]
    member.glance(picture(60), clock.now)
    member.hear(event(1, "render.completed"))
    assert said(member, clock) == ["render.completed"]
    clock.now += 10
    assert said(member, clock) == []


def test_nobody_gets_pictures_without_asking() -> None:
    clock = Clock()
    member = begun(clock, Filter())
    member.glance(picture(30), clock.now)
    assert said(member, clock) == []

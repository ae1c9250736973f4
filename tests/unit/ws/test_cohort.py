"""Members that are told together: each hears what it would have heard alone, no sooner, once, and leaves in time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from renderowl.domain.events import Cursor, DurableType, Event, Progress
from renderowl.services.rooms import Filter
from renderowl.ws.bundle import Bundle
from renderowl.ws.member import MARK_S, Member
from renderowl.ws.opening import Opening
from renderowl.ws.protocol import Close
from renderowl.ws.room import Room
from renderowl.ws.timetable import Timetable
from renderowl.ws.words import EphemeralWord, Word

GO = Close(4000, "go")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A room, its clock and its timetable."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.timetable = Timetable(self.clock)
        self.room = Room("prj_1")
        self.room.open(Cursor("e1", 0))

    def happen(self, type: DurableType = "render.retrying", render_id: str | None = "rnd_1") -> None:
        self.room.hear(Event("prj_1", "e1", self.room.last + 1, type, {}, render_id=render_id, attempt=1))

    def progress(self, percent: float, render_id: str = "rnd_1") -> None:
        self.room.glance(EphemeralWord.of_progress(render_id, Progress(percent)), 1, self.clock.now)


class Socket:
    """A connection that can be full; `told` are numbers of events, percents and types of the rest."""

    number: int | None = None
    bundle: Bundle | None = None

    def __init__(
        self, house: House, filter: Filter | None = None, *, upto: int = 0, plain: bool = False, alone: bool = False
    ) -> None:
        self.house, self.plain = house, plain
        self.told: list[Any] = []
        self.full = self.fills = False
        self.reminded: list[float] = []
        self.member = Member(house.clock, self)
        self.member.filter = filter or Filter(max_hz=2)
        house.room.members.add(self.member)
        self.member.begin(Opening(Cursor("e1", upto), upto))
        if not alone:
            self.join()

    def join(self) -> None:
        self.house.room.gather(self.member, self, self.house.timetable, plain=self.plain)

    def write(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            body = msgspec.json.decode(frame[frame.index(b"{") :])
            data = body.get("data", {})
            self.told.append(body.get("seq") or data.get("percent") or body.get("progress") or body["type"])
        if self.fills:
            self.full, self.fills = True, False
            self.member.part()

    def carry_on(self, rest: bytes) -> None:
        raise AssertionError("it has no socket that could take a part")

    def offer(self, word: Word) -> bool:
        if self.full:
            return False
        self.write([word.frame])
        return True

    def remind(self, at: float) -> None:
        self.reminded.append(at)

    def drain(self) -> None:
        self.full = False
        for word in self.member.take(self.house.clock.now):
            self.write([word.frame])


@pytest.fixture
def house() -> House:
    return House()


def test_those_who_hear_the_same_are_told_together(house: House) -> None:
    one, two = Socket(house), Socket(house)
    assert one.member.cohort is two.member.cohort is not None
    house.happen()
    house.progress(5)
    assert one.told == two.told == [1, 5]


def test_who_hears_something_else_is_told_apart(house: House) -> None:
    sockets = [Socket(house), Socket(house, Filter()), Socket(house, plain=True)]
    assert len({id(socket.member.cohort) for socket in sockets}) == 3


def test_who_is_full_amid_a_word_is_told_it_once_and_the_next_one_later(house: House) -> None:
    one, two = Socket(house), Socket(house)
    one.fills = True
    house.happen()
    house.happen()
    assert (one.told, two.told) == ([1], [1, 2])
    one.drain()
    assert one.told == [1, 2]


def test_who_parts_upon_a_progress_is_paced_by_it(house: House) -> None:
    one = Socket(house)
    one.fills = True
    house.progress(5)
    one.drain()
    house.progress(6)
    assert one.told == [5]
    assert one.reminded[-1] == house.clock.now + 0.5


async def test_progress_that_waits_goes_with_whoever_parts_and_stays_with_the_others(house: House) -> None:
    one, two = Socket(house), Socket(house)
    house.progress(5)
    house.progress(6)
    cohort = two.member.cohort
    assert cohort is not None
    one.member.part()
    assert one.reminded[-1] == house.clock.now + 0.5
    house.clock.now += 0.5
    one.drain()
    cohort.flush()
    assert one.told == two.told == [5, 6]


async def test_progress_that_waits_comes_in_its_time(house: House) -> None:
    one = Socket(house, Filter(max_hz=10))
    house.progress(5)
    house.progress(6)
    assert one.told == [5]
    house.clock.now += 0.1
    async with asyncio.timeout(10):
        while one.told != [5, 6]:
            await asyncio.sleep(0)


def test_nobody_joins_who_would_be_told_sooner_than_allowed(house: House) -> None:
    Socket(house)
    house.progress(5)
    house.clock.now += 0.3
    late = Socket(house, alone=True)
    late.member.glance(EphemeralWord.of_progress("rnd_1", Progress(5)), house.clock.now)
    late.join()
    assert late.member.cohort is None
    house.clock.now += 0.5
    late.join()
    assert late.member.cohort is not None


async def test_nobody_joins_while_something_waits(house: House) -> None:
    one = Socket(house)
    house.progress(5)
    house.progress(6)
    two = Socket(house)
    assert two.member.cohort is None
    one.member.part()
    one.join()
    assert one.member.cohort is None


def test_nobody_joins_whose_opening_is_ahead_of_the_room(house: House) -> None:
    ahead = Socket(house, upto=1)
    assert ahead.member.cohort is None
    house.happen()
    assert ahead.told == []
    ahead.join()
    house.happen()
    assert ahead.told == [2]


def test_hidden_events_are_made_up_for_by_one_mark_each(house: House) -> None:
    filter = Filter(render_ids=frozenset({"rnd_2"}))
    one, two = Socket(house, filter), Socket(house, filter)
    house.happen()
    house.clock.now += MARK_S
    cohort = one.member.cohort
    assert cohort is not None
    cohort.tick(house.clock.now)
    cohort.tick(house.clock.now)
    assert one.told == two.told == [1]


def test_who_is_closed_or_closes_hears_nothing_more(house: House) -> None:
    one, two = Socket(house), Socket(house)
    one.member.close(GO)
    house.happen()
    assert (one.told, two.told) == ([], [1])
    house.room.close(GO)
    house.happen()
    assert two.told == [1]
    assert one.member.closing is two.member.closing is GO


def test_a_cohort_that_fails_sends_its_members_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = Socket(house, alone=True), Socket(house, Filter())

    def fail(frames: Sequence[bytes]) -> None:
        raise OSError

    monkeypatch.setattr(broken, "write", fail)
    broken.join()
    house.happen()
    assert broken.member.closing is not None
    assert other.told == [1]


async def test_progress_of_a_render_that_has_ended_is_dropped_for_all(house: House) -> None:
    one, two = Socket(house), Socket(house)
    house.progress(5)
    house.progress(6)
    house.happen("render.completed")
    house.clock.now += 1
    cohort = one.member.cohort
    assert cohort is not None
    cohort.flush()
    assert one.told == two.told == [5, 1]

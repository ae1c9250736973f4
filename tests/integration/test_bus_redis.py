"""The bus on a real Valkey."""

import asyncio
import contextlib
import os
import signal
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderowl.bus.base import BusUnavailable, Control, RoomMessage
from renderowl.bus.redis import RedisBus, RedisRoomFeed
from renderowl.domain.events import Event, Picture, Progress, Remembered, StepReport
from renderowl.embedded.valkey import EmbeddedValkey


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[RedisBus]:
    bus = RedisBus(redis_url)
    yield bus
    await bus.close()


@pytest.fixture
async def own_valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A server that the test may kill."""
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


class Listener:
    """Reads a feed in the background."""

    def __init__(self, feed: RedisRoomFeed) -> None:
        self.feed = feed
        self.items: asyncio.Queue[Any] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self.feed.listen(self.items.put_nowait)

    async def next(self) -> Any:
        return await asyncio.wait_for(self.items.get(), 10)

    async def until(self, wanted: str) -> None:
        while await self.next() != wanted:
            pass

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@contextlib.asynccontextmanager
async def listening(bus: RedisBus, *projects: str) -> AsyncIterator[Listener]:
    listener = Listener(bus.rooms())
    await listener.until("reconnected")
    for project in projects:
        await listener.feed.follow(project)
    yield listener
    await listener.stop()


def event(seq: int, type: Any = "render.queued", *, epoch: str = "e1", attempt: int = 1) -> Event:
    return Event("prj_1", epoch, seq, type, {"n": seq}, render_id="rnd_1", attempt=attempt)


def report(done: float, frames: int = 0, **changes: Any) -> StepReport:
    base = StepReport("prj_1", "rnd_1", 1, "stp_1", 1, done, 0.5, frames, 100, "segment")
    return msgspec.structs.replace(base, **changes)


async def test_an_event_reaches_the_room_and_the_stream(bus: RedisBus) -> None:
    async with listening(bus, "prj_1") as room:
        await bus.publish_event(event(1))
        message = await room.next()
    assert isinstance(message, RoomMessage)
    assert (message.kind, message.seq, message.top, message.render_id) == ("durable", 1, 1, "rnd_1")
    assert msgspec.json.decode(message.body, type=Event) == event(1)
    assert await bus.replay("prj_1", "e1", 0) == [event(1)]


async def test_a_room_does_not_hear_another(bus: RedisBus) -> None:
    async with listening(bus, "prj_2") as room:
        await bus.publish_event(event(1))
        await bus.publish_event(msgspec.structs.replace(event(1), project_id="prj_2"))
        assert (await room.next()).project_id == "prj_2"


async def test_an_unfollowed_room_is_silent(bus: RedisBus) -> None:
    async with listening(bus, "prj_1", "prj_2") as room:
        await room.feed.unfollow("prj_1")
        await room.feed.follow("prj_3")
        await bus.publish_event(event(1))
        await bus.publish_event(msgspec.structs.replace(event(1), project_id="prj_3"))
        assert (await room.next()).project_id == "prj_3"


async def test_publishing_twice_keeps_one_in_the_stream(bus: RedisBus) -> None:
    for seq in (1, 2, 1, 2):
        await bus.publish_event(event(seq))
    assert await bus.replay("prj_1", "e1", 0) == [event(1), event(2)]


@pytest.mark.parametrize("published", [[2, 3], [1, 3], []])
async def test_a_stream_with_a_hole_replays_nothing(bus: RedisBus, published: list[int]) -> None:
    for seq in published:
        await bus.publish_event(event(seq))
    assert await bus.replay("prj_1", "e1", 0) is None


async def test_a_stream_of_another_epoch_is_replaced(bus: RedisBus) -> None:
    await bus.publish_event(event(7))
    assert await bus.replay("prj_1", "e2", 6) is None
    await bus.publish_event(event(1, epoch="e2"))
    assert await bus.replay("prj_1", "e2", 0) == [event(1, epoch="e2")]


async def test_the_stream_keeps_about_a_thousand(bus: RedisBus) -> None:
    for seq in range(1, 1400):
        await bus.publish_event(event(seq))
    assert await bus.replay("prj_1", "e1", 100) is None
    assert len(await bus.replay("prj_1", "e1", 500) or []) == 899


async def test_progress_is_folded_over_steps(bus: RedisBus) -> None:
    first = await bus.publish_progress(report(0.5, 20))
    second = await bus.publish_progress(report(0.5, 10, step_id="stp_2", weight=0.3))
    third = await bus.publish_progress(report(1.0, 40))
    assert [p and (p.percent, p.current_frame) for p in (first, second, third)] == [(25, 20), (40, 30), (65, 50)]
    assert await bus.newest_progress(["rnd_1", "rnd_2"]) == {"rnd_1": (1, third)}


async def test_progress_starts_at_what_the_cache_gave(bus: RedisBus) -> None:
    progress = await bus.publish_progress(report(0.5, 10, base=0.5, base_frames=50))
    assert progress == Progress(75.0, 60, 100, "segment")


async def test_progress_is_never_a_hundred_before_the_end(bus: RedisBus) -> None:
    progress = await bus.publish_progress(report(1.0, 100, weight=1.0))
    assert progress is not None
    assert (progress.percent, progress.current_frame) == (99.9, 100)


async def test_an_older_report_is_refused(bus: RedisBus) -> None:
    await bus.publish_progress(report(0.5, attempt=2, step_attempt=2))
    for older in (
        report(0.9, attempt=1, step_attempt=9),
        report(0.9, attempt=2, step_attempt=1),
        report(0.4, attempt=2, step_attempt=2),
    ):
        assert await bus.publish_progress(older) is None


async def test_a_numbered_report_counts_once_and_only_after_earlier_ones(bus: RedisBus) -> None:
    sent = [(2, 0.5), (2, 0.6), (1, 0.7), (3, 0.4), (3, 0.5), (4, 0.6)]
    told = [await bus.publish_progress(report(done, n=n)) is not None for n, done in sent]
    assert told == [True, False, False, False, True, True]
    assert await bus.publish_progress(report(0.1, n=1, step_attempt=2)) is not None, "a new claim counts from one again"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_shuffle_and_no_repetition_of_reports_turns_anything_back(bus: RedisBus, data: st.DataObject) -> None:
    """Reports of two attempts of a render, each of two steps, some of which start again; seen as the room sees them."""
    reports = [
        report(done / 20, round(50 * done / 20), attempt=attempt, step_id=step, step_attempt=step_attempt, n=n)
        for attempt in (1, 2)
        for step in ("stp_1", "stp_2")
        for step_attempt in range(1, data.draw(st.integers(1, 2)) + 1)
        for n, done in enumerate(sorted(data.draw(st.lists(st.integers(0, 20), max_size=4))), 1)
    ]
    order = data.draw(st.permutations(reports * 2))
    await bus._redis.flushall()
    async with listening(bus, "prj_1") as room:
        taken = [one for one in order if await bus.publish_progress(one) is not None]
        heard = [await room.next() for _ in taken]
    seen = [(word.attempt, msgspec.json.decode(word.body)["data"]) for word in heard]
    shown = [(attempt, progress["percent"]) for attempt, progress in seen]
    assert shown == sorted(shown)
    frames = [(attempt, progress["current_frame"]) for attempt, progress in seen]
    assert frames == sorted(frames)
    for step in ("stp_1", "stp_2"):
        numbers = [(one.attempt, one.step_attempt, one.n) for one in taken if one.step_id == step]
        assert numbers == sorted(set(numbers)), "each counts once, and none after a later one"
    for newest in {
        (one.attempt, one.step_id): one for one in sorted(reports, key=lambda one: (one.step_attempt, one.n))
    }.values():
        assert newest in taken or any(one.attempt > newest.attempt for one in taken), "the newest word is never lost"


async def test_a_step_that_starts_again_does_not_turn_progress_back(bus: RedisBus) -> None:
    await bus.publish_progress(report(0.8, 80))
    again = await bus.publish_progress(report(0.1, 10, step_attempt=2))
    later = await bus.publish_progress(report(0.9, 90, step_attempt=2))
    assert again is not None
    assert later is not None
    assert (again.percent, again.current_frame) == (40, 80)
    assert (later.percent, later.current_frame) == (45, 90)


async def test_a_newer_attempt_starts_at_nothing(bus: RedisBus) -> None:
    await bus.publish_progress(report(1.0, 50))
    progress = await bus.publish_progress(report(0.1, 5, attempt=2))
    assert progress is not None
    assert (progress.percent, progress.current_frame) == (5, 5)


async def test_a_forgotten_render_goes_on_from_what_its_workers_remember(bus: RedisBus) -> None:
    await bus.publish_progress(report(1.0, 40, step_id="stp_0", weight=0.2))
    await bus.publish_progress(report(0.5, 10, step_id="stp_1", weight=0.4))
    before = await bus.publish_progress(report(0.5, 10, step_id="stp_2", weight=0.4))
    assert before == Progress(60.0, 60, 100, "segment")
    await bus._redis.flushall()
    remembered = Remembered(before.percent, before.current_frame, step_done=0.5, step_frames=10)
    await bus.publish_progress(report(0.0, 0, step_id="stp_3", weight=0.0))  # a step that has just begun
    first = await bus.publish_progress(report(0.5, 10, step_id="stp_1", weight=0.4, remembered=remembered))
    assert first == before
    second = await bus.publish_progress(report(0.75, 20, step_id="stp_2", weight=0.4, remembered=remembered))
    assert second is not None
    assert (second.percent, second.current_frame) == (70, 70)
    third = await bus.publish_progress(report(0.75, 20, step_id="stp_1", weight=0.4, remembered=remembered))
    assert third is not None
    assert (third.percent, third.current_frame) == (80, 80)


@pytest.mark.parametrize("end", ["render.completed", "render.failed", "render.cancelled"])
async def test_no_progress_follows_the_end_of_its_attempt(bus: RedisBus, end: str) -> None:
    await bus.publish_progress(report(0.5))
    await bus.publish_event(event(1, end))
    assert await bus.publish_progress(report(0.6)) is None
    assert await bus.newest_progress(["rnd_1"]) == {}
    assert await bus.publish_progress(report(0.1, attempt=2)) is not None
    await bus.publish_event(event(1, end))
    assert await bus.publish_progress(report(0.2, attempt=2)) is not None


async def test_progress_tells_the_room_its_newest_seq(bus: RedisBus) -> None:
    async with listening(bus, "prj_1") as room:
        await bus.publish_progress(report(0.1, 5, fps=29.97))
        await bus.publish_event(event(7))
        await bus.publish_progress(report(0.2, 10))
        before, _, after = [await room.next() for _ in range(3)]
    assert (before.top, after.top) == (0, 7)
    assert (before.kind, before.render_id, before.attempt) == ("progress", "rnd_1", 1)
    assert msgspec.json.decode(before.body) == {
        "type": "render.progress",
        "render_id": "rnd_1",
        "data": {
            "percent": 5.0,
            "current_frame": 5,
            "total_frames": 100,
            "stage": "segment",
            "fps": 29.97,
            "speed": None,
            "eta_s": None,
        },
    }


async def test_the_newest_preview_wins(bus: RedisBus) -> None:
    async with listening(bus, "prj_1") as room:
        for frame, jpeg in ((20, b"new"), (10, b"old"), (30, b"\xff\0newer")):
            await bus.publish_preview("prj_1", "rnd_1", 1, Picture(frame, frame / 10, jpeg))
        told = [msgspec.json.decode((await room.next()).body)["data"] for _ in range(2)]
    assert [(one["frame"], one["time_s"], b64decode(one["base64"])) for one in told] == [
        (20, 2.0, b"new"),
        (30, 3.0, b"\xff\0newer"),
    ]
    assert await bus.newest_preview("rnd_1") == (1, Picture(30, 3.0, b"\xff\0newer"))
    assert await bus.newest_preview("rnd_2") is None


@pytest.mark.parametrize("end", ["render.completed", "render.failed", "render.cancelled"])
async def test_no_preview_follows_the_end_of_its_attempt(bus: RedisBus, end: str) -> None:
    await bus.publish_preview("prj_1", "rnd_1", 1, Picture(30, 1.0, b"before"))
    await bus.publish_event(event(1, end))
    async with listening(bus, "prj_1") as room:
        await bus.publish_preview("prj_1", "rnd_1", 1, Picture(60, 2.0, b"late"))
        await bus.publish_preview("prj_1", "rnd_1", 2, Picture(0, 0.0, b"of the next attempt"))
        assert (await room.next()).attempt == 2


async def test_a_new_attempt_shows_its_film_from_the_start_again(bus: RedisBus) -> None:
    await bus.publish_preview("prj_1", "rnd_1", 1, Picture(300, 10.0, b"first"))
    await bus.publish_preview("prj_1", "rnd_1", 2, Picture(0, 0.0, b"second"))
    await bus.publish_preview("prj_1", "rnd_1", 1, Picture(330, 11.0, b"a worker that does not know yet"))
    assert await bus.newest_preview("rnd_1") == (2, Picture(0, 0.0, b"second"))


async def test_a_ticket_is_good_once(bus: RedisBus) -> None:
    await bus.put_ticket("secret", {"user_id": "usr_1"}, 30)
    taken = await asyncio.gather(*(bus.take_ticket("secret") for _ in range(5)))
    assert [value for value in taken if value] == [{"user_id": "usr_1"}]
    assert await bus.take_ticket("another") is None


async def test_hints_and_words_to_workers_arrive(bus: RedisBus) -> None:
    hints, controls = bus.scheduler_hints(), bus.controls("wrk_1")
    assert await asyncio.wait_for(anext(hints), 5) is None  # the connection is new
    assert await asyncio.wait_for(anext(controls), 5) == Control()
    await bus.wake_scheduler()
    await bus.control("wrk_2", Control(["not yours"]))
    await bus.control("wrk_1", Control(["token"]))
    await asyncio.wait_for(anext(hints), 5)
    assert await asyncio.wait_for(anext(controls), 5) == Control(["token"])


async def test_a_feed_survives_the_death_of_redis_and_says_so(own_valkey: EmbeddedValkey) -> None:
    bus = RedisBus(own_valkey.url)
    async with listening(bus, "prj_1") as room:
        os.kill(own_valkey.pid, signal.SIGKILL)
        await room.until("lost")
        with pytest.raises(BusUnavailable):
            await bus.check()
        await bus.wake_scheduler()
        await room.feed.follow("prj_2")
        own_valkey.stop()
        own_valkey.start()
        await room.until("reconnected")
        await bus.publish_event(event(5))
        assert (await room.next()).seq == 5
        await bus.publish_event(msgspec.structs.replace(event(6), project_id="prj_2"))
        assert (await room.next()).project_id == "prj_2"
    await bus.close()


async def test_a_stall_of_redis_hangs_nobody(own_valkey: EmbeddedValkey) -> None:
    bus = RedisBus(own_valkey.url)
    await bus.check()
    loop = asyncio.get_running_loop()
    os.kill(own_valkey.pid, signal.SIGSTOP)
    try:
        started = loop.time()
        for _ in range(3):
            with pytest.raises(BusUnavailable):
                await bus.publish_event(event(1))
        assert loop.time() - started < 2
    finally:
        os.kill(own_valkey.pid, signal.SIGCONT)
    await bus.close()

"""Reports of a running step: shares add up, the newest word wins, an outage is no failure."""

import asyncio
import functools
from typing import Any, cast

import pytest

from renderowl.bus.base import BusUnavailable
from renderowl.domain.events import Picture, Progress, StepReport
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.pipeline.timeline import Rate
from renderowl.services.blueprint import Share
from renderowl.services.stopping import StopSignal, end_tasks
from renderowl.worker import reporting
from renderowl.worker.reporting import Part, PartObserver, Reporter, Strip
from renderowl.worker.watchdog import Watchdog


class FakeBus:
    def __init__(self) -> None:
        self.reports: list[StepReport] = []
        self.pictures: list[Picture] = []
        self.away = False

    async def publish_progress(self, report: StepReport) -> Progress | None:
        if self.away:
            raise BusUnavailable("away")
        self.reports.append(report)
        return Progress(percent=100 * report.done * report.weight)

    async def publish_preview(self, project_id: str, render_id: str, attempt: int, picture: Picture) -> None:
        if self.away:
            raise BusUnavailable("away")
        self.pictures.append(picture)


def _reporter(bus: FakeBus) -> Reporter:
    step = type("S", (), {"project_id": "p", "render_id": "r", "render_attempt": 1, "id": "s", "attempt": 2})
    work = cast(Any, type("W", (), {"step": step, "render": type("R", (), {"progress": Progress()})}))
    return Reporter(cast(Any, type("C", (), {"bus": bus})), work, Share(weight=0.5, total_frames=100), Watchdog(0))


async def test_parts_of_a_step_follow_each_other() -> None:
    bus = FakeBus()
    reporter = _reporter(bus)
    signal = StopSignal()
    pictures = PartObserver(reporter, Part("encoding", 0.0, 0.8, frames=50), signal, strip=Strip(10, 12, Rate(25, 2)))
    sound = PartObserver(reporter, Part("encoding", 0.8, 0.2, frames_before=50), signal, total_s=4.0)
    pictures.progress(FfmpegProgress(frame=25, fps=30.0, speed=1.5))
    pictures.preview(b"a")
    pictures.preview(b"b")
    await reporter.flush()
    sound.progress(FfmpegProgress(out_time_s=2.0))
    await reporter.flush()
    await reporter.flush()
    assert [(one.done, one.frames, one.fps) for one in bus.reports] == [(0.4, 25, 30.0), (0.9, 50, None)]
    assert bus.pictures == [Picture(22, 1.76, b"b")]
    assert reporter.newest == Progress(percent=45.0)


async def test_a_burst_of_reports_is_published_as_its_last() -> None:
    bus = FakeBus()
    reporter = _reporter(bus)
    async with reporter.running():
        for n in range(1000):
            reporter.say(Part("encoding", frames=1000), n / 1000, frames=n)
            if n % 100 == 0:
                await asyncio.sleep(0)
    assert len(bus.reports) <= 3
    assert bus.reports[-1].frames == 999


async def test_without_redis_the_step_goes_on() -> None:
    bus = FakeBus()
    bus.away = True
    reporter = _reporter(bus)
    async with reporter.running():
        reporter.say(Part("encoding"), 0.5)
        await asyncio.sleep(0)
    assert reporter.newest is None


async def test_a_step_ends_although_redis_loses_the_cancellation_of_its_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """redis-py may take a cancellation for a failure to connect: the step held its slot for ever then."""

    class LosingBus(FakeBus):
        lost = 0

        async def publish_progress(self, report: StepReport) -> Progress | None:
            if self.lost:
                return await super().publish_progress(report)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.lost += 1
            raise BusUnavailable("away")

    monkeypatch.setattr(reporting, "end_tasks", functools.partial(end_tasks, clean_up_s=0.001))
    bus = LosingBus()
    reporter = _reporter(bus)
    async with asyncio.timeout(10), reporter.running():
        reporter.say(Part("encoding"), 0.5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert bus.lost == 1


async def test_of_a_burst_of_pictures_the_first_and_the_newest_are_published() -> None:
    bus = FakeBus()
    reporter = _reporter(bus)
    observer = PartObserver(reporter, Part("encoding"), StopSignal(), strip=Strip(0, 30, Rate(30)))
    async with reporter.running():
        for number in range(100):
            observer.preview(b"%d" % number)
            await asyncio.sleep(0)
    assert len(bus.pictures) == 2
    assert bus.pictures[-1] == Picture(99 * 30, 99.0, b"99")


async def test_the_newest_picture_waits_for_redis_to_come_back() -> None:
    bus = FakeBus()
    reporter = _reporter(bus)
    bus.away = True
    for number in range(2):
        reporter.show(Picture(number, float(number), b"picture"))
        await reporter.flush()
    bus.away = False
    await reporter.flush()
    await reporter.flush()
    assert [picture.frame for picture in bus.pictures] == [1]


async def test_sound_has_no_pictures() -> None:
    bus = FakeBus()
    reporter = _reporter(bus)
    PartObserver(reporter, Part("encoding"), StopSignal(), total_s=4.0).preview(b"never")
    await reporter.flush()
    assert bus.pictures == []

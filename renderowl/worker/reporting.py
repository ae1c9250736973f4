"""What a running step says of itself: the newest progress, a few times a second, and small pictures. Losing it is no harm."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import structlog

from renderowl.bus.base import BusUnavailable
from renderowl.domain.events import Picture, Progress, Remembered, StepReport
from renderowl.pipeline.clock import time_of
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.pipeline.timeline import Rate
from renderowl.services import metrics
from renderowl.services.blueprint import Share
from renderowl.services.context import Context
from renderowl.services.steps import Work
from renderowl.services.stopping import StopSignal, end_tasks
from renderowl.worker.watchdog import Watchdog

log = structlog.get_logger(__name__)

INTERVAL_S: Final = 0.1
PICTURE_INTERVAL_S: Final = 1.0


class Part(msgspec.Struct, frozen=True):
    """A piece of a step's work: `share` of it from `before` on, `frames` film frames (0 for sound and assembly)."""

    stage: str
    before: float = 0.0
    share: float = 1.0
    frames_before: int = 0
    frames: int = 0


class Reporter:
    """Publishes the newest word of one step at most every INTERVAL_S. `newest` is the render's progress as folded.

    Pictures, at most one every PICTURE_INTERVAL_S, go beside the words: one must neither hold the next word up nor
    repeat the last one.
    """

    def __init__(self, ctx: Context, work: Work, share: Share, watchdog: Watchdog) -> None:
        step = work.step
        self._watchdog = watchdog
        self.newest: Progress | None = None
        self._ctx = ctx
        self._report = StepReport(
            project_id=step.project_id,
            render_id=step.render_id,
            attempt=step.render_attempt,
            step_id=step.id,
            step_attempt=step.attempt,
            done=0.0,
            weight=share.weight,
            frames=0,
            total_frames=share.total_frames,
            stage="preparing",
            base=share.base,
            base_frames=share.base_frames,
            remembered=Remembered(work.render.progress.percent, work.render.progress.current_frame),
        )
        self._picture: Picture | None = None
        self._said = asyncio.Event()
        self._shown = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish during the block, and what is left at its end."""
        tasks = {
            asyncio.create_task(_for_ever(fresh, publish, pause_s), context=contextvars.Context())
            for fresh, publish, pause_s in (
                (self._said, self._publish_report, INTERVAL_S),
                (self._shown, self._publish_picture, PICTURE_INTERVAL_S),
            )
        }
        try:
            yield
        finally:
            await end_tasks(tasks)
        await self.flush()

    def say(
        self, part: Part, done: float, *, frames: int = 0, fps: float | None = None, speed: float | None = None
    ) -> None:
        """Note how far a part is, 0..1."""
        self._watchdog.sign()
        self._report = msgspec.structs.replace(
            self._report,
            done=min(1.0, part.before + part.share * min(1.0, max(0.0, done))),
            frames=part.frames_before + min(frames, part.frames),
            stage=part.stage,
            fps=fps,
            speed=speed,
        )
        self._said.set()

    def show(self, picture: Picture) -> None:
        """Note the newest small picture."""
        self._picture = picture
        self._shown.set()

    async def flush(self) -> None:
        """Publish what has not been published."""
        await self._publish_report()
        await self._publish_picture()

    async def _publish_report(self) -> None:
        if not self._said.is_set():
            return
        self._said.clear()
        said = self._report
        try:
            newest = await self._ctx.bus.publish_progress(said)
        except BusUnavailable as error:
            log.debug("progress_unpublished", reason=str(error))
            return
        if newest is not None:
            self.newest = newest
            remembered = Remembered(newest.percent, newest.current_frame, said.done, said.frames)
            self._report = msgspec.structs.replace(self._report, remembered=remembered)

    async def _publish_picture(self) -> None:
        if self._picture is None:
            return
        picture, self._picture = self._picture, None
        self._shown.clear()
        report = self._report
        try:
            await self._ctx.bus.publish_preview(report.project_id, report.render_id, report.attempt, picture)
        except BusUnavailable as error:
            log.debug("picture_unpublished", reason=str(error))
            if self._picture is None:  # there is no newer one yet: this one is shown when Redis is back
                self.show(picture)


async def _for_ever(fresh: asyncio.Event, publish: Callable[[], Awaitable[None]], pause_s: float) -> None:
    while True:
        await fresh.wait()
        await publish()
        await asyncio.sleep(pause_s)


class Strip(msgspec.Struct, frozen=True):
    """Where the pictures of a segment lie in the film: one each `step_frames` frames, from `first_frame` on."""

    first_frame: int
    step_frames: int
    rate: Rate

    def picture(self, number: int, jpeg: bytes) -> Picture:
        """The picture of this number, from 0."""
        frame = self.first_frame + number * self.step_frames
        return Picture(frame, round(float(time_of(frame, self.rate)), 3), jpeg)


class PartObserver:
    """What `pipeline.run` tells and asks during one FFmpeg process: a part of a step."""

    def __init__(
        self,
        reporter: Reporter,
        part: Part,
        signal: StopSignal,
        *,
        total_s: float = 0.0,
        strip: Strip | None = None,
        moved: Callable[[], None] | None = None,
    ) -> None:
        """`moved` is called whenever the process has got on."""
        self.stop = signal.event
        self._reporter = reporter
        self._part = part
        self._total_s = total_s
        self._strip = strip
        self._moved = moved
        self._pictures = 0

    def progress(self, report: FfmpegProgress) -> None:
        """Take a progress report: frames count where there are any, else seconds."""
        if self._part.frames:
            done = report.frame / self._part.frames
        else:
            done = report.out_time_s / self._total_s if self._total_s else 0.0
        if report.ended and report.speed:
            kind = "segment" if self._part.frames else "audio" if self._total_s else "assemble"
            metrics.FFMPEG_SPEED.labels(kind).observe(report.speed)
        if self._moved is not None:
            self._moved()
        self._reporter.say(self._part, done, frames=report.frame, fps=report.fps or None, speed=report.speed or None)

    def preview(self, jpeg: bytes) -> None:
        """Take a small picture, the next of its strip."""
        if self._strip is not None:
            self._reporter.show(self._strip.picture(self._pictures, jpeg))
            self._pictures += 1

"""A whole render on this machine: all steps of a plan, as many at once as there are cores, and nothing but FFmpeg."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from renderowl.pipeline.assemble import OutputFile, assemble
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment, encode_audio, encode_segment
from renderowl.pipeline.percent import Percent
from renderowl.pipeline.plan import AudioProgramme, Plan, Segment
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.pipeline.run import ProcessLimits
from renderowl.pipeline.step_cache import StepCache
from renderowl.pipeline.tools import Toolchain


class RenderProgress(msgspec.Struct, frozen=True):
    """How far a whole render is; `step` is what moved last: `segment-3`, `audio` or `assemble`."""

    percent: float
    eta_s: float | None
    step: str
    speed: float = 0.0


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def render_file(
    plan: Plan,
    inputs: Mapping[str, Path],
    out_path: Path,
    tools: Toolchain,
    *,
    parallel: int = 0,
    cache_dir: Path | None = None,
    on_progress: Callable[[RenderProgress], None] | None = None,
    on_preview: Callable[[bytes], None] | None = None,
    stop: asyncio.Event | None = None,
    limits: ProcessLimits | None = None,
) -> list[OutputFile]:
    """Render a plan to `out_path`, poster and sidecars beside it, and return the files, the film first.

    `inputs` names the file of each `src`. Steps found in `cache_dir` are not encoded again. The first step that fails
    stops the others and its error is raised; Interrupted when `stop` was set.
    """
    with tempfile.TemporaryDirectory(prefix="renderowl-") as scratch:
        cache = StepCache(cache_dir or Path(scratch) / "steps")
        work = _Work(plan, inputs, Path(scratch), tools, cache, limits or ProcessLimits())
        work.on_progress, work.on_preview = on_progress, on_preview
        work.stop = stop or work.stop
        await work.encode_all(parallel or cores())
        named = msgspec.structs.replace(plan, output_name=out_path.name)
        made: list[OutputFile] = []
        for number, film in enumerate(named.films):
            made += await work.assemble(number, film, out_path.parent)
        work.tell_complete()
        return made


class _Work:
    """One render in progress."""

    on_progress: Callable[[RenderProgress], None] | None = None
    on_preview: Callable[[bytes], None] | None = None

    def __init__(
        self,
        plan: Plan,
        inputs: Mapping[str, Path],
        scratch: Path,
        tools: Toolchain,
        cache: StepCache,
        limits: ProcessLimits,
    ) -> None:
        self.stop, self.limits = asyncio.Event(), limits
        self._plan, self._inputs, self._scratch, self._tools, self._cache = plan, inputs, scratch, tools, cache
        segments, sounds = plan.segments_once, plan.sounds_once
        self._segments = {key: cache.find(key, EncodedSegment) for key in segments}
        self._sounds = {key: cache.find(key, EncodedAudio) for key in sounds}
        self._missing = [each for key, each in segments.items() if self._segments[key] is None]
        self._unheard = [each for key, each in sounds.items() if self._sounds[key] is None]
        costs = {f"segment-{segment.index}": segment.cost for _, segment in self._missing}
        costs |= {programme.name: programme.cost for _, programme in self._unheard}
        costs |= {_assembling(number): film.assemble_cost for number, film in enumerate(plan.films)}
        self.percent = Percent(costs)
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def directory(self, step: str) -> Path:
        """Return a step's own work directory."""
        path = self._scratch / step
        path.mkdir(exist_ok=True)
        return path

    async def encode_all(self, parallel: int) -> None:
        """Encode what is not there yet: equal segments once, the longest steps first."""
        slots = asyncio.Semaphore(parallel)
        steps: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (segment.cost, partial(self._segment, film, segment)) for film, segment in self._missing
        ]
        steps += [(programme.cost, partial(self._sound, film, programme)) for film, programme in self._unheard]

        async def in_turn(step: Callable[[], Awaitable[None]]) -> None:
            async with slots:
                await step()

        try:
            async with asyncio.TaskGroup() as group:
                for _, step in sorted(steps, key=lambda each: -each[0]):
                    group.create_task(in_turn(step))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def assemble(self, number: int, film: Plan, folder: Path) -> list[OutputFile]:
        """Make one film's files of its encoded steps."""
        step = _assembling(number)
        observer = _StepObserver(self, step, film.timeline.canvas.frames, 0.0)
        segments = [encoded for one in film.segments if (encoded := self._segments[one.key]) is not None]
        audio = None if film.audio is None else self._sounds[film.audio.key]
        where = self.directory(step)
        made = await assemble(film, segments, audio, folder, where, self._tools, observer, self.limits)
        shutil.rmtree(where)
        observer.tell_done()
        return made

    def tell_complete(self) -> None:
        """Note that every file is there."""
        self.percent.complete()
        _StepObserver(self, "assemble", 0, 0.0).tell(0.0)

    async def _segment(self, film: Plan, segment: Segment) -> None:
        name = f"segment-{segment.index}"
        observer = _StepObserver(self, name, segment.frames, segment.canvas.duration_s)
        place, where = self._cache.place(segment.key, ".nut"), self.directory(name)
        encoded = await encode_segment(
            segment, film.encoding, film.preview, self._inputs, place, where, self._tools, observer, self.limits
        )
        self._cache.keep(segment.key, encoded)
        self._segments[segment.key] = encoded
        shutil.rmtree(where)
        observer.tell_done()

    async def _sound(self, film: Plan, programme: AudioProgramme) -> None:
        observer = _StepObserver(self, programme.name, 0, programme.duration_s)
        place, where = self._cache.place(programme.key, ".audio"), self.directory(programme.name)
        encoded = await encode_audio(
            programme, film.encoding, self._inputs, place, where, self._tools, observer, self.limits
        )
        self._cache.keep(programme.key, encoded)
        self._sounds[programme.key] = encoded
        shutil.rmtree(where)
        observer.tell_done()


def _assembling(number: int) -> str:
    """The step that makes a film's files."""
    return f"assemble-{number}" if number else "assemble"


class _StepObserver:
    """Passes one step's reports on as progress of the whole."""

    def __init__(self, work: _Work, step: str, frames: int, duration_s: float) -> None:
        self.stop = work.stop
        self._work, self._step, self._frames, self._duration_s = work, step, frames, duration_s

    def progress(self, report: FfmpegProgress) -> None:
        """Take a report: pictures count by frames, sound alone by time."""
        share = report.frame / self._frames if self._frames else report.out_time_s / max(self._duration_s, 0.001)
        self._work.percent.advance(self._step, min(share, 0.99), self._work.elapsed_s)
        self.tell(report.speed)

    def preview(self, jpeg: bytes) -> None:
        """Pass a small picture on."""
        if self._work.on_preview:
            self._work.on_preview(jpeg)

    def tell_done(self) -> None:
        """Note the end of the step."""
        self._work.percent.advance(self._step, 1.0, self._work.elapsed_s)
        self.tell(0.0)

    def tell(self, speed: float) -> None:
        """Tell how far the whole is."""
        percent = self._work.percent
        if self._work.on_progress:
            self._work.on_progress(RenderProgress(percent.value, percent.eta_s, self._step, speed))

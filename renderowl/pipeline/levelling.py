"""Levelling: the runs that find out what must be done to a programme for its loudness, before the one that makes it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from renderowl.pipeline.command import loudness_command
from renderowl.pipeline.encoding import Loudness
from renderowl.pipeline.loudness import Level, Measured, corrected, level_for, read_measured
from renderowl.pipeline.plan import AudioProgramme
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.tools import Toolchain

MEASURING_SHARE: Final = 0.5
"""Of the work of a sound track whose loudness is set."""
_FIRST_SHARE: Final = 0.35
"""What is told as the first measuring; a second one is needed only behind a limiter."""


class Stretch:
    """An observer of one of several runs: the run's time becomes its part, `first` to `last`, of the step's."""

    def __init__(self, observer: Observer, total_s: float, first: float, last: float) -> None:
        self.stop: asyncio.Event = observer.stop
        self._observer, self._total_s, self._first, self._last = observer, total_s, first, last

    def progress(self, report: FfmpegProgress) -> None:
        """Pass a report on with its place in the whole."""
        done = min(report.out_time_s, self._total_s)
        out_time_s = self._first * self._total_s + done * (self._last - self._first)
        self._observer.progress(msgspec.structs.replace(report, out_time_s=out_time_s))

    def preview(self, jpeg: bytes) -> None:
        """Pass a small picture on."""
        self._observer.preview(jpeg)


async def find_level(
    programme: AudioProgramme,
    wanted: Loudness,
    inputs: Mapping[str, Path],
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits,
) -> Level:
    """Return the level that brings a programme to its loudness, measured once, and once more when it must be limited."""
    total_s = programme.duration_s

    async def measure(level: Level | None, first: float, last: float) -> Measured:
        command = await asyncio.to_thread(loudness_command, programme, tools, level)
        await asyncio.to_thread(command.prepare, work_dir, inputs)
        part = Stretch(observer, total_s, first, last)
        await run(command.argv, work_dir=work_dir, observer=part, limits=limits, log_path=work_dir / "ffmpeg.log")
        return read_measured(work_dir)

    before = await measure(None, 0.0, _FIRST_SHARE)
    level = level_for(before, wanted)
    if level.ceiling_db is None:
        return level
    return corrected(level, before, await measure(level, _FIRST_SHARE, MEASURING_SHARE), wanted)

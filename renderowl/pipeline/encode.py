"""The steps: encode a segment, encode the sound. Each verifies what it made and only then gives it its name."""

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from renderowl.domain.errors import OutputWrong
from renderowl.pipeline.command import audio_command, segment_command, stem_command
from renderowl.pipeline.cutting import LOG as _LOG
from renderowl.pipeline.cutting import cut_out, note
from renderowl.pipeline.levelling import MEASURING_SHARE, Stretch, find_level
from renderowl.pipeline.plan import AudioProgramme, Encoding, Preview, Segment
from renderowl.pipeline.probe import probe
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.smart_cut import NotCopyable
from renderowl.pipeline.stems import Batch, in_stems
from renderowl.pipeline.tools import Toolchain

_MIXING_SHARE: Final = 0.5
"""Of the work of a sound track that is mixed of stems."""


class EncodedSegment(msgspec.Struct, frozen=True):
    """A finished segment; equal `extradata_hash` is the condition for joining without encoding again."""

    path: Path
    frames: int
    size_bytes: int
    extradata_hash: str
    took_s: float = 0.0
    """From the start of the step to its verified end, on the machine that did it."""


class EncodedAudio(msgspec.Struct, frozen=True):
    """The finished sound track."""

    path: Path
    duration_s: float
    size_bytes: int


async def encode_segment(
    segment: Segment,
    encoding: Encoding,
    preview: Preview,
    inputs: Mapping[str, Path],
    out: Path,
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits | None = None,
) -> EncodedSegment:
    """Encode a segment to `out`; raises OutputWrong unless it has exactly its frames."""
    began = time.monotonic()
    limits = limits or ProcessLimits()
    if segment.copies:
        try:
            cut = await cut_out(segment, encoding, inputs, work_dir, tools, observer, limits)
        except NotCopyable as reason:
            note(work_dir, f"encoded whole: {reason}")
        else:
            return EncodedSegment(out, segment.frames, publish(cut, out), "", round(time.monotonic() - began, 3))
    # In threads: a megabyte of captions takes a while, and the worker's heartbeats go on meanwhile.
    command = await asyncio.to_thread(segment_command, segment, encoding, preview, tools)
    await asyncio.to_thread(command.prepare, work_dir, inputs)
    await run(command.argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / _LOG)
    made = work_dir / command.output
    found = await probe(made, tools, ours=True)
    if found.frames != segment.frames:
        raise OutputWrong(f"segment {segment.index} has {found.frames} frames instead of {segment.frames}")
    size_bytes, took_s = publish(made, out), round(time.monotonic() - began, 3)
    return EncodedSegment(out, segment.frames, size_bytes, found.extradata_hash, took_s)


async def encode_audio(
    programme: AudioProgramme,
    encoding: Encoding,
    inputs: Mapping[str, Path],
    out: Path,
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits | None = None,
) -> EncodedAudio:
    """Encode the whole sound track to `out`; raises OutputWrong unless it lasts as long as the film."""
    limits = limits or ProcessLimits()
    wanted_s = programme.duration_s
    batches, mixed = in_stems(programme)
    if batches:
        inputs = {**inputs, **await _mix_stems(batches, programme, inputs, work_dir, tools, observer, limits)}
        programme, observer = mixed, Stretch(observer, wanted_s, _MIXING_SHARE, 1.0)
    level = None
    if encoding.loudness is not None:
        level = await find_level(programme, encoding.loudness, inputs, work_dir, tools, observer, limits)
        observer = Stretch(observer, wanted_s, MEASURING_SHARE, 1.0)
    command = await asyncio.to_thread(audio_command, programme, encoding, tools, level)
    await asyncio.to_thread(command.prepare, work_dir, inputs)
    await run(command.argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / _LOG)
    made = work_dir / command.output
    found = await probe(made, tools, ours=True)
    if not found.has_audio or abs(found.duration_s - wanted_s) > 0.06:
        raise OutputWrong(f"the sound lasts {found.duration_s:.3f} s instead of {wanted_s:.3f} s")
    return EncodedAudio(out, found.duration_s, publish(made, out))


async def _mix_stems(
    batches: Sequence[Batch],
    programme: AudioProgramme,
    inputs: Mapping[str, Path],
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits,
) -> dict[str, Path]:
    """Mix the stems of a programme one after the other, and return their files."""
    total_s, share = programme.duration_s, _MIXING_SHARE / len(batches)
    files: dict[str, Path] = {}
    for number, batch in enumerate(batches):
        command = await asyncio.to_thread(stem_command, batch, programme, tools)
        await asyncio.to_thread(command.prepare, work_dir, inputs)
        part = Stretch(observer, total_s, number * share, (number + 1) * share)
        await run(command.argv, work_dir=work_dir, observer=part, limits=limits, log_path=work_dir / _LOG)
        files[batch.stem.src] = work_dir / command.output
    return files


def publish(made: Path, out: Path) -> int:
    """Give a verified file its name, all at once, and return its size in bytes."""
    near = out.with_name(f".{out.name}.part")
    shutil.move(made, near)  # a rename, unless the work directory lies on another disk
    near.replace(out)
    return out.stat().st_size

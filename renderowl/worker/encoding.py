"""Encoding one part of a film and putting it into the cache, where the assembly and later renders find it."""

from pathlib import Path

from renderowl.pipeline.clock import time_of
from renderowl.pipeline.encode import encode_audio, encode_segment
from renderowl.pipeline.plan import AudioProgramme, Segment
from renderowl.services.blueprint import Blueprint
from renderowl.services.segment_cache import Cached, Facts, maker, store
from renderowl.worker.execution import Execution
from renderowl.worker.reporting import Part, PartObserver, Reporter, Strip


async def make_segment(
    execution: Execution, blueprint: Blueprint, segment: Segment, reporter: Reporter, part: Part
) -> Cached:
    """Encode a segment and store it under its key; the local file stays for the length of the execution."""
    name = f"segment-{segment.index}"
    work_dir, out = execution.new_folder(name), execution.folder / f"{name}.nut"
    plan = blueprint.plan
    rate = segment.canvas.rate
    strip = Strip(segment.start, plan.preview.step_frames(rate), rate)
    observer = PartObserver(reporter, part, execution.signal, strip=strip)
    wanted = execution.wanted(segment.media, blueprint.keys)
    async with execution.inputs.files(wanted, execution.unless_stopped) as files:
        inputs = {src: files[medium.content_hash] for src, medium in segment.media.items()}
        try:
            made = await encode_segment(
                segment, plan.encoding, plan.preview, inputs, out, work_dir, execution.tools, observer, execution.limits
            )
        finally:
            await execution.keep_log(name, work_dir)
    reporter.say(part, 1.0, frames=segment.frames)
    facts = Facts(frames=made.frames, extradata_hash=made.extradata_hash)
    await _keep(execution, blueprint.segment_object(segment), out, facts)
    return Cached(out, made.size_bytes, facts)


async def make_audio(
    execution: Execution, blueprint: Blueprint, programme: AudioProgramme, reporter: Reporter, part: Part
) -> Cached:
    """Encode the sound track and store it under its key; the local file stays for the length of the execution."""
    key = blueprint.audio_object(programme)
    work_dir, out = execution.new_folder("audio"), execution.folder / key.rpartition("/")[2]
    observer = PartObserver(reporter, part, execution.signal, total_s=float(time_of(programme.frames, programme.rate)))
    wanted = execution.wanted(programme.media, blueprint.keys)
    async with execution.inputs.files(wanted, execution.unless_stopped) as files:
        inputs = {src: files[medium.content_hash] for src, medium in programme.media.items()}
        try:
            made = await encode_audio(
                programme,
                blueprint.plan.encoding,
                inputs,
                out,
                work_dir,
                execution.tools,
                observer,
                execution.limits,
            )
        finally:
            await execution.keep_log("audio", work_dir)
    reporter.say(part, 1.0)
    facts = Facts(duration_s=made.duration_s)
    await _keep(execution, key, out, facts)
    return Cached(out, made.size_bytes, facts)


async def _keep(execution: Execution, key: str, out: Path, facts: Facts) -> None:
    await execution.unless_stopped(store(execution.ctx, key, out, facts, maker(execution.work.render)))

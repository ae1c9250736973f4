"""Encoding one part of a film and putting it into the cache, where the assembly and later renders find it."""

from contextlib import nullcontext
from pathlib import Path

from renderowl.pipeline.encode import encode_audio, encode_segment
from renderowl.pipeline.estimate import sample_of
from renderowl.pipeline.pieces import pieces_of_segment
from renderowl.pipeline.plan import AudioProgramme, Segment
from renderowl.services.blueprint import Blueprint
from renderowl.services.segment_cache import Cached, Facts, fetch, maker, store
from renderowl.worker.execution import Execution
from renderowl.worker.reporting import Part, PartObserver, Reporter, Strip
from renderowl.worker.showing import Showing, show_segment, show_sound


async def make_part(
    execution: Execution, blueprint: Blueprint, wanted: Segment | AudioProgramme, reporter: Reporter, part: Part
) -> Cached:
    """Encode a segment or a sound track and store it under its key."""
    if isinstance(wanted, Segment):
        return await make_segment(execution, blueprint, wanted, reporter, part)
    return await make_audio(execution, blueprint, wanted, reporter, part)


async def show_part(execution: Execution, blueprint: Blueprint, wanted: Segment | AudioProgramme) -> None:
    """Cut a part that is in the cache for the playlist of the film in the making, if there is to be one."""
    plan, key = blueprint.plan, blueprint.object_of(wanted)
    if wanted.key not in plan.shown_keys:
        return
    found = await execution.unless_stopped(fetch(execution.ctx, [key], execution.new_folder(f"cached-{wanted.key}")))
    if key not in found:
        return
    if isinstance(wanted, Segment):
        await show_segment(execution, plan, found[key].path, wanted)
    else:
        await show_sound(execution, found[key].path)


async def make_segment(
    execution: Execution, blueprint: Blueprint, segment: Segment, reporter: Reporter, part: Part
) -> Cached:
    """Encode a segment and store it under its key; the local file stays for the length of the execution."""
    name = f"segment-{segment.index}"
    work_dir, out = execution.new_folder(name), execution.folder / f"{name}.nut"
    film, rate = blueprint.film_of(segment), segment.canvas.rate
    strip = Strip(segment.start, film.preview.step_frames(rate), rate)
    showing = Showing(execution, "video") if film.preview.hls else None
    moved = None if showing is None else showing.look
    observer = PartObserver(reporter, part, execution.signal, strip=strip, moved=moved)
    wanted = execution.wanted(segment.media, blueprint.keys)
    async with execution.inputs.files(wanted, execution.unless_stopped) as files:
        inputs = {src: files[medium.content_hash] for src, medium in segment.media.items()}
        try:
            async with nullcontext() if showing is None else showing.during(segment, work_dir):
                made = await encode_segment(
                    segment,
                    film.encoding,
                    film.preview,
                    inputs,
                    out,
                    work_dir,
                    execution.tools,
                    observer,
                    execution.limits,
                )
        finally:
            await execution.keep_log(name, work_dir)
    reporter.say(part, 1.0, frames=segment.frames)
    if showing is not None:
        pieces = pieces_of_segment(work_dir, segment, ended=True)
        await showing.store(pieces)
        await show_segment(execution, film, out, segment, but=segment.start if pieces else -1)
    facts = Facts(made.frames, extradata_hash=made.extradata_hash, sample=sample_of(segment, film.encoding, made))
    await _keep(execution, blueprint.segment_object(segment), out, facts)
    return Cached(out, made.size_bytes, facts, maker(execution.work.render))


async def make_audio(
    execution: Execution, blueprint: Blueprint, programme: AudioProgramme, reporter: Reporter, part: Part
) -> Cached:
    """Encode the sound track and store it under its key; the local file stays for the length of the execution."""
    film, _ = blueprint.plan.sounds_once[programme.key]
    key = blueprint.audio_object(film, programme)
    work_dir, out = execution.new_folder(programme.name), execution.folder / key.rpartition("/")[2]
    observer = PartObserver(reporter, part, execution.signal, total_s=programme.duration_s)
    wanted = execution.wanted(programme.media, blueprint.keys)
    async with execution.inputs.files(wanted, execution.unless_stopped) as files:
        inputs = {src: files[medium.content_hash] for src, medium in programme.media.items()}
        try:
            made = await encode_audio(
                programme,
                film.encoding,
                inputs,
                out,
                work_dir,
                execution.tools,
                observer,
                execution.limits,
            )
        finally:
            await execution.keep_log(programme.name, work_dir)
    reporter.say(part, 1.0)
    if film.preview.hls:
        await show_sound(execution, out)
    facts = Facts(duration_s=made.duration_s)
    await _keep(execution, key, out, facts)
    return Cached(out, made.size_bytes, facts, maker(execution.work.render))


async def _keep(execution: Execution, key: str, out: Path, facts: Facts) -> None:
    await execution.unless_stopped(store(execution.ctx, key, out, facts, maker(execution.work.render)))

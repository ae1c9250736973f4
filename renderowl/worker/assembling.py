"""Assembling a film of its encoded parts and publishing it: one visible result, whoever else was at it."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import structlog

from renderowl.domain.events import Progress
from renderowl.pipeline.assemble import OutputFile, assemble
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment
from renderowl.pipeline.plan import Plan
from renderowl.services import segment_cache, steps
from renderowl.services.blueprint import Blueprint
from renderowl.services.screening import pieces_prefix
from renderowl.services.segment_cache import Cached, maker
from renderowl.services.views import CacheView
from renderowl.worker.encoding import make_audio, make_segment
from renderowl.worker.execution import Execution, until_delivered
from renderowl.worker.reporting import Part, PartObserver, Reporter

log = structlog.get_logger(__name__)


class Film(msgspec.Struct, frozen=True):
    """A render's files, and which of its parts came out of the cache."""

    files: list[OutputFile]
    cache: CacheView


async def make_film(
    execution: Execution, blueprint: Blueprint, made: Mapping[str, Cached], reporter: Reporter, part: Part
) -> Film:
    """The render's film, from what was `made` here (by object key) and the rest out of the cache.

    A part whose bytes somebody removed from storage is encoded again.
    """
    reporter.say(part, 0.0)
    plan = blueprint.plan
    elsewhere = set(blueprint.objects) - set(made)
    fetching = segment_cache.fetch(execution.ctx, elsewhere, execution.new_folder("parts"))
    parts = {**made, **await execution.unless_stopped(fetching)}
    again = Part("encoding", part.before, 0.0, part.frames_before)
    for _, segment in plan.segments_once.values():
        if (key := blueprint.segment_object(segment)) not in parts:
            parts[key] = await make_segment(execution, blueprint, segment, reporter, again)
    for film, audio in plan.sounds_once.values():
        if (key := blueprint.audio_object(film, audio)) not in parts:
            parts[key] = await make_audio(execution, blueprint, audio, reporter, again)
    out_dir = execution.new_folder("outputs")
    files: list[OutputFile] = []
    before = part.before
    for number, film in enumerate(plan.films):
        share = part.share * film.assemble_cost / plan.all_assemble_cost
        one = msgspec.structs.replace(part, before=before, share=share)
        files += await _assembled(
            execution, blueprint, film, number, parts, out_dir, PartObserver(reporter, one, execution.signal)
        )
        before += share
        reporter.say(one, 1.0)
    return Film(files, blueprint.reused_but(await _encoded(execution, blueprint, parts)))


async def _encoded(execution: Execution, blueprint: Blueprint, parts: Mapping[str, Cached]) -> frozenset[str]:
    """The objects that this attempt encoded, whoever else may have stored the same since: its steps know."""
    render = execution.work.render
    numbers = await until_delivered(lambda: steps.encoded_segments(execution.ctx, render))
    by_steps = [blueprint.segment_object(blueprint.segment(number)) for number in numbers]
    return frozenset([*by_steps, *(key for key, part in parts.items() if part.made_by == maker(render))])


async def _assembled(
    execution: Execution,
    blueprint: Blueprint,
    film: Plan,
    number: int,
    parts: Mapping[str, Cached],
    out_dir: Path,
    observer: PartObserver,
) -> list[OutputFile]:
    name = f"assemble-{number}" if number else "assemble"
    work_dir = execution.new_folder(name)
    segments = [_segment(parts[blueprint.segment_object(segment)]) for segment in film.segments]
    audio = None if film.audio is None else _audio(parts[blueprint.audio_object(film, film.audio)])
    try:
        return await assemble(film, segments, audio, out_dir, work_dir, execution.tools, observer, execution.limits)
    finally:
        await execution.keep_log(name, work_dir)


async def publish(execution: Execution, blueprint: Blueprint, film: Film, *, cost: float | None = None) -> None:
    """Upload the files under keys of this claim's own and complete the render with them. Raises steps.Fenced.

    Whoever does not become the visible result removes what it uploaded; whoever does, what others left. `cost` is that
    of a film that was made whole within its first step.
    """
    prefix = execution.attempt_prefix
    total = blueprint.plan.total_frames
    progress = Progress(percent=100.0, current_frame=total, total_frames=total, stage="completed")
    try:
        outputs = [await _upload(execution, n, file) for n, file in enumerate(film.files)]
    except BaseException:
        await _discard(execution, prefix)
        raise
    try:
        await until_delivered(
            lambda: steps.complete_render(
                execution.ctx,
                execution.claim,
                {"outputs": outputs},
                progress,
                cache=film.cache,
                cost=cost,
            )
        )
    except steps.Fenced:
        # Or was it us, and only the answer to the commit was lost?
        render_id = execution.work.render.id
        if not await until_delivered(lambda: steps.is_published(execution.ctx, render_id, prefix)):
            await _discard(execution, prefix)
            raise
    await _discard_losers(execution)


async def _upload(execution: Execution, number: int, file: OutputFile) -> dict[str, Any]:
    """Store a file under a key without anything of the caller's in it and describe it for the render's row.

    A step that is asked to stop finishes the file in hand: an upload that was only given up might still arrive, after
    everything else of this claim has been removed.
    """
    execution.refuse_if_stopped()
    key = f"{execution.attempt_prefix}{number}-{file.kind}{PurePosixPath(file.name).suffix}"
    await execution.ctx.storage.put_file(key, file.path, content_type=file.content_type)
    execution.watchdog.sign()
    measured = {
        name: value for name in ("duration_s", "width", "height", "fps", "frames") if (value := getattr(file, name))
    }
    described = {"kind": file.kind, "name": file.name, "content_type": file.content_type}
    return {**described, "key": key, "size_bytes": file.size_bytes, **measured}


async def _discard(execution: Execution, prefix: str) -> None:
    try:
        await execution.ctx.storage.delete_prefix(prefix)
    except Exception as error:
        log.warning("outputs_left_behind", prefix=prefix, reason=str(error))


async def _discard_losers(execution: Execution) -> None:
    """Remove what killed or fenced workers uploaded for this render; its logs stay."""
    render = execution.work.render
    shown = pieces_prefix(render.project_id, render.id, render.attempt)  # somebody may still be watching
    kept = (execution.attempt_prefix, f"{execution.render_prefix}logs/", shown)
    try:
        left = [
            found.key
            async for found in execution.ctx.storage.scan(execution.render_prefix)
            if not found.key.startswith(kept)
        ]
        await execution.ctx.storage.delete(left)
    except Exception as error:
        log.warning("outputs_left_behind", prefix=execution.render_prefix, reason=str(error))


def _segment(part: Cached) -> EncodedSegment:
    return EncodedSegment(part.path, part.facts.frames, part.size_bytes, part.facts.extradata_hash)


def _audio(part: Cached) -> EncodedAudio:
    return EncodedAudio(part.path, part.facts.duration_s, part.size_bytes)

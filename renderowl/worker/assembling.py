"""Assembling a film of its encoded parts and publishing it: one visible result, whoever else was at it."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import structlog

from renderowl.domain.events import Progress
from renderowl.pipeline.assemble import OutputFile, assemble
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment
from renderowl.services import segment_cache, steps
from renderowl.services.blueprint import Blueprint
from renderowl.services.segment_cache import Cached
from renderowl.services.views import CacheView
from renderowl.worker.encoding import make_audio, make_segment
from renderowl.worker.execution import Execution, until_delivered
from renderowl.worker.reporting import Part, PartObserver, Reporter

log = structlog.get_logger(__name__)


async def make_film(
    execution: Execution, blueprint: Blueprint, made: Mapping[str, Cached], reporter: Reporter, part: Part
) -> list[OutputFile]:
    """The render's files, from what was `made` here (by object key) and the rest out of the cache.

    A part whose bytes somebody removed from storage is encoded again.
    """
    reporter.say(part, 0.0)
    plan = blueprint.plan
    keys = [blueprint.segment_object(segment) for segment in plan.segments]
    audio_key = None if plan.audio is None else blueprint.audio_object(plan.audio)
    elsewhere = set(blueprint.objects) - set(made)
    fetching = segment_cache.fetch(execution.ctx, elsewhere, execution.new_folder("parts"))
    parts = {**made, **await execution.unless_stopped(fetching)}
    again = Part("encoding", part.before, 0.0, part.frames_before)
    for key, segment in zip(keys, plan.segments, strict=True):
        if key not in parts:
            parts[key] = await make_segment(execution, blueprint, segment, reporter, again)
    if plan.audio is not None and audio_key is not None and audio_key not in parts:
        parts[audio_key] = await make_audio(execution, blueprint, plan.audio, reporter, again)
    work_dir = execution.new_folder("assemble")
    try:
        return await assemble(
            plan,
            [_segment(parts[key]) for key in keys],
            None if audio_key is None else _audio(parts[audio_key]),
            execution.new_folder("outputs"),
            work_dir,
            execution.tools,
            PartObserver(reporter, part, execution.signal),
            execution.limits,
        )
    finally:
        await execution.keep_log("assemble", work_dir)


async def publish(
    execution: Execution, blueprint: Blueprint, files: list[OutputFile], *, cache: CacheView | None = None
) -> None:
    """Upload the files under keys of this claim's own and complete the render with them. Raises steps.Fenced.

    Whoever does not become the visible result removes what it uploaded; whoever does, what others left.
    """
    prefix = execution.attempt_prefix
    total = blueprint.plan.total_frames
    progress = Progress(percent=100.0, current_frame=total, total_frames=total, stage="completed")
    try:
        outputs = [await _upload(execution, n, file) for n, file in enumerate(files)]
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
                cache=cache,
                cost=None if cache is None else blueprint.cost,
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
    kept = (execution.attempt_prefix, f"{execution.render_prefix}logs/")
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

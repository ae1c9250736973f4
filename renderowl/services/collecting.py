"""Collecting what is of no use any more in storage: files of killed workers that no render shows, and old logs."""

import sys
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from renderowl.db import pieces, renders
from renderowl.db.database import Database
from renderowl.domain.records import Render
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

GRACE_S: Final = 600.0
"""How long after a render's end it is tidied up: whoever lost the claim has noticed by then and writes nothing more."""
_BATCH: Final = 100

Due = Callable[[], Awaitable[list[Render]]]
Unwanted = Callable[[Context, Render], Awaitable[list[str]]]
Note = Callable[[Database, Render], Awaitable[None]]


async def collect(ctx: Context, *, ended_for_s: float = GRACE_S) -> int:
    """Remove what no ended render shows, once for each end, and return how many objects that were; the slow tick.

    A render whose objects cannot be removed now is left to the next tick.
    """
    return await _collect(
        ctx,
        lambda: renders.uncollected(ctx.db, ended_for_s=ended_for_s, limit=_BATCH),
        _leftovers,
        _note_collected,
    )


async def drop_logs(ctx: Context) -> int:
    """Remove the encoders' logs of renders that ended long ago and return how many those were; the slow tick."""
    kept_s = ctx.settings.log_retention_s
    if not kept_s:
        return 0
    return await _collect(
        ctx, lambda: renders.with_logs(ctx.db, ended_for_s=kept_s, limit=_BATCH), _logs, renders.set_logs_removed
    )


async def _collect(ctx: Context, due: Due, unwanted: Unwanted, note: Note) -> int:
    removed = 0
    while batch := await due():
        failed = False
        for render in batch:
            try:
                left = await unwanted(ctx, render)
                if left:
                    await ctx.storage.delete(left)
            except Exception as error:
                failed = True
                log.warning("objects_not_collected", render_id=render.id, reason=str(error))
                continue
            await note(ctx.db, render)
            removed += len(left)
        if failed or len(batch) < _BATCH:
            break
    return removed


async def _note_collected(db: Database, render: Render) -> None:
    if render.preview is not None or render.attempt > 1:  # an attempt before may have been shown
        await pieces.forget(db, render.id)
    await renders.set_collected(db, render)


async def _leftovers(ctx: Context, render: Render) -> list[str]:
    """Objects of claims up to this attempt, `<attempt>-<token>/...`, but the outputs; a retry's are the retry's."""
    prefix = f"projects/{render.project_id}/renders/{render.id}/"
    shown = set() if render.output is None else {file["key"] for file in render.output["outputs"]}
    left = []
    async for found in ctx.storage.scan(prefix):
        attempt = found.key.removeprefix(prefix).partition("-")[0]
        if _number(attempt) <= render.attempt and found.key not in shown:
            left.append(found.key)
    return left


async def _logs(ctx: Context, render: Render) -> list[str]:
    """Logs of attempts up to this one, `logs/<attempt>/...`."""
    prefix = f"projects/{render.project_id}/renders/{render.id}/logs/"
    found = [one.key async for one in ctx.storage.scan(prefix)]
    return [key for key in found if _number(key.removeprefix(prefix).partition("/")[0]) <= render.attempt]


def _number(text: str) -> int:
    """An attempt; what is no number belongs to none."""
    return int(text) if text.isdigit() else sys.maxsize

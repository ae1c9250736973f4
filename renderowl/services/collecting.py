"""Collecting what losers left in storage: files a killed worker had uploaded for a render that ended without them."""

from typing import Final

import structlog

from renderowl.db import renders
from renderowl.domain.records import Render
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

GRACE_S: Final = 600.0
"""How long after a render's end it is tidied up: whoever lost the claim has noticed by then and writes nothing more."""
_BATCH: Final = 100


async def collect(ctx: Context, *, ended_for_s: float = GRACE_S) -> int:
    """Remove what no ended render shows, once for each end, and return how many objects that were; the slow tick.

    A render whose objects cannot be removed now is left to the next tick.
    """
    removed = 0
    while batch := await renders.uncollected(ctx.db, ended_for_s=ended_for_s, limit=_BATCH):
        failed = False
        for render in batch:
            try:
                left = await _leftovers(ctx, render)
                if left:
                    await ctx.storage.delete(left)
            except Exception as error:
                failed = True
                log.warning("leftovers_not_collected", render_id=render.id, reason=str(error))
                continue
            await renders.set_collected(ctx.db, render)
            removed += len(left)
        if failed or len(batch) < _BATCH:
            break
    return removed


async def _leftovers(ctx: Context, render: Render) -> list[str]:
    """Objects of claims up to this attempt, `<attempt>-<token>/...`, but the outputs; a retry's are the retry's."""
    prefix = f"projects/{render.project_id}/renders/{render.id}/"
    shown = set() if render.output is None else {file["key"] for file in render.output["outputs"]}
    left = []
    async for found in ctx.storage.scan(prefix):
        attempt = found.key.removeprefix(prefix).partition("-")[0]
        if attempt.isdigit() and int(attempt) <= render.attempt and found.key not in shown:
            left.append(found.key)
    return left

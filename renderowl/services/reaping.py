"""Reaping: expired leases, passed deadlines, silent workers, and steps that have waited for long; the reaper's tick."""

import structlog

from renderowl.db import admission, dispatches, pauses, renders, steps, workers
from renderowl.domain.errors import DeadlineExceeded, PoisonPill, WorkerLost
from renderowl.domain.lifecycle import POISON_AFTER
from renderowl.domain.records import Claim, Step
from renderowl.services import metrics
from renderowl.services.context import Context
from renderowl.services.ending import fail_render, settle_failure, stop_workers, tell_retry
from renderowl.services.pausing import paused_scopes
from renderowl.services.views import error_record

log = structlog.get_logger(__name__)

SILENT_S = 60.0

_REAPER_LOCK = 0x524541504552  # "REAPER"


async def reap(ctx: Context) -> int:
    """Deal with expired leases, passed deadlines, silent workers and age. Returns how many of the first two there were."""
    settings = ctx.settings
    async with ctx.db.transaction():
        if not await ctx.db.try_lock(_REAPER_LOCK):
            return 0
        lapsed = await steps.lapsed(ctx.db)
        overdue = await steps.overdue(ctx.db, deadline_s=settings.step_deadline_s)
        late = await renders.past_deadline(ctx.db)
        await workers.sweep(ctx.db, silent_s=SILENT_S)
        aged = 0
        if settings.ageing_s:
            paused = paused_scopes(await pauses.list_all(ctx.db))
            aged = await admission.age(ctx.db, every_s=settings.ageing_s, paused_classes=paused.classes)
    not_begun = await dispatches.expire(ctx.db)
    if not_begun:  # lost with Redis, or the worker never took it: nobody's failure
        metrics.LEASES_EXPIRED.labels("dispatched").inc(not_begun)
        await ctx.bus.wake_scheduler()
    for claim in lapsed:
        await _reap_one(ctx, claim)
    for step in overdue:
        await _pass_step_deadline(ctx, step)
    for render_id, attempt in late:
        await _pass_render_deadline(ctx, render_id, attempt)
    if aged:
        log.info("steps_aged", count=aged)
        metrics.STEPS_AGED.inc(aged)
        await ctx.bus.wake_scheduler()
    return not_begun + len(lapsed) + len(overdue) + len(late)


async def _reap_one(ctx: Context, lapsed: steps.Lapsed) -> None:
    step = lapsed.step
    async with ctx.db.transaction() as tx:
        render = await renders.get(ctx.db, step.render_id, lock=True)
        if render is None or step.token is None or not await steps.still_lapsed(ctx.db, step.id, step.token):
            return
        poisoned = step.lost + 1 >= POISON_AFTER
        error = PoisonPill() if poisoned else WorkerLost()
        if not lapsed.started:  # dispatched by a scheduler of the version before
            await steps.requeue(ctx.db, step.id, step.token)
            tx.after_commit.append(ctx.bus.wake_scheduler)
        elif poisoned:
            await steps.fail(ctx.db, step.id, step.token, error_record(error))
            await fail_render(ctx, tx, render, error)
        else:
            await steps.requeue(ctx.db, step.id, step.token, lost=True, error=error_record(error))
            await tell_retry(ctx, tx, render, step, error, 0.0)
            tx.after_commit.append(ctx.bus.wake_scheduler)
    metrics.LEASES_EXPIRED.labels("running" if lapsed.started else "dispatched").inc()
    if lapsed.started:
        metrics.STEPS_ENDED.labels(step.kind, "failed" if poisoned else "retried", error.code).inc()


async def _pass_step_deadline(ctx: Context, step: Step) -> None:
    """Take a step that takes too long from its worker; it is tried once more, like one that stalled."""
    error = DeadlineExceeded(f"a {step.kind} step took longer than {ctx.settings.step_deadline_s:g} s")
    async with ctx.db.transaction() as tx:
        render = await renders.get(ctx.db, step.render_id, lock=True)
        if render is None or step.token is None or step.worker_id is None:
            return
        claim = Claim(step.id, step.attempt, step.token, step.worker_id)
        if await steps.get_claimed(ctx.db, claim) is None:
            return
        again = await settle_failure(ctx, tx, render, step, error)
        stop_workers(ctx, tx, [claim])
    metrics.STEPS_ENDED.labels(step.kind, "retried" if again else "failed", error.code).inc()


async def _pass_render_deadline(ctx: Context, render_id: str, attempt: int) -> None:
    """Fail a render whose attempt takes too long; whoever wants more time starts the next attempt."""
    async with ctx.db.transaction() as tx:
        render = await renders.get(ctx.db, render_id, lock=True)
        if render is not None and render.attempt == attempt and render.status == "processing":
            await fail_render(ctx, tx, render, DeadlineExceeded())

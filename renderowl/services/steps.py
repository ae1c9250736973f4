"""Steps as work: dispatching them, taking them up, ending them, and what their end means for the render.

Each function is one transaction that first locks the render's row and then writes with the claim in its WHERE. A claim
that no longer holds raises Fenced: whoever holds it must stop its processes and discard its files.
"""

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from renderowl.bus.base import Control
from renderowl.db import deliveries, renders, steps, workers
from renderowl.db.database import Transaction
from renderowl.db.steps import NewStep
from renderowl.domain.errors import DeadlineExceeded, PoisonPill, RenderOwlError, WorkerLost
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import POISON_AFTER, PRIORITY_CLASS, RETRIES
from renderowl.domain.records import Claim, Render, Step
from renderowl.queue.base import Dispatch, Queue, QueueUnavailable
from renderowl.services import views
from renderowl.services.context import Context
from renderowl.services.publishing import record

RETRY_BASE_S = 5.0
RETRY_CAP_S = 300.0
DISPATCH_LEASE_S = 10.0
"""How long a dispatched step may lie in its worker's queue before it is given to another: a flushed Redis costs this."""

_SCHEDULER_LOCK = 0x5343484544  # "SCHED"
_REAPER_LOCK = 0x524541504552  # "REAPER"


class Fenced(Exception):
    """The claim does not hold any more: the step was cancelled, given to another worker or ended."""


class Work(msgspec.Struct, frozen=True):
    """What a worker needs to do a step. `plan` is there for every kind but `prepare`."""

    step: Step
    render: Render
    plan: dict[str, Any] | None


# --- scheduler -----------------------------------------------------------------------------------------------------


async def dispatch(ctx: Context, queue: Queue) -> int:
    """Admit as many queued steps as there are free slots and send them to their workers; the scheduler's tick.

    Several schedulers may tick at once: one of them works, the others find the lock taken and return 0. Raises
    QueueUnavailable, having put the steps back.
    """
    async with ctx.db.transaction():
        if not await ctx.db.fetch_value("SELECT pg_try_advisory_xact_lock($1)", _SCHEDULER_LOCK):
            return 0
        slots = await workers.free_slots(ctx.db, alive_s=ctx.settings.lease_s)
        claims = await steps.admit(ctx.db, slots, lease_s=DISPATCH_LEASE_S) if slots else []
    if claims:
        try:
            await queue.send([Dispatch(claim.step_id, claim.attempt, claim.token, claim.worker_id) for claim in claims])
        except QueueUnavailable:
            # Some may have been sent: their workers will find the claim gone.
            for claim in claims:
                await steps.requeue(ctx.db, claim.step_id, claim.token)
            raise
    return len(claims)


async def reap(ctx: Context) -> int:
    """Deal with expired leases, passed deadlines and silent workers; the reaper's tick. Returns how many it dealt with."""
    async with ctx.db.transaction():
        if not await ctx.db.fetch_value("SELECT pg_try_advisory_xact_lock($1)", _REAPER_LOCK):
            return 0
        lapsed = await steps.lapsed(ctx.db)
        late = await renders.past_deadline(ctx.db)
        await workers.sweep(ctx.db, silent_s=60)
    for claim in lapsed:
        await _reap_one(ctx, claim)
    for render_id, attempt in late:
        await _pass_deadline(ctx, render_id, attempt)
    return len(lapsed) + len(late)


async def _reap_one(ctx: Context, lapsed: steps.Lapsed) -> None:
    step = lapsed.step
    async with ctx.db.transaction() as tx:
        render = await renders.get(ctx.db, step.render_id, lock=True)
        if render is None or step.token is None or not await steps.still_lapsed(ctx.db, step.id, step.token):
            return
        if not lapsed.started:  # the dispatch was lost with Redis, or the worker never took it: nobody's failure
            await steps.requeue(ctx.db, step.id, step.token)
            tx.after_commit.append(ctx.bus.wake_scheduler)
        elif step.lost + 1 >= POISON_AFTER:
            await steps.fail(ctx.db, step.id, step.token, error_record(PoisonPill()))
            await _fail_render(ctx, tx, render, PoisonPill())
        else:
            await steps.requeue(ctx.db, step.id, step.token, lost=True, error=error_record(WorkerLost()))
            await _tell_retry(ctx, tx, render, step, WorkerLost(), 0.0)
            tx.after_commit.append(ctx.bus.wake_scheduler)


async def _pass_deadline(ctx: Context, render_id: str, attempt: int) -> None:
    async with ctx.db.transaction() as tx:
        render = await renders.get(ctx.db, render_id, lock=True)
        if render is not None and render.attempt == attempt and render.status == "processing":
            await _fail_render(ctx, tx, render, DeadlineExceeded())


# --- worker --------------------------------------------------------------------------------------------------------


async def begin(ctx: Context, claim: Claim) -> Work:
    """Take up a dispatched step. The first step of an attempt sets the render to `processing`. Raises Fenced."""
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        step = await steps.start(ctx.db, claim, lease_s=ctx.settings.lease_s)
        if step is None or step.render_attempt != render.attempt:
            raise Fenced(claim.step_id)
        if render.status == "queued":
            progress = msgspec.structs.replace(render.progress, stage="preparing")
            started = await renders.set_status(
                ctx.db, render.id, "processing", attempt=render.attempt, progress=progress
            )
            if started is None:
                raise Fenced(claim.step_id)
            await renders.set_deadline(ctx.db, render.id, ctx.settings.render_deadline_s)
            await record(
                ctx,
                tx,
                render.project_id,
                "render.started",
                views.brief(started),
                render_id=render.id,
                attempt=render.attempt,
            )
            render = started
    plan = None if step.kind == "prepare" else await renders.get_plan(ctx.db, render.id)
    return Work(step, render, plan)


async def store_plan(
    ctx: Context,
    claim: Claim,
    plan: dict[str, Any],
    new_steps: list[NewStep],
    *,
    cache: views.CacheView,
    progress: Progress,
) -> None:
    """End a `prepare` step: keep the plan and put the attempt's other steps into the queue. Raises Fenced."""
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        if not await steps.finish(ctx.db, claim, "completed", result={"segments": cache.segments}):
            raise Fenced(claim.step_id)
        if not await renders.set_plan(ctx.db, render.id, render.attempt, plan, msgspec.to_builtins(cache), progress):
            raise Fenced(claim.step_id)
        await steps.insert(
            ctx.db, render.project_id, render.id, render.attempt, PRIORITY_CLASS[render.priority], new_steps
        )
        await steps.unblock(ctx.db, render.id, render.attempt)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def complete_step(ctx: Context, claim: Claim, result: dict[str, Any], progress: Progress | None) -> None:
    """End a segment or audio step; the last one queues `assemble`. Raises Fenced."""
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        if not await steps.finish(ctx.db, claim, "completed", result=result):
            raise Fenced(claim.step_id)
        if progress is not None:
            await renders.set_progress(ctx.db, render.id, render.attempt, progress)
        await steps.unblock(ctx.db, render.id, render.attempt)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def complete_render(
    ctx: Context, claim: Claim, output: dict[str, Any], progress: Progress, *, cache: views.CacheView | None = None
) -> Render:
    """End the last step and the render with it: output, status, event and webhook in one transaction. Raises Fenced."""
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        if not await steps.finish(ctx.db, claim, "completed", result={"outputs": len(output["outputs"])}):
            raise Fenced(claim.step_id)
        if cache is not None:
            await ctx.db.execute(
                "UPDATE renders SET cache = $2::jsonb WHERE id = $1", render.id, msgspec.json.encode(cache).decode()
            )
        done = await renders.set_status(
            ctx.db, render.id, "completed", attempt=render.attempt, output=output, progress=progress
        )
        if done is None:
            raise Fenced(claim.step_id)
        await end_render(ctx, tx, done)
    return done


async def is_published(ctx: Context, render_id: str, key_prefix: str) -> bool:
    """Tell whether the render is completed with outputs below this prefix: what to ask when a commit's answer was lost."""
    render = await renders.get(ctx.db, render_id)
    if render is None or render.output is None:
        return False
    return any(file["key"].startswith(key_prefix) for file in render.output["outputs"])


async def fail_step(ctx: Context, claim: Claim, error: RenderOwlError) -> bool:
    """Report a failed step: try again later as its class allows, or fail the render. True when it will be tried again.

    Raises Fenced when the claim does not hold any more.
    """
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        step = await _claimed(ctx, claim)
        allowed = RETRIES[error.failure]
        if allowed is None:
            await steps.requeue(ctx.db, claim.step_id, claim.token)
            tx.after_commit.append(ctx.bus.wake_scheduler)
            return True
        if step.failures < allowed:
            delay_s = _retry_delay_s(step.failures)
            await steps.requeue(
                ctx.db, claim.step_id, claim.token, delay_s=delay_s, failed=True, error=error_record(error)
            )
            await _tell_retry(ctx, tx, render, step, error, delay_s)
            return True
        if not await steps.finish(ctx.db, claim, "failed", error=error_record(error)):
            raise Fenced(claim.step_id)
        await _fail_render(ctx, tx, render, error)
        return False


async def heartbeat(ctx: Context, worker_id: str, tokens: list[str]) -> set[str] | None:
    """Renew a worker's leases; the tokens that no longer hold, or None when the worker must register again."""
    if not await workers.heartbeat(ctx.db, worker_id):
        return None
    held = await steps.renew(ctx.db, worker_id, tokens, lease_s=ctx.settings.lease_s) if tokens else set()
    return set(tokens) - held


async def register_worker(
    ctx: Context, worker_id: str, *, host: str, pid: int, slots: int, offers: Sequence[str]
) -> None:
    """Announce a worker, or announce it again, and have its slots filled."""
    async with ctx.db.transaction() as tx:
        await workers.register(ctx.db, worker_id, host=host, pid=pid, slots=slots, offers=offers)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def leave_queue(ctx: Context, worker_id: str) -> None:
    """A worker begins to stop: it is given nothing more, and what it was given but has not begun goes to others."""
    async with ctx.db.transaction() as tx:
        await workers.set_status(ctx.db, worker_id, "draining")
        await steps.release(ctx.db, worker_id)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def leave(ctx: Context, worker_id: str) -> None:
    """A worker has stopped."""
    await workers.set_status(ctx.db, worker_id, "gone")


# --- what they share -----------------------------------------------------------------------------------------------


def error_record(error: RenderOwlError) -> dict[str, Any]:
    """An error as it is kept on a step and shown on a render."""
    return {"code": error.code, "message": error.detail, "fault": error.fault, "retryable": error.retryable}


def _retry_delay_s(failures: int) -> float:
    """Full jitter between 0 and 5 s x 2^n, at most 5 min (AWS Architecture Blog, Exponential Backoff And Jitter)."""
    return random.uniform(0.0, min(RETRY_CAP_S, RETRY_BASE_S * 2.0**failures))  # noqa: S311 - not a secret


async def _lock_render(ctx: Context, claim: Claim) -> Render:
    render_id = await ctx.db.fetch_value("SELECT render_id FROM steps WHERE id = $1", claim.step_id)
    render = None if render_id is None else await renders.get(ctx.db, render_id, lock=True)
    if render is None:
        raise Fenced(claim.step_id)
    return render


async def _claimed(ctx: Context, claim: Claim) -> Step:
    step = await steps.get_claimed(ctx.db, claim)
    if step is None:
        raise Fenced(claim.step_id)
    return step


async def _tell_retry(
    ctx: Context, tx: Transaction, render: Render, step: Step, error: RenderOwlError, delay_s: float
) -> None:
    data = {
        "step": step.kind,
        "failures": step.failures + 1,
        "delay_s": round(delay_s, 1),
        "error": error_record(error),
    }
    await record(ctx, tx, render.project_id, "render.retrying", data, render_id=render.id, attempt=render.attempt)


async def _fail_render(ctx: Context, tx: Transaction, render: Render, error: RenderOwlError) -> None:
    failed = await renders.set_status(ctx.db, render.id, "failed", attempt=render.attempt, error=error_record(error))
    if failed is not None:
        await end_render(ctx, tx, failed)


async def end_render(ctx: Context, tx: Transaction, render: Render) -> None:
    """Tell everybody about a render that was set to an end in `tx`: its workers, its webhook and its room."""
    _stop_workers(ctx, tx, await steps.cancel_all(ctx.db, render.id))
    if render.webhook_url is not None:
        payload = {"type": f"render.{render.status}", "render_id": render.id, "project_id": render.project_id}
        await deliveries.insert(
            ctx.db,
            render.project_id,
            render.id,
            f"render.{render.status}",
            render.webhook_url,
            payload | {"data": views.brief(render)},
        )
    await record(
        ctx,
        tx,
        render.project_id,
        f"render.{render.status}",  # type: ignore[arg-type]  # only called with the three ends
        views.brief(render),
        render_id=render.id,
        attempt=render.attempt,
    )
    render_id = render.id
    tx.after_commit.append(lambda: ctx.bus.forget_progress(render_id))


def _stop_workers(ctx: Context, tx: Transaction, held: list[Claim]) -> None:
    """After the commit, tell the workers that hold these claims to stop; their heartbeat says the same without Redis."""
    by_worker: dict[str, list[str]] = {}
    for claim in held:
        by_worker.setdefault(claim.worker_id, []).append(claim.token)
    for worker_id, tokens in by_worker.items():

        async def tell(worker_id: str = worker_id, tokens: list[str] = tokens) -> None:
            await ctx.bus.control(worker_id, Control(cancel_tokens=tokens))

        tx.after_commit.append(tell)

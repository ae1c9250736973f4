"""What the end of a step or a render means for everything around it: retries, workers, webhooks, the room.

Each function works within its caller's transaction, which holds the render's row.
"""

import random

import msgspec

from renderowl.bus.base import Control
from renderowl.db import admission, deliveries, renders, steps
from renderowl.db.database import Transaction
from renderowl.domain.errors import RenderOwlError
from renderowl.domain.events import DurableType
from renderowl.domain.lifecycle import RETRIES
from renderowl.domain.records import Claim, Render, Step
from renderowl.services import metrics, views
from renderowl.services.context import Context
from renderowl.services.publishing import envelope, record, record_render
from renderowl.services.views import error_record

RETRY_BASE_S = 5.0
RETRY_CAP_S = 300.0
CORRECTION = 4.0


async def settle_failure(ctx: Context, tx: Transaction, render: Render, step: Step, error: RenderOwlError) -> bool:
    """Have a claimed step tried again as the class of its error allows, or fail its render. True when it is tried again."""
    assert step.token is not None, "only a claimed step can fail"
    allowed = RETRIES[error.failure]
    if allowed is None:
        await steps.requeue(ctx.db, step.id, step.token)
        tx.after_commit.append(ctx.bus.wake_scheduler)
        return True
    if step.failures < allowed:
        delay_s = _retry_delay_s(step.failures)
        await steps.requeue(ctx.db, step.id, step.token, delay_s=delay_s, failed=True, error=error_record(error))
        await tell_retry(ctx, tx, render, step, error, delay_s)
        return True
    await steps.fail(ctx.db, step.id, step.token, error_record(error))
    await fail_render(ctx, tx, render, error)
    return False


async def tell_retry(
    ctx: Context, tx: Transaction, render: Render, step: Step, error: RenderOwlError, delay_s: float
) -> None:
    """Tell the room that a step is tried again in `delay_s`."""
    told = views.RetryBrief(step.kind, step.failures + 1, round(delay_s, 1), views.error_view(error))
    data = msgspec.to_builtins(told)
    await record(ctx, tx, render.project_id, "render.retrying", data, render_id=render.id, attempt=render.attempt)


async def fail_render(ctx: Context, tx: Transaction, render: Render, error: RenderOwlError) -> None:
    """Fail a render that is not at an end, and tell everybody."""
    failed = await renders.set_status(ctx.db, render.id, "failed", attempt=render.attempt, error=error_record(error))
    if failed is not None:
        await end_render(ctx, tx, failed)


async def cancel_render(ctx: Context, tx: Transaction, render_id: str) -> Render | None:
    """Cancel a render and tell everybody; None, and nothing is done, when it is at an end already."""
    cancelled = await renders.set_status(ctx.db, render_id, "cancelled")
    if cancelled is not None:
        await end_render(ctx, tx, cancelled)
    return cancelled


async def end_render(ctx: Context, tx: Transaction, render: Render) -> None:
    """Stop what is left of a render that was set to an end in `tx`, and tell its webhook and its room."""
    await stop_render(ctx, tx, render)
    await tell_end(ctx, tx, render)


async def stop_render(ctx: Context, tx: Transaction, render: Render) -> None:
    """Cancel the live steps of a render: workers are told to stop, and what was never begun is not charged."""
    cancelled = await steps.cancel_all(ctx.db, render.id)
    stop_workers(ctx, tx, cancelled.held)
    if cancelled.unspent:
        await admission.lock_places(ctx.db, render.project_id)
        for priority_class, cost in cancelled.unspent.items():
            await admission.refund(ctx.db, render.project_id, priority_class, cost)


async def correct_cost(ctx: Context, render: Render, planned: float | None) -> None:
    """Charge a completed render for what it took instead of what was guessed when its steps were queued.

    What it took is its slot's time at the speed that this installation encodes with; `planned`, of a film that was made
    within its first step, as long as no speed is known. One odd measurement counts at most CORRECTION times.
    """
    speed = await steps.measured_speed(ctx.db)
    await admission.lock_places(ctx.db, render.project_id)
    for priority_class, (charged, seconds) in (await steps.spent(ctx.db, render.id, render.attempt)).items():
        guess = charged if planned is None else planned
        took = guess if speed is None else min(max(seconds * speed, guess / CORRECTION), guess * CORRECTION)
        await admission.refund(ctx.db, render.project_id, priority_class, charged - took)


async def tell_end(ctx: Context, tx: Transaction, render: Render) -> None:
    """Tell a stopped render's webhook and room how it ended."""
    status = render.status
    type: DurableType = f"render.{status}"  # type: ignore[assignment]  # only called with the three ends
    if render.webhook_url is not None:
        payload = envelope(type, render.project_id, views.brief(render), render_id=render.id)
        await deliveries.insert(ctx.db, render.project_id, type, render.webhook_url, payload, render_id=render.id)
    await record_render(ctx, tx, type, render)

    async def count() -> None:
        metrics.RENDERS_ENDED.labels(status).inc()

    tx.after_commit.append(count)


def stop_workers(ctx: Context, tx: Transaction, held: list[Claim]) -> None:
    """After the commit, tell the workers that hold these claims to stop; their heartbeat says the same without Redis."""
    by_worker: dict[str, list[str]] = {}
    for claim in held:
        by_worker.setdefault(claim.worker_id, []).append(claim.token)
    for worker_id, tokens in by_worker.items():

        async def tell(worker_id: str = worker_id, tokens: list[str] = tokens) -> None:
            await ctx.bus.control(worker_id, Control(cancel_tokens=tokens))

        tx.after_commit.append(tell)


def _retry_delay_s(failures: int) -> float:
    """Full jitter between 0 and 5 s x 2^n, at most 5 min (AWS Architecture Blog, Exponential Backoff And Jitter)."""
    return random.uniform(0.0, min(RETRY_CAP_S, RETRY_BASE_S * 2.0**failures))  # noqa: S311 - not a secret

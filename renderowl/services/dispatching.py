"""Dispatching: queued steps to workers with free slots; the scheduler's tick."""

from renderowl.db import admission, dispatches, pauses, workers
from renderowl.db.admission import Admitted, Rules
from renderowl.domain.lifecycle import CLASS_PRIORITY
from renderowl.queue.base import Dispatch, Queue, QueueUnavailable
from renderowl.services import metrics, tracing
from renderowl.services.context import Context
from renderowl.services.pausing import paused_scopes

DISPATCH_LEASE_S = 10.0
"""How long a dispatched step may lie in its worker's queue before it is given to another: a flushed Redis costs this."""


async def dispatch(ctx: Context, queue: Queue) -> int:
    """Admit as many queued steps as there are free slots and send them to their workers; the scheduler's tick.

    Several schedulers may tick at once: one of them works, the others find the lock taken and return 0. Raises
    QueueUnavailable, having put the steps back.
    """
    async with ctx.db.transaction():
        if not await admission.take_turn(ctx.db):
            return 0
        slots = await workers.slots(ctx.db, alive_s=ctx.settings.lease_s)
        if not any(slot.free for slot in slots):
            return 0
        paused = paused_scopes(await pauses.list_all(ctx.db))
        if paused.everything:
            return 0
        rules = Rules(
            project_slots=ctx.settings.project_slots,
            key_slots=ctx.settings.key_slots,
            urgent_reserve=ctx.settings.urgent_reserve,
            paused_classes=paused.classes,
            paused_projects=paused.projects,
        )
        traced = tracing.is_exported()
        admitted = await admission.admit(ctx.db, slots, lease_s=DISPATCH_LEASE_S, rules=rules, traced=traced)
    if admitted:
        try:
            await queue.send([_dispatch(one) for one in admitted])
        except QueueUnavailable:
            # Some may have been sent: their workers will find the claim gone.
            await dispatches.take_back(ctx.db, [one.claim.token for one in admitted])
            raise
    for one in admitted:
        metrics.ADMISSION_WAIT.labels(CLASS_PRIORITY[one.priority_class]).observe(max(0.0, one.waited_s))
    return len(admitted)


def _dispatch(one: Admitted) -> Dispatch:
    """The message to the worker, with a span as long as the step has waited where the render is traced."""
    claim, trace = one.claim, one.trace
    if trace is not None:
        priority, waited_s = CLASS_PRIORITY[one.priority_class], max(0.0, one.waited_s)
        with tracing.span(
            "wait in queue",
            parent=trace,
            kind="producer",
            began_s_ago=waited_s,
            step_id=claim.step_id,
            priority=priority,
            worker_id=claim.worker_id,
        ) as span:
            trace = span.traceparent or trace
    return Dispatch(claim.step_id, claim.attempt, claim.token, claim.worker_id, trace)

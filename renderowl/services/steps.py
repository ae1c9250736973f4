"""Steps as work: taking them up and ending them, and what their end means for the render.

Each function is one transaction that first locks the render's row and then writes with the claim in its WHERE. A claim
that no longer holds raises Fenced: whoever holds it must stop its processes and discard its files.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from renderowl.db import cache, dispatches, renders, steps, workers
from renderowl.db.cache import Entry
from renderowl.db.steps import NewStep
from renderowl.domain.errors import RenderOwlError
from renderowl.domain.events import Progress
from renderowl.domain.records import Claim, Render, Step
from renderowl.services import views
from renderowl.services.context import Context
from renderowl.services.ending import correct_cost, end_render, settle_failure
from renderowl.services.publishing import record_render


class Fenced(Exception):
    """The claim does not hold any more: the step was cancelled, given to another worker or ended."""


class Work(msgspec.Struct, frozen=True):
    """What a worker needs to do a step. `plan` is there for every kind but `prepare`."""

    step: Step
    render: Render
    plan: dict[str, Any] | None


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
            await record_render(ctx, tx, "render.started", started)
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
        prepare = await _claimed(ctx, claim)
        if not await steps.finish(ctx.db, claim, "completed", result={"segments": cache.segments}):
            raise Fenced(claim.step_id)
        if not await renders.set_plan(ctx.db, render.id, render.attempt, plan, msgspec.to_builtins(cache), progress):
            raise Fenced(claim.step_id)
        # the class that `prepare` has reached by waiting is its followers' too
        ageing_s = ctx.settings.ageing_s
        await steps.insert(ctx.db, render, prepare.priority_class, new_steps, ageing_s=ageing_s)
        await steps.unblock(ctx.db, render.id, render.attempt, ageing_s=ageing_s)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def use_parts(ctx: Context, claim: Claim, keys: Sequence[str]) -> dict[str, Entry]:
    """Those of the cache's entries that are there, by key, kept for the render until it ends. Raises Fenced."""
    async with ctx.db.transaction():
        render = await _lock_render(ctx, claim)
        await _claimed(ctx, claim)
        await renders.set_cache_keys(ctx.db, render.id, keys)
        return {entry.key: entry for entry in await cache.use(ctx.db, keys)}


async def complete_step(ctx: Context, claim: Claim, result: dict[str, Any], progress: Progress | None) -> None:
    """End a segment or audio step; the last one queues `assemble`. Raises Fenced."""
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        if not await steps.finish(ctx.db, claim, "completed", result=result):
            raise Fenced(claim.step_id)
        if progress is not None:
            await renders.set_progress(ctx.db, render.id, render.attempt, progress)
        await steps.unblock(ctx.db, render.id, render.attempt, ageing_s=ctx.settings.ageing_s)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def complete_render(
    ctx: Context,
    claim: Claim,
    output: dict[str, Any],
    progress: Progress,
    *,
    cache: views.CacheView | None = None,
    cost: float | None = None,
) -> Render:
    """End the last step and the render with it: output, status, event and webhook in one transaction. Raises Fenced.

    `cache` is what came of the plan's promise, when it is known; `cost` tells of a film that was made whole within its
    first step.
    """
    async with ctx.db.transaction() as tx:
        render = await _lock_render(ctx, claim)
        if not await steps.finish(ctx.db, claim, "completed", result={"outputs": len(output["outputs"])}):
            raise Fenced(claim.step_id)
        if cache is not None:
            await renders.set_cache(ctx.db, render.id, msgspec.to_builtins(cache))
        done = await renders.set_status(
            ctx.db, render.id, "completed", attempt=render.attempt, output=output, progress=progress
        )
        if done is None:
            raise Fenced(claim.step_id)
        await correct_cost(ctx, done, cost)
        await end_render(ctx, tx, done)
    return done


async def encoded_segments(ctx: Context, render: Render) -> list[int]:
    """The numbers of the segments that this attempt's steps have encoded."""
    made = await steps.list_of_render(ctx.db, render.id, render.attempt)
    return [step.ordinal for step in made if step.kind == "segment" and step.result and step.result.get("encoded")]


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
        return await settle_failure(ctx, tx, render, await _claimed(ctx, claim), error)


async def heartbeat(ctx: Context, worker_id: str, tokens: list[str], *, full: bool = False) -> set[str] | None:
    """Renew a worker's leases; the tokens that no longer hold, or None when the worker must register again.

    One whose disk is `full` keeps what it has and is given nothing more until it says otherwise.
    """
    if not await workers.heartbeat(ctx.db, worker_id, full=full):
        return None
    if not tokens:
        return set()
    lease_s = ctx.settings.lease_s
    given = await dispatches.renew(ctx.db, worker_id, tokens, lease_s=lease_s)  # first: what is begun meanwhile is held
    return set(tokens) - given - await steps.renew(ctx.db, worker_id, tokens, lease_s=lease_s)


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
        await dispatches.release(ctx.db, worker_id)
        tx.after_commit.append(ctx.bus.wake_scheduler)


async def leave(ctx: Context, worker_id: str) -> None:
    """A worker has stopped."""
    await workers.set_status(ctx.db, worker_id, "gone")


async def hold(ctx: Context, claim: Claim) -> Render:
    """Lock the render of a claim that holds, within the caller's transaction. Raises Fenced."""
    render = await _lock_render(ctx, claim)
    await _claimed(ctx, claim)
    return render


# --- what they share -----------------------------------------------------------------------------------------------


async def _lock_render(ctx: Context, claim: Claim) -> Render:
    render_id = await steps.render_of(ctx.db, claim.step_id)
    render = None if render_id is None else await renders.get(ctx.db, render_id, lock=True)
    if render is None:
        raise Fenced(claim.step_id)
    return render


async def _claimed(ctx: Context, claim: Claim) -> Step:
    step = await steps.get_claimed(ctx.db, claim)
    if step is None:
        raise Fenced(claim.step_id)
    return step

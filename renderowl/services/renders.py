"""Renders: submit, look, cancel, retry."""

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from renderowl.bus.base import BusUnavailable
from renderowl.db import projects as project_rows
from renderowl.db import renders, steps
from renderowl.db.database import Transaction
from renderowl.db.steps import NewStep
from renderowl.domain.errors import (
    Conflict,
    FieldError,
    IdempotencyMismatch,
    NotFound,
    ValidationFailed,
)
from renderowl.domain.events import Picture, Progress
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.lifecycle import PRIORITY_CLASS, is_active
from renderowl.domain.records import Principal, Render, StepTimes
from renderowl.pipeline import compositions
from renderowl.services import limits, projects, routing, tracing, views
from renderowl.services.asking import RenderRequest, check
from renderowl.services.context import Context
from renderowl.services.drafting import count_frames
from renderowl.services.ending import cancel_render, stop_render, tell_end
from renderowl.services.paging import Page, PageRequest, cut
from renderowl.services.publishing import record_render
from renderowl.storage.base import SignedRequest

PREPARE_COST = 1.0
OUTPUT_TTL_S = 24 * 3600


class Submitted(msgspec.Struct, frozen=True):
    """A render, and whether an earlier request with the same Idempotency-Key had made it."""

    render: Render
    deduplicated: bool


async def submit(
    ctx: Context,
    principal: Principal,
    project_id: str,
    request: RenderRequest,
    *,
    idempotency_key: str | None = None,
) -> Submitted:
    """Accept a render: it is checked whole, then stored with its first step and its event in one transaction.

    The same `idempotency_key` with the same body gives the same render again; with another body IdempotencyMismatch.
    Raises RateLimited when the account has made all its renders of today; a render that is given again is none.
    """
    project = await projects.get(ctx, principal, project_id, "write")
    request_hash = hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()
    if idempotency_key is not None:
        check_idempotency_key(idempotency_key)
        earlier = await renders.find_by_idempotency_key(ctx.db, project_id, idempotency_key)
        if earlier is not None:
            return _same(earlier, request_hash)
    if project.status != "active":
        raise Conflict(f"the project is {project.status}")
    ask = await check(ctx, request)
    frames = await count_frames(ctx, project_id, ask)
    now = datetime.now(UTC)
    render = Render(
        id=new_id("rnd"),
        project_id=project_id,
        composition_id=ask.composition_id,
        status="queued",
        priority=request.priority,
        attempt=1,
        input_props=ask.input_props,
        output_settings=ask.output_settings,
        progress=Progress(total_frames=frames),
        output=None,
        error=None,
        cache={},
        metadata=request.metadata,
        webhook_url=request.webhook_url,
        supersede_key=request.supersede_key,
        requires=routing.labels_of(ctx.settings, request.requires, ask),
        force=request.force,
        idempotency_key=idempotency_key,
        request_hash=request_hash,
        created_by=principal.user_id,
        created_at=now,
        started_at=None,
        completed_at=None,
        updated_at=now,
        deadline_at=None,
        key_id=principal.credential_id if principal.kind == "key" else principal.key_id,
    )
    with tracing.span("submit render", render_id=render.id, composition_id=render.composition_id) as span:
        return await _store(ctx, principal, msgspec.structs.replace(render, trace=span.traceparent), request_hash)


async def _store(ctx: Context, principal: Principal, render: Render, request_hash: str) -> Submitted:
    project_id, idempotency_key = render.project_id, render.idempotency_key
    async with ctx.db.transaction() as tx:
        if not await renders.insert(ctx.db, render):
            assert idempotency_key is not None
            earlier = await renders.find_by_idempotency_key(ctx.db, project_id, idempotency_key)
            assert earlier is not None
            return _same(earlier, request_hash)
        await limits.take_render(ctx, principal)
        superseded = await _stop_superseded(ctx, tx, render)
        await _enqueue(ctx, tx, render, superseded)
        await project_rows.count(ctx.db, project_id, renders=1)
    return Submitted(render, deduplicated=False)


async def get(ctx: Context, principal: Principal, project_id: str, render_id: str, *, brief: bool = False) -> Render:
    """One render of the caller's; `brief` leaves out what the caller sent. Raises NotFound."""
    await projects.get(ctx, principal, project_id)
    known = is_id(render_id, "rnd")
    render = await renders.get(ctx.db, render_id, project_id=project_id, brief=brief) if known else None
    if render is None:
        raise NotFound(f"there is no render {render_id!r} in this project")
    return render


async def list_page(
    ctx: Context,
    principal: Principal,
    project_id: str,
    page: PageRequest,
    *,
    status: str | None = None,
    composition_id: str | None = None,
) -> Page[Render]:
    """The project's renders, newest first."""
    await projects.get(ctx, principal, project_id)
    if composition_id is not None:
        composition_id = compositions.canonical_id(composition_id)
    found = await renders.list_page(
        ctx.db,
        project_id,
        before_id=page.before_id("rnd"),
        limit=page.limit + 1,
        status=status,
        composition_id=composition_id,
    )
    return cut(found, page.limit, [render.id for render in found])


async def newest(ctx: Context, found: list[Render]) -> list[views.RenderView]:
    """Views of renders with the newest progress of those that run; without Redis with the row's."""
    running = [render.id for render in found if render.status == "processing"]
    progress: Mapping[str, tuple[int, Progress]] = {}
    if running:
        with contextlib.suppress(BusUnavailable):
            progress = await ctx.bus.newest_progress(running)
    return [views.render_view(render, progress.get(render.id)) for render in found]


async def progress(ctx: Context, principal: Principal, project_id: str, render_id: str) -> tuple[views.RenderView, str]:
    """The render as it is now, and an entity tag that changes with every visible step of it."""
    render = await get(ctx, principal, project_id, render_id, brief=True)
    view = (await newest(ctx, [render]))[0]
    seen = (view.attempt, view.status, view.updated_at.isoformat(), view.progress)
    return view, hashlib.sha256(msgspec.json.encode(seen)).hexdigest()[:20]


async def newest_preview(ctx: Context, principal: Principal, project_id: str, render_id: str) -> Picture | None:
    """The newest small picture of the render's attempt, up to 60 s old; without Redis there is none."""
    render = await get(ctx, principal, project_id, render_id, brief=True)
    try:
        attempt, picture = await ctx.bus.newest_preview(render_id) or (0, None)
    except BusUnavailable:
        return None
    return picture if attempt == render.attempt else None


async def sign_output(
    ctx: Context, principal: Principal, project_id: str, render_id: str, name: str | None
) -> tuple[dict[str, Any], SignedRequest]:
    """A finished file and a URL that serves it for 24 h: the one called `name`, or the main one.

    Raises Conflict while the render is not completed, NotFound when it has no file of that name.
    """
    render = await get(ctx, principal, project_id, render_id, brief=True)
    if render.status != "completed" or render.output is None:
        raise Conflict(f"the render is {render.status}; there is an output once it is completed")
    files: list[dict[str, Any]] = render.output["outputs"]
    chosen = next((file for file in files if name in (None, file["name"])), None)
    if chosen is None:
        raise NotFound(f"the render made no {name!r}, only {', '.join(file['name'] for file in files)}")
    return chosen, await ctx.storage.sign_get(chosen["key"], ttl_s=OUTPUT_TTL_S, download_name=chosen["name"])


async def read_log(ctx: Context, principal: Principal, project_id: str, render_id: str, *, tail_bytes: int) -> str:
    """The end of what the encoders said in the newest attempt, step by step."""
    render = await get(ctx, principal, project_id, render_id, brief=True)
    parts: list[str] = []
    async for found in ctx.storage.scan(f"projects/{project_id}/renders/{render_id}/logs/{render.attempt}/"):
        start = max(0, found.size_bytes - tail_bytes)
        data = b"".join([chunk async for chunk in ctx.storage.read(found.key, start=start)])
        parts.append(f"== {found.key.rpartition('/')[2]}\n{data.decode('utf-8', errors='replace')}")
    return "\n".join(parts)[-tail_bytes:]


async def list_steps(ctx: Context, principal: Principal, project_id: str, render_id: str) -> list[StepTimes]:
    """The steps of the newest attempt; what came from the cache needed none."""
    render = await get(ctx, principal, project_id, render_id, brief=True)
    return await steps.times_of_render(ctx.db, render.id, render.attempt)


async def cancel(ctx: Context, principal: Principal, project_id: str, render_id: str) -> Render:
    """Cancel an active render, wherever it is. Raises Conflict when it is at an end already."""
    await projects.get(ctx, principal, project_id, "write")
    async with ctx.db.transaction() as tx:
        render = (
            await renders.get(ctx.db, render_id, project_id=project_id, lock=True) if is_id(render_id, "rnd") else None
        )
        if render is None:
            raise NotFound(f"there is no render {render_id!r} in this project")
        cancelled = await cancel_render(ctx, tx, render_id) if is_active(render.status) else None
        if cancelled is None:
            raise Conflict(f"the render is already {render.status}")
    return cancelled


async def retry(ctx: Context, principal: Principal, project_id: str, render_id: str) -> Render:
    """Start a failed render anew as its next attempt; with a `supersede_key` it is the newest of its thing again.

    Raises Conflict in any other state.
    """
    await projects.get(ctx, principal, project_id, "write")
    known = await get(ctx, principal, project_id, render_id)
    async with ctx.db.transaction() as tx:
        superseded = await _stop_superseded(ctx, tx, known)
        again = await renders.set_status(
            ctx.db, render_id, "queued", progress=Progress(total_frames=known.progress.total_frames)
        )
        if again is None:
            found = await renders.get(ctx.db, render_id)
            now = "gone" if found is None else found.status
            raise Conflict(f"only a failed render can be tried again; this one is {now}")
        await _enqueue(ctx, tx, again, superseded)
    return again


async def _stop_superseded(ctx: Context, tx: Transaction, render: Render) -> list[Render]:
    """Cancel the active renders that this one replaces, all but telling it: rows are locked before the first event."""
    if render.supersede_key is None:
        return []
    cancelled = [
        await renders.set_status(ctx.db, older, "cancelled")
        for older in await renders.lock_superseded(ctx.db, render.project_id, render.supersede_key, render.id)
    ]
    stopped = [older for older in cancelled if older is not None]
    for older in stopped:
        await stop_render(ctx, tx, older)
    return stopped


async def _enqueue(ctx: Context, tx: Transaction, render: Render, superseded: list[Render]) -> None:
    """Put a render's first step into the queue and tell it, after the end of those it supersedes."""
    first = NewStep(id=new_id("stp"), kind="prepare", ordinal=0, status="queued", cost=PREPARE_COST)
    await steps.insert(ctx.db, render, PRIORITY_CLASS[render.priority], [first], ageing_s=ctx.settings.ageing_s)
    for older in superseded:
        await tell_end(ctx, tx, older)
    await record_render(ctx, tx, "render.queued", render)
    tx.after_commit.append(ctx.bus.wake_scheduler)


def _same(earlier: Render, request_hash: str) -> Submitted:
    if earlier.request_hash != request_hash:
        raise IdempotencyMismatch(f"the first request with this key made {earlier.id} from another body")
    return Submitted(earlier, deduplicated=True)


def check_idempotency_key(key: str) -> None:
    """Raise ValidationFailed for what is no Idempotency-Key."""
    if not (1 <= len(key) <= 255) or not key.isprintable():
        raise ValidationFailed(errors=[FieldError("/Idempotency-Key", "must have 1 to 255 printable characters")])

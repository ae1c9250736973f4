"""Dialect "render-jobs" (source 004): films of sessions whose edit lists are locked, in an envelope `{success, data}`."""

import hashlib
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from renderowl.api.access import Caller, Ctx
from renderowl.api.bodies import Body
from renderowl.api.moments import rfc3339
from renderowl.api.renders import IdempotencyKey
from renderowl.domain.errors import NotFound
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.placing import told_at
from renderowl.domain.records import Principal, Render, Scope
from renderowl.domain.spec.fields import Spec
from renderowl.services import finding, renders, sessions
from renderowl.services.context import Context
from renderowl.services.views import RenderError, RenderView

Data = TypeVar("Data")
Format = Literal["full_16_9", "short_9_16", "clip_1_1", "thumbnail"]

_PLACES: Final = {"/input_props/edl": "/edl", "/input_props": ""}


class Envelope(msgspec.Struct, Generic[Data], frozen=True):
    """What every answer of this dialect is in; a problem document says what went wrong otherwise."""

    data: Data
    success: Literal[True] = True


class RenderJobTrigger(Spec, frozen=True, rename="camel"):
    """Which session to render, and into which format."""

    session_id: str
    format: Format = "full_16_9"
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class RenderJobMade(msgspec.Struct, frozen=True, rename="camel"):
    """A render job that was accepted."""

    job_id: str
    status: RenderStatus
    format: Format
    session_id: str


class RenderJobState(msgspec.Struct, frozen=True, rename="camel"):
    """A render job whose state was changed."""

    job_id: str
    status: RenderStatus


class Artifact(msgspec.Struct, frozen=True, rename="camel"):
    """A produced file; `url` serves it for 7 days."""

    kind: str
    name: str
    content_type: str
    file_size: int
    url: str
    expires_at: str
    duration: float | None
    resolution: str | None
    fps: float | None


class Timing(msgspec.Struct, frozen=True, rename="camel"):
    """When it was made, begun and ended; the duration is that of the newest attempt."""

    created_at: datetime
    render_started_at: datetime | None
    render_completed_at: datetime | None
    duration_ms: int | None


class RenderJob(msgspec.Struct, frozen=True, rename="camel"):
    """A film of a session. `edl_hash` is the SHA-256 of the edit list as it was at the trigger."""

    job_id: str
    session_id: str
    format: Format
    status: RenderStatus
    progress: float
    stage: str
    attempts: int
    artifacts: list[Artifact]
    timing: Timing
    error: RenderError | None
    edl_hash: str
    metadata: dict[str, Any]


@post("/trigger", dto=Body[RenderJobTrigger], return_dto=None, status_code=202, summary="Trigger a render job")
async def trigger_render_job(
    ctx: Ctx, principal: Caller, data: JSONBody[RenderJobTrigger], idempotency_key: IdempotencyKey = None
) -> Envelope[RenderJobMade]:
    """Render a session's edit list, which must be locked and whose assets must be ready. The job holds a copy of it."""
    with told_at(_PLACES):
        done = await sessions.submit(
            ctx,
            principal,
            data.session_id,
            format=data.format,
            metadata=data.metadata,
            idempotency_key=idempotency_key,
        )
    return Envelope(RenderJobMade(done.render.id, done.render.status, data.format, data.session_id))


@get("/session/{session_id:str}", summary="List a session's render jobs")
async def list_render_jobs(ctx: Ctx, principal: Caller, session_id: FromPath[str]) -> Envelope[list[RenderJob]]:
    """The session's jobs, newest first, at most a hundred."""
    found = await sessions.list_renders(ctx, principal, session_id)
    return Envelope(await _jobs(ctx, found))


@get("/{job_id:str}", summary="Get a render job")
async def get_render_job(ctx: Ctx, principal: Caller, job_id: FromPath[str]) -> Envelope[RenderJob]:
    """One job with its newest progress, 0 to 100, its artifacts and its timing."""
    [job] = await _jobs(ctx, [await _find(ctx, principal, job_id)])
    return Envelope(job)


@post("/{job_id:str}/retry", status_code=202, summary="Retry a failed render job")
async def retry_render_job(ctx: Ctx, principal: Caller, job_id: FromPath[str]) -> Envelope[RenderJobState]:
    """Start its next attempt. 409 for a job that has not failed."""
    found = await _find(ctx, principal, job_id, "write")
    again = await renders.retry(ctx, principal, found.project_id, found.id)
    return Envelope(RenderJobState(again.id, again.status))


@post("/{job_id:str}/cancel", status_code=200, summary="Cancel a render job")
async def cancel_render_job(ctx: Ctx, principal: Caller, job_id: FromPath[str]) -> Envelope[RenderJobState]:
    """Stop it wherever it is. 409 for a job that is at an end."""
    found = await _find(ctx, principal, job_id, "write")
    cancelled = await renders.cancel(ctx, principal, found.project_id, found.id)
    return Envelope(RenderJobState(cancelled.id, cancelled.status))


async def _find(ctx: Context, principal: Principal, job_id: str, scope: Scope = "read") -> Render:
    """A render of a session; any other is no render job."""
    found = await finding.find(ctx, principal, job_id, scope)
    if found.composition_id != "edit_list":
        raise NotFound(f"there is no render job {job_id!r}")
    return found


async def _jobs(ctx: Context, found: list[Render]) -> list[RenderJob]:
    views = await renders.newest(ctx, found)
    return [_job(view, await _artifacts(ctx, render)) for render, view in zip(found, views, strict=True)]


def _job(view: RenderView, artifacts: list[Artifact]) -> RenderJob:
    took = None if view.started_at is None or view.completed_at is None else view.completed_at - view.started_at
    frozen = msgspec.json.encode(view.input_props["edl"], order="deterministic")
    return RenderJob(
        job_id=view.id,
        session_id=view.input_props["session_id"],
        format=view.input_props.get("format", "full_16_9"),
        status=view.status,
        progress=view.progress.percent,
        stage=view.progress.stage,
        attempts=view.attempt,
        artifacts=artifacts,
        timing=Timing(
            created_at=view.created_at,
            render_started_at=view.started_at,
            render_completed_at=view.completed_at,
            duration_ms=None if took is None else round(took.total_seconds() * 1000),
        ),
        error=view.error,
        edl_hash=hashlib.sha256(frozen).hexdigest(),
        metadata=view.metadata,
    )


async def _artifacts(ctx: Context, render: Render) -> list[Artifact]:
    return [
        Artifact(
            kind=file["kind"],
            name=file["name"],
            content_type=file["content_type"],
            file_size=file["size_bytes"],
            url=signed.url,
            expires_at=rfc3339(signed.expires_at),
            duration=file.get("duration_s"),
            resolution=f"{file['width']}x{file['height']}" if file.get("width") else None,
            fps=file.get("fps"),
        )
        for file, signed in await finding.sign_files(ctx, render)
    ]


router = Router(
    "/api/render-jobs",
    route_handlers=[trigger_render_job, list_render_jobs, get_render_job, retry_render_job, cancel_render_job],
)

"""How the dialects "jobs" and "slideshow" tell a render: as a job, with their words for its states and stages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from renderowl.api.moments import rfc3339
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.records import Principal, Render
from renderowl.services import finding, renders
from renderowl.services.context import Context
from renderowl.services.views import RenderView

JobStatus = Literal["QUEUED", "PROCESSING", "SUCCEEDED", "FAILED", "CANCELLED"]

STATUS: Final[Mapping[RenderStatus, JobStatus]] = {
    "queued": "QUEUED",
    "processing": "PROCESSING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
RENDER_STATUS: Final[Mapping[JobStatus, RenderStatus]] = {job: render for render, job in STATUS.items()}

_SLIDESHOW_STAGES: Final = {
    "queued": "VALIDATE",
    "fetching": "VALIDATE",
    "preparing": "AUDIO_PREP",
    "assembling": "CONCAT",
    "completed": "FINALIZE",
}
_LOG_BYTES: Final = 8192
_LOG_LINES: Final = 50


class JobView(msgspec.Struct, frozen=True, rename="camel"):
    """A job: `progress` is 0..1, `percent` 0..100, `output_url` is good for 7 days."""

    job_id: str
    project_id: str
    type: Literal["RENDER"]
    status: JobStatus
    progress: float
    percent: float
    stage: str
    error: str | None
    error_code: str | None
    output_url: str | None
    output_url_expires_at: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobDetail(JobView, frozen=True, rename="camel"):
    """A job with the newest lines of its encoders' logs."""

    logs: list[str]


class JobMade(msgspec.Struct, frozen=True, rename="camel"):
    """A job that was accepted."""

    job_id: str
    status: JobStatus
    project_id: str


def job_made(render: Render) -> JobMade:
    """What is told of a job that was just accepted."""
    return JobMade(render.id, STATUS[render.status], render.project_id)


async def job_views(ctx: Context, found: list[Render]) -> list[JobView]:
    """Jobs with their newest progress."""
    views = await renders.newest(ctx, found)
    return [await _view(ctx, render, view) for render, view in zip(found, views, strict=True)]


async def job_detail(ctx: Context, principal: Principal, render: Render) -> JobDetail:
    """One job with the end of its log."""
    [view] = await job_views(ctx, [render])
    log = await renders.read_log(ctx, principal, render.project_id, render.id, tail_bytes=_LOG_BYTES)
    return JobDetail(**msgspec.structs.asdict(view), logs=log.splitlines()[-_LOG_LINES:])


async def _view(ctx: Context, render: Render, view: RenderView) -> JobView:
    main = next(iter(await finding.sign_files(ctx, render)), None)
    return JobView(
        job_id=view.id,
        project_id=view.project_id,
        type="RENDER",
        status=STATUS[view.status],
        progress=round(view.progress.percent / 100, 4),
        percent=view.progress.percent,
        stage=stage_of(view),
        error=None if view.error is None else view.error.message,
        error_code=None if view.error is None else view.error.code,
        output_url=None if main is None else main[1].url,
        output_url_expires_at=None if main is None else rfc3339(main[1].expires_at),
        created_at=view.created_at,
        updated_at=view.updated_at,
        started_at=view.started_at,
        finished_at=view.completed_at,
    )


def stage_of(view: RenderView) -> str:
    """The stage in capitals; a slideshow's by its own names, SCENE_BUILD[n] by the share of frames that is done."""
    stage = view.progress.stage
    if view.composition_id != "slideshow":
        return stage.upper()
    if stage in _SLIDESHOW_STAGES:
        return _SLIDESHOW_STAGES[stage]
    scenes = len(view.input_props["scenes"])
    done = view.progress.current_frame * scenes // max(1, view.progress.total_frames)
    return f"SCENE_BUILD[{min(done, scenes - 1)}]"

"""Dialect "jobs" (source 001): render specs in, jobs out; uploads that show at a public URL; the dashboard's routes."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import BodyKwarg, FromPath, FromQuery, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.accounts import KeyName
from renderowl.api.bodies import Body, FreeBody
from renderowl.api.dialects.edges import with_assets
from renderowl.api.dialects.job_views import (
    RENDER_STATUS,
    JobDetail,
    JobMade,
    JobStatus,
    JobView,
    job_detail,
    job_made,
    job_views,
)
from renderowl.api.moments import rfc3339
from renderowl.api.renders import IdempotencyKey
from renderowl.domain.errors import FieldError
from renderowl.domain.lifecycle import Priority
from renderowl.domain.placing import told_at
from renderowl.domain.records import ApiKey
from renderowl.domain.spec.fields import Spec, aliases, camel
from renderowl.domain.spec.reading import canonical, read
from renderowl.services import accounts, finding, projects, receiving, renders
from renderowl.services.announcing import content_type_of
from renderowl.services.asking import RenderRequest, read_request
from renderowl.services.context import Context
from renderowl.services.paging import Page

_PLACES: Final = {
    "/project_id": "/projectId",
    "/composition_id": "/composition",
    "/input_props": "",
    "/output_settings": "/output",
    "/webhook_url": "/webhookUrl",
}
_BY_FIELD: Final = {
    "tracks": "timeline",
    "backgrounds": "longform",
    "scenes": "slideshow",
    "captions": "captioned_video",
    "edl": "edit_list",
}
"""What a spec is of, by the field that only it has."""
_TEXT: Final = {"type": "text", "text": "Hello", "duration": 2}
_LONGFORM: Final = {
    "canvas": {"width": 1280, "height": 720},
    "backgrounds": [{"type": "image", "src": "https://media.example/cover.jpg"}],
    "audio": [{"src": "https://media.example/talk.mp3"}],
}


class JobFrame(Spec, frozen=True):
    """What a body may say beside the spec itself."""

    project_id: str = projects.DEFAULT
    composition_id: Annotated[str | None, aliases("composition")] = None
    output_settings: Annotated[dict[str, Any], aliases("output")] = msgspec.field(default_factory=dict)
    priority: Priority = "normal"
    webhook_url: str | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


_FRAME: Final = {
    "composition",
    "output",
    *JobFrame.__struct_fields__,
    *(camel(name) for name in JobFrame.__struct_fields__),
}

JobBody = Annotated[
    dict[str, Any],
    BodyKwarg(
        media_type=RequestEncodingType.JSON,
        title="RenderSpec",
        description="The spec of a composition, told by its fields or by `composition`; beside it `projectId`, `output`,"
        " `priority`, `webhookUrl` and `metadata`.",
        examples=[
            Example(summary="Tracks", value={"width": 640, "height": 360, "tracks": [{"clips": [_TEXT]}]}),
            Example(summary="Longform", value=_LONGFORM | {"output": {"output_name": "talk.mp4"}}),
        ],
    ),
]


class SignUpload(Spec, frozen=True, rename="camel"):
    """A file to be uploaded. With its size the URL takes exactly so many bytes."""

    file_name: Annotated[str, aliases("name", "filename"), msgspec.Meta(min_length=1, max_length=projects.MAX_NAME)]
    file_type: Annotated[str, aliases("contentType", "mimeType", "type"), msgspec.Meta(max_length=200)] = ""
    size_bytes: Annotated[int | None, aliases("size", "fileSize")] = None
    project_id: str = projects.DEFAULT


class SignedUpload(msgspec.Struct, frozen=True, rename="camel"):
    """PUT the bytes to `upload_url` with these headers; `public_url` shows them then, and is a `src` of specs."""

    asset_id: str
    project_id: str
    upload_url: str
    upload_method: str
    upload_headers: dict[str, str]
    upload_expires_at: str
    public_url: str
    public_url_expires_at: str


class DashboardKeyCreate(Spec, frozen=True):
    """A new key's label."""

    name: KeyName


class DashboardKey(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A key; `key` is its plaintext, which only the answer that makes it has."""

    id: str
    name: str
    last_four: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None = None
    key: str | None = None


@post("/v1/render", dto=FreeBody, return_dto=None, status_code=202, summary="Queue a job")
async def create_job(
    ctx: Ctx, principal: Caller, state: State, data: JobBody, idempotency_key: IdempotencyKey = None
) -> Response[JobMade]:
    """The body is the spec itself: `tracks` make a timeline, `backgrounds` a longform. It is your default project's job.

    A `src` is any public URL, a `publicUrl` of ours among them, or `asset://<id>`.
    """
    with told_at(_PLACES):
        project_id, asked = await _read(ctx, data)
    project = await projects.ensure(ctx, principal, project_id, at="/projectId")
    props, asset_ids = await with_assets(ctx, asked.input_props)
    await receiving.take_all(ctx, state["tools"], principal, project.id, asset_ids)
    asked = msgspec.structs.replace(asked, input_props=props)
    with told_at(_PLACES):
        done = await renders.submit(ctx, principal, project.id, asked, idempotency_key=idempotency_key)
    return Response(job_made(done.render), status_code=202, headers={"location": f"/v1/jobs/{done.render.id}"})


async def _read(ctx: Context, data: dict[str, Any]) -> tuple[str, RenderRequest]:
    """The project and the request that a body is. Raises ValidationFailed, with native pointers, as `read_request` does."""
    spec = {name: value for name, value in data.items() if name not in _FRAME}
    frame = {name: value for name, value in data.items() if name in _FRAME}
    reading = read(frame, JobFrame, at="")
    wrong = list(reading.errors)
    native = canonical(frame, JobFrame) | {"input_props": spec}
    native.pop("project_id", None)
    if native.get("composition_id") is None:
        native["composition_id"] = _composition_of(spec)
    if native["composition_id"] is None:
        native["composition_id"] = ""
        wrong.append(FieldError("/composition_id", f"is needed, or one of {', '.join(_BY_FIELD)}"))
    asked = await read_request(ctx, native, wrong=wrong)
    return reading.right.get("project_id", projects.DEFAULT), asked


def _composition_of(spec: dict[str, Any]) -> str | None:
    return next((name for field, name in _BY_FIELD.items() if field in spec), None)


@get(["/v1/jobs", "/dashboard/jobs"], summary="List jobs")
async def list_jobs(
    ctx: Ctx, principal: Caller, page: PageAsked, status: FromQuery[JobStatus | None] = None
) -> Page[JobView]:
    """The jobs of all your projects, newest first."""
    asked = None if status is None else RENDER_STATUS[status]
    found = await finding.list_all(ctx, principal, page, status=asked)
    return Page(await job_views(ctx, found.items), found.next_cursor)


@get(["/v1/jobs/{job_id:str}", "/dashboard/jobs/{job_id:str}"], summary="Get a job")
async def get_job(ctx: Ctx, principal: Caller, job_id: FromPath[str]) -> JobDetail:
    """One job with its newest progress and the end of its log; `outputUrl` once it has succeeded."""
    return await job_detail(ctx, principal, await finding.find(ctx, principal, job_id))


@post("/v1/assets/sign-upload", dto=Body[SignUpload], return_dto=None, summary="Sign an upload")
async def sign_upload(ctx: Ctx, principal: Caller, data: JSONBody[SignUpload]) -> SignedUpload:
    """A URL to PUT one file to, good for 15 minutes, and the public URL that shows it then, good for 7 days."""
    project = await projects.ensure(ctx, principal, data.project_id, at="/projectId")
    with told_at({"/content_type": "/fileType", "/name": "/fileName", "/size_bytes": "/sizeBytes"}):
        made = await receiving.announce(
            ctx,
            principal,
            project.id,
            name=data.file_name,
            content_type=content_type_of(data.file_name, data.file_type),
            size_bytes=data.size_bytes,
        )
    return SignedUpload(
        asset_id=made.asset.id,
        project_id=project.id,
        upload_url=made.send.url,
        upload_method=made.send.method,
        upload_headers=made.send.headers,
        upload_expires_at=rfc3339(made.send.expires_at),
        public_url=made.show.url,
        public_url_expires_at=rfc3339(made.show.expires_at),
    )


@get("/dashboard/api-keys", summary="List API keys")
async def list_dashboard_keys(ctx: Ctx, principal: Caller, page: PageAsked) -> Page[DashboardKey]:
    """Your keys, newest first; those that are revoked are not active."""
    found = await accounts.list_keys(ctx, principal, page)
    return Page([_key(key) for key in found.items], found.next_cursor)


@post("/dashboard/api-keys", dto=Body[DashboardKeyCreate], return_dto=None, summary="Create an API key")
async def create_dashboard_key(ctx: Ctx, principal: Caller, data: JSONBody[DashboardKeyCreate]) -> DashboardKey:
    """A key that reads and writes. The plaintext is in this answer and nowhere else."""
    made = await accounts.create_key(ctx, principal, name=data.name, scopes=["read", "write"], expires_at=None)
    return _key(made.key, made.plaintext)


@delete("/dashboard/api-keys/{key_id:str}", summary="Revoke an API key")
async def delete_dashboard_key(ctx: Ctx, principal: Caller, key_id: FromPath[str]) -> None:
    """It is refused from now on."""
    await accounts.revoke_key(ctx, principal, key_id)


def _key(key: ApiKey, plaintext: str | None = None) -> DashboardKey:
    return DashboardKey(
        key.id, key.name, key.last_four, key.revoked_at is None, key.created_at, key.last_used_at, plaintext
    )


router = Router(
    "/",
    route_handlers=[
        create_job,
        list_jobs,
        get_job,
        sign_upload,
        list_dashboard_keys,
        create_dashboard_key,
        delete_dashboard_key,
    ],
)

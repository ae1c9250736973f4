"""Dialect "export" (source 003): files under keys of one's own, and exports of them by overlay, framing or annotate.

A key is a name, never a path: it is that of an asset in the caller's default project, or of what an export made.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter

from renderowl.api.access import Caller, Ctx
from renderowl.api.bodies import Body, Unread
from renderowl.api.moments import rfc3339
from renderowl.api.renders import IdempotencyKey
from renderowl.domain.errors import AssetNotFound, FieldError, NotFound, ValidationFailed
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.placing import moved, once, told_at
from renderowl.domain.records import Principal
from renderowl.domain.spec.fields import Spec, aliases
from renderowl.domain.spec.reading import canonical, read
from renderowl.pipeline.ask import refuse
from renderowl.pipeline.tools import Toolchain
from renderowl.services import assets, finding, projects, receiving, renders
from renderowl.services.announcing import content_type_of
from renderowl.services.asking import RenderRequest
from renderowl.services.context import Context
from renderowl.services.drafting import read_ask
from renderowl.services.views import RenderView
from renderowl.storage.keys import check_given_key

ExportType = Literal["overlay", "framing", "annotate"]
ExportStatus = Literal["pending", "processing", "complete", "error"]

STATUS: Final[Mapping[RenderStatus, ExportStatus]] = {
    "queued": "pending",
    "processing": "processing",
    "completed": "complete",
    "failed": "error",
    "cancelled": "error",
}
_MADE: Final = re.compile(r"final_videos/([a-z_]+)_(rnd_[0-9a-z]{26})\.mp4")
_PLACES: Final = {"/input_props/src": "/input_key", "/input_props": ""}
_SOURCE: Final = re.compile(r"asset://|https?://")
_NOTHING: Final = "asset://ast_00000000000000000000000000"
"""Stands where there is no file, so that everything else can be looked at all the same."""

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, examples=["working_videos/test.mp4"])]
_PARAMS: Final = [{"highlight_regions": [], "effect_type": "blur"}]


class ExportStart(Spec, frozen=True):
    """What to export: a file by its key (or any `src`), and the composition's own `params`.

    `project_id` is the editor's own word for what this belongs to; it is kept as the render's metadata.
    """

    project_id: int | str | None = None
    input_key: Annotated[str | None, aliases("src"), msgspec.Meta(examples=["working_videos/test.mp4"])] = None
    params: Annotated[dict[str, Any], msgspec.Meta(examples=_PARAMS)] = msgspec.field(default_factory=dict)


class ExportStarted(msgspec.Struct, frozen=True):
    """An export that was accepted."""

    job_id: str
    status: ExportStatus


class ExportState(msgspec.Struct, frozen=True, omit_defaults=True):
    """An export as it is now: `progress` is 0..100, `output_key` is there when it is complete, `error` when it is not."""

    job_id: str
    status: ExportStatus
    progress: float
    output_key: str | None = None
    error: str | None = None


class UploadAsked(Spec, frozen=True):
    """The key to upload under. With its size the URL takes exactly so many bytes."""

    key: Key
    content_type: Annotated[str, msgspec.Meta(max_length=200, examples=["video/mp4"])] = ""
    size_bytes: int | None = None


class UploadUrl(msgspec.Struct, frozen=True):
    """PUT the bytes to `url` with these headers."""

    url: str
    key: str
    method: str
    headers: dict[str, str]
    expires_at: str


class PresignedUrl(msgspec.Struct, frozen=True):
    """A URL that works without a credential until `expires_at`."""

    url: str
    expires_at: str


@post(
    "/export/{export_type:str}/start",
    dto=Unread[ExportStart],
    return_dto=None,
    status_code=202,
    summary="Start an export",
)
async def start_export(
    ctx: Ctx,
    principal: Caller,
    state: State,
    export_type: FromPath[ExportType],
    data: JSONBody[Any],
    idempotency_key: IdempotencyKey = None,
) -> Response[ExportStarted]:
    """Export a file that was uploaded under a key; clips of `framing` may name one each."""
    project = await projects.ensure(ctx, principal, projects.DEFAULT, at="/project_id")
    start, wrong = _read(data)
    props = await _with_sources(ctx, state["tools"], principal, project.id, export_type, start, wrong)
    asked = RenderRequest(
        composition_id=export_type,
        input_props=props,
        metadata={} if start.project_id is None else {"project_id": start.project_id},
    )
    with told_at(_PLACES):
        done = await renders.submit(ctx, principal, project.id, asked, idempotency_key=idempotency_key)
    started = ExportStarted(done.render.id, STATUS[done.render.status])
    return Response(started, status_code=202, headers={"location": f"/api/export/status/{done.render.id}"})


@get("/export/status/{job_id:str}", summary="Get an export")
async def get_export(ctx: Ctx, principal: Caller, job_id: FromPath[str]) -> ExportState:
    """Its status, and the key of its film once it is complete."""
    render = await finding.find(ctx, principal, job_id)
    return _state((await renders.newest(ctx, [render]))[0])


@get("/storage/presigned-url", summary="Get a file's URL by its key")
async def get_presigned_url(
    ctx: Ctx, principal: Caller, state: State, key: Annotated[str, QueryParameter(min_length=1, max_length=1024)]
) -> PresignedUrl:
    """A URL that serves what is under this key of yours: an upload for an hour, a finished export for a day."""
    name = _checked(key)
    if made := _MADE.fullmatch(name):
        render = await finding.find(ctx, principal, made[2])
        if render.composition_id != made[1] or render.status != "completed":
            raise NotFound(f"there is no file under {key!r}")
        _, signed = await renders.sign_output(ctx, principal, render.project_id, render.id, None)
        return PresignedUrl(signed.url, rfc3339(signed.expires_at))
    project_id = await _project_of_files(ctx, principal)
    if project_id is None:
        raise NotFound(f"there is no file under {key!r}")
    found = (await receiving.arrived(ctx, state["tools"], principal, project_id, [name])).get(name)
    if found is None:
        raise NotFound(f"there is no file under {key!r}")
    _, signed = await assets.sign_download(ctx, principal, project_id, found.id)
    return PresignedUrl(signed.url, rfc3339(signed.expires_at))


@post("/storage/upload-url", dto=Body[UploadAsked], return_dto=None, status_code=200, summary="Get a URL to upload to")
async def get_upload_url(ctx: Ctx, principal: Caller, data: JSONBody[UploadAsked]) -> UploadUrl:
    """A URL that takes one PUT within 15 minutes. Of several uploads under one key the newest is meant."""
    name = _checked(data.key)
    if _MADE.fullmatch(name):
        raise ValidationFailed(errors=[FieldError("/key", "is that of an export's film")])
    project = await projects.ensure(ctx, principal, projects.DEFAULT, at="/key")
    with told_at({"/name": "/key"}):
        made = await receiving.announce(
            ctx,
            principal,
            project.id,
            name=name,
            content_type=content_type_of(name, data.content_type),
            size_bytes=data.size_bytes,
        )
    return UploadUrl(made.send.url, name, made.send.method, made.send.headers, rfc3339(made.send.expires_at))


def _state(view: RenderView) -> ExportState:
    status = STATUS[view.status]
    failed = "the export was cancelled" if view.error is None else view.error.message
    return ExportState(
        job_id=view.id,
        status=status,
        progress=view.progress.percent,
        output_key=f"final_videos/{view.composition_id}_{view.id}.mp4" if status == "complete" else None,
        error=failed if status == "error" else None,
    )


def _checked(key: str, at: str = "/key") -> str:
    """The key in composed Unicode. Raises ValidationFailed for one that leads anywhere else."""
    try:
        return check_given_key(key)
    except ValueError as error:
        raise ValidationFailed(errors=[FieldError(at, str(error))]) from None


async def _project_of_files(ctx: Context, principal: Principal) -> str | None:
    """The project that holds the caller's files, None while there is none; nothing is made by looking."""
    projects.require(principal, "read")
    try:
        return (await projects.find(ctx, principal, principal.project_id or projects.DEFAULT)).id
    except NotFound:
        return None


def _read(data: Any) -> tuple[ExportStart, list[FieldError]]:
    """What a body says as far as it is right, and what is wrong. Raises ValidationFailed when there are no `params` to read."""
    reading = read(data, ExportStart, at="")
    params = canonical(data, ExportStart).get("params") or {} if isinstance(data, Mapping) else None
    if not isinstance(params, Mapping):
        refuse(reading.errors)
    return ExportStart(**reading.right | {"params": params}), list(reading.errors)


async def _with_sources(
    ctx: Context,
    tools: Toolchain,
    principal: Principal,
    project_id: str,
    export_type: str,
    data: ExportStart,
    wrong: list[FieldError],
) -> dict[str, Any]:
    """The composition's own document: every key became an asset. Raises ValidationFailed with every problem.

    `wrong` are those that the body has already.
    """
    params = dict(data.params)
    clips = params.get("clips")
    if export_type == "framing" and isinstance(clips, list):
        clips = [_with_default(clip, data.input_key) for clip in clips]
        params["clips"] = clips
    props: dict[str, Any] = {"params": params}
    if export_type != "framing" and data.input_key is not None:
        props["src"] = data.input_key
    names: dict[str, str] = {}
    for holder, field, at in _keys(props):
        try:
            names[at] = _checked(holder[field], at)
        except ValidationFailed as error:
            wrong += error.errors
    found = await receiving.arrived(ctx, tools, principal, project_id, set(names.values()))
    missing = [FieldError(at, f"there is no file under {name!r}") for at, name in names.items() if name not in found]
    for holder, field, at in _keys(props):
        asset = found.get(names.get(at, ""))
        holder[field] = _NOTHING if asset is None else f"asset://{asset.id}"
    if wrong or missing:
        try:
            await read_ask(ctx, export_type, props, {})
        except ValidationFailed as error:
            wrong += moved(error.errors, _PLACES)
        refuse(once(wrong + missing), ValidationFailed if wrong else AssetNotFound)
    return props


def _with_default(clip: Any, input_key: str | None) -> Any:
    """A copy of a clip, of the export's file where it names none of its own."""
    if not isinstance(clip, dict) or input_key is None or {"src", "input_key", "inputKey"} & clip.keys():
        return dict(clip) if isinstance(clip, dict) else clip
    return {**clip, "src": input_key}


def _keys(props: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Where the document names files by key: the object, its field, and the place in the body."""
    if isinstance(src := props.get("src"), str) and not _SOURCE.match(src):
        yield props, "src", "/input_key"
    clips = props["params"].get("clips")
    for index, clip in enumerate(clips if isinstance(clips, list) else ()):
        for field in ("src", "input_key", "inputKey"):
            value = clip.get(field) if isinstance(clip, dict) else None
            if isinstance(value, str) and not _SOURCE.match(value):
                yield clip, field, f"/params/clips/{index}/{field}"


router = Router("/api", route_handlers=[start_export, get_export, get_presigned_url, get_upload_url])

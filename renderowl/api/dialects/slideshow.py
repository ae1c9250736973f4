"""Dialect "slideshow" (source 002): a project's scenes, its files by name, and the film that is made of them."""

import asyncio
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.datastructures import State, UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import BodyKwarg, FromPath, FromQuery, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked, caller_known
from renderowl.api.bodies import Body
from renderowl.api.dialects.file_names import with_sources
from renderowl.api.dialects.job_views import JobMade, job_made
from renderowl.api.events import poll_progress
from renderowl.api.renders import IdempotencyKey
from renderowl.api.storage import answer_object
from renderowl.domain.errors import Conflict, NotFound
from renderowl.domain.lifecycle import is_active
from renderowl.domain.placing import told_at
from renderowl.domain.records import Asset, Principal, Render
from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.slideshow import SlideshowOptions, SlideshowSpec
from renderowl.services import finding, projects, receiving, renders, scenes
from renderowl.services.announcing import CONTENT_TYPES, content_type_of
from renderowl.services.asking import RenderRequest
from renderowl.services.assets import FOLDER
from renderowl.services.context import Context
from renderowl.services.paging import MAX_LIMIT, Page, PageRequest
from renderowl.services.receiving import Given

MAX_FORM_BYTES: Final = 1024**3
"""Of one form with files; what is larger is uploaded to a signed URL."""
FILM_WAIT_S: Final = 50.0
"""How long a download waits for a film in the making; what stands before an API may wait no longer than a minute."""
_PLACES: Final = {
    "/input_props/render_options": "/renderOptions",
    "/input_props": "",
    "/output_settings/output_name": "/outputName",
}
_FOLDERS: Final = {"image": "images", "audio": "voiceovers"}

SubDir = Literal["images", "voiceovers"]


class FilmCreate(Spec, frozen=True, rename="camel"):
    """What the film is called and how its scenes are shown; without options as they were put."""

    output_name: str = "video.mp4"
    render_options: SlideshowOptions | None = None


@dataclass
class FilesForm:
    """Files, and the folder that scenes find them in: by itself `images` or `voiceovers`, as they are."""

    files: list[UploadFile]
    subdir: SubDir | None = None


class ScenesKept(msgspec.Struct, frozen=True, rename="camel"):
    """Scenes were kept for a project."""

    project_id: str
    id: str
    scenes: int


class FileKept(msgspec.Struct, frozen=True, rename="camel"):
    """A file of a project; `path` is what scenes call it. It is `ready`, or `failed` with why."""

    path: str
    asset_id: str
    status: str
    size_bytes: int
    content_type: str
    error: str | None


class FilesKept(msgspec.Struct, frozen=True):
    files: list[FileKept]


class FilmFile(msgspec.Struct, frozen=True, rename="camel"):
    """A file that a job made; `url` serves it for 7 days."""

    name: str
    kind: str
    content_type: str
    size_bytes: int
    job_id: str
    created_at: datetime
    url: str


@put("/scenes", dto=Body[SlideshowSpec], return_dto=None, summary="Put a project's scenes")
async def put_scenes(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], data: JSONBody[SlideshowSpec]
) -> ScenesKept:
    """Keep the scenes of a slideshow; your project of this name is made if there is none.

    Pictures and voices are named by the paths of uploaded files, as `asset://<id>` or as public URLs.
    """
    project = await projects.ensure(ctx, principal, project_id, at="/project_id")
    await scenes.put(ctx, principal, project.id, data)
    return ScenesKept(project.id, project.handle or project.id, len(data.scenes))


@post("/assets", guards=[caller_known], request_max_body_size=MAX_FORM_BYTES, summary="Upload files")
async def upload_files(
    ctx: Ctx,
    principal: Caller,
    state: State,
    project_id: FromPath[str],
    data: Annotated[FilesForm, BodyKwarg(media_type=RequestEncodingType.MULTI_PART)],
) -> FilesKept:
    """Files as a form's `files`. They are looked into before this answers; of several with one name the newest counts."""
    project = await projects.find(ctx, principal, project_id, "write")
    with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
        given = [await _given(index, file, data.subdir, Path(folder)) for index, file in enumerate(data.files)]
        with told_at({"/size_bytes": "/files"}):
            kept = await receiving.keep(ctx, state["tools"], principal, project.id, given)
    return FilesKept([_file_kept(asset) for asset in kept])


async def _given(index: int, file: UploadFile, subdir: SubDir | None, folder: Path) -> Given:
    name = PurePosixPath(file.filename.replace("\\", "/")).name
    content_type = content_type_of(name, file.content_type)
    parent = subdir or _FOLDERS.get(CONTENT_TYPES.get(content_type, ""))
    path = folder / str(index)
    await asyncio.to_thread(_copy, file, path)
    return Given(
        at=f"/files/{index}",
        name=f"{parent}/{name}" if parent and name else name,
        content_type=content_type,
        path=path,
        size_bytes=path.stat().st_size,
    )


def _copy(file: UploadFile, path: Path) -> None:
    with path.open("wb") as out:
        shutil.copyfileobj(file.file, out)


def _file_kept(asset: Asset) -> FileKept:
    error = None if asset.error is None else asset.error["message"]
    return FileKept(asset.name, asset.id, asset.status, asset.size_bytes, asset.content_type, error)


@post("/render", dto=Body[FilmCreate], return_dto=None, status_code=202, summary="Render the scenes")
async def create_film(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    data: JSONBody[FilmCreate],
    idempotency_key: IdempotencyKey = None,
) -> Response[JobMade]:
    """Queue the scenes as they are now; `GET /v1/jobs/{jobId}` says how far they are."""
    project = await projects.find(ctx, principal, project_id, "write")
    spec = await scenes.get(ctx, principal, project.id)
    if data.render_options is not None:
        spec = msgspec.structs.replace(spec, render_options=data.render_options)
    spec = await with_sources(ctx, principal, project.id, spec)
    asked = RenderRequest(
        composition_id="slideshow",
        input_props=msgspec.to_builtins(spec),
        output_settings={"output_name": data.output_name},
    )
    with told_at(_PLACES):
        done = await renders.submit(ctx, principal, project.id, asked, idempotency_key=idempotency_key)
    return Response(job_made(done.render), status_code=202, headers={"location": f"/v1/jobs/{done.render.id}"})


@get("/outputs", summary="List produced files")
async def list_outputs(ctx: Ctx, principal: Caller, project_id: FromPath[str], page: PageAsked) -> Page[FilmFile]:
    """What the project's jobs made, newest first; `limit` and `cursor` count jobs."""
    project = await projects.find(ctx, principal, project_id)
    found = await renders.list_page(ctx, principal, project.id, page, status="completed")
    return Page([one for render in found.items for one in await _files(ctx, render)], found.next_cursor)


async def _files(ctx: Context, render: Render) -> list[FilmFile]:
    return [
        FilmFile(
            file["name"],
            file["kind"],
            file["content_type"],
            file["size_bytes"],
            render.id,
            render.completed_at or render.updated_at,
            signed.url,
        )
        for file, signed in await finding.sign_files(ctx, render)
    ]


@get("/outputs/video", media_type="video/mp4", summary="Download the film")
async def get_film(
    request: Request[Any, Any, Any],
    ctx: Ctx,
    principal: Caller,
    state: State,
    project_id: FromPath[str],
    name: FromQuery[str | None] = None,
) -> Response[Any]:
    """The newest film, or the newest called `name`; ranges are honoured.

    A film that is being made is waited for, up to 50 seconds; then the answer is 409 with Retry-After.
    """
    project = await projects.find(ctx, principal, project_id)
    await _wait_for_newest(ctx, state, principal, project.id)
    found = await renders.list_page(ctx, principal, project.id, PageRequest(MAX_LIMIT), status="completed")
    files = (file for render in found.items for file in (render.output or {"outputs": []})["outputs"])
    film = next((file for file in files if file["kind"] == "video" and name in (None, file["name"])), None)
    if film is None:
        raise NotFound("the project has no film yet" if name is None else f"the project has no film {name!r}")
    return await answer_object(request, ctx.storage, film["key"], film["name"])


async def _wait_for_newest(ctx: Context, state: State, principal: Principal, project_id: str) -> None:
    """Wait for the project's newest render to end. Raises Conflict when it takes too long."""
    newest = (await renders.list_page(ctx, principal, project_id, PageRequest(1))).items
    until, cursor = time.monotonic() + FILM_WAIT_S, ""
    while newest and is_active(newest[0].status):
        if (left_s := until - time.monotonic()) <= 0:
            raise Conflict(f"the film is being made; see /v1/jobs/{newest[0].id}", retry_after_s=5)
        poll = await poll_progress(ctx, state["hub"], principal, project_id, newest[0].id, cursor, left_s)
        cursor = poll.cursor
        newest = [await renders.get(ctx, principal, project_id, newest[0].id)]


router = Router(
    "/v1/projects/{project_id:str}",
    route_handlers=[put_scenes, upload_files, create_film, list_outputs, get_film],
)

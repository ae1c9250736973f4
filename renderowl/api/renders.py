"""Routes of renders."""

import hashlib
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Response, Router, get, post
from litestar.datastructures import State
from litestar.datastructures.headers import Accept as Accepted
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.assets import SignedUrl, signed_url
from renderowl.api.bodies import Unread
from renderowl.api.events import After, Wait, poll_progress
from renderowl.api.moments import rfc3339
from renderowl.domain.errors import NotAcceptable
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import RenderStatus, is_active
from renderowl.domain.records import StepTimes
from renderowl.pipeline.hls import PLAYLIST_TYPE
from renderowl.services import plans, playing, renders
from renderowl.services.asking import RenderRequest, read_request
from renderowl.services.paging import Page
from renderowl.services.plans import PlanView
from renderowl.services.views import RenderError, RenderView, render_view

POLL_AFTER_S = 1
JSON, SVG = "application/json", "image/svg+xml"
_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Of a picture that holds a caller's text: whatever it says, a browser runs and fetches nothing."""

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key", required=False)]
Accept = Annotated[str, HeaderParameter(name="Accept", required=False)]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", required=False)]


class ProgressView(msgspec.Struct, frozen=True):
    """What a poll gets."""

    render_id: str
    status: RenderStatus
    attempt: int
    progress: Progress
    error: RenderError | None


class StepList(msgspec.Struct, frozen=True):
    """Steps in the order they are planned."""

    items: list[StepTimes]


@get("/", summary="List renders")
async def list_renders(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    page: PageAsked,
    status: FromQuery[RenderStatus | None] = None,
    composition_id: FromQuery[str | None] = None,
) -> Page[RenderView]:
    """The project's renders, newest first."""
    found = await renders.list_page(ctx, principal, project_id, page, status=status, composition_id=composition_id)
    return Page(await renders.newest(ctx, found.items), found.next_cursor)


@post("/", dto=Unread[RenderRequest], return_dto=None, status_code=202, summary="Create a render")
async def create_render(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    data: JSONBody[Any],
    idempotency_key: IdempotencyKey = None,
) -> Response[RenderView]:
    """Check a spec and queue it. Send an `Idempotency-Key` to be able to send the request again safely."""
    asked = await read_request(ctx, data)
    done = await renders.submit(ctx, principal, project_id, asked, idempotency_key=idempotency_key)
    headers = {"location": f"/projects/{project_id}/renders/{done.render.id}"}
    if done.deduplicated:
        headers["idempotency-replayed"] = "true"
    return Response((await renders.newest(ctx, [done.render]))[0], status_code=202, headers=headers)


@post("/plan", dto=Unread[RenderRequest], return_dto=None, status_code=200, summary="Plan a render")
async def plan_render(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    data: JSONBody[Any],
    state: State,
    accept: Accept = "",
) -> Response[PlanView]:
    """The same body as a render; nothing is queued: timeline, steps, what is cached, estimate and exact commands.

    With `Accept: image/svg+xml` it is a picture of all that.
    """
    wanted = Accepted(accept or JSON).best_match([JSON, SVG])
    if wanted is None:
        raise NotAcceptable(f"a plan is {JSON} or {SVG}")
    asked = await read_request(ctx, data)
    if wanted == SVG:
        drawn: Response[Any] = Response(
            await plans.picture(ctx, principal, project_id, asked, state["tools"]),
            media_type=SVG,
            headers={"content-security-policy": _INERT, "vary": "accept"},
        )
        return drawn
    found = await plans.plan(ctx, principal, project_id, asked, state["tools"])
    return Response(found, headers={"vary": "accept"})


@get("/{render_id:str}", summary="Get a render")
async def get_render(ctx: Ctx, principal: Caller, project_id: FromPath[str], render_id: FromPath[str]) -> RenderView:
    """One render with its newest progress."""
    render = await renders.get(ctx, principal, project_id, render_id)
    return (await renders.newest(ctx, [render]))[0]


@post("/{render_id:str}/cancel", status_code=200, summary="Cancel a render")
async def cancel_render(ctx: Ctx, principal: Caller, project_id: FromPath[str], render_id: FromPath[str]) -> RenderView:
    """Stop it wherever it is: waiting or in the encoder."""
    return render_view(await renders.cancel(ctx, principal, project_id, render_id))


@post("/{render_id:str}/retry", status_code=202, summary="Retry a failed render")
async def retry_render(ctx: Ctx, principal: Caller, project_id: FromPath[str], render_id: FromPath[str]) -> RenderView:
    """Start its next attempt; finished segments are taken from the cache."""
    return render_view(await renders.retry(ctx, principal, project_id, render_id))


@get("/{render_id:str}/output", summary="Get the output's URL")
async def get_output(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    render_id: FromPath[str],
    name: FromQuery[str | None] = None,
    as_stored: FromQuery[bool] = False,
) -> SignedUrl:
    """A signed URL, good for 24 hours; `?name=` chooses one of several files.

    A playlist's, or a sprite's WebVTT file's, is for players: in it all other files are signed URLs too. `?as_stored=true`
    is for keeping all the files in one folder: it names them as they are called.
    """
    file, signed = await renders.sign_output(ctx, principal, project_id, render_id, name)
    if playing.is_played(file) and not as_stored:
        signed = playing.sign_play(ctx, render_id, file["name"])
    return signed_url(signed, name=file["name"], content_type=file["content_type"], size_bytes=file["size_bytes"])


@get("/{render_id:str}/progress", summary="Poll the progress")
async def get_progress(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    render_id: FromPath[str],
    state: State,
    after: After = None,
    wait: Wait = 0.0,
    if_none_match: IfNoneMatch = None,
) -> Response[Any]:
    """Plain: send the ETag back as If-None-Match; 304 means nothing has changed, Retry-After when to ask again.

    Long: `?after=<cursor>&wait=25` answers as soon as something happens. An empty `after` gives the first cursor.
    """
    if after is not None:
        return Response(await poll_progress(ctx, state["hub"], principal, project_id, render_id, after, wait))
    view, tag = await renders.progress(ctx, principal, project_id, render_id)
    headers = {"etag": f'"{tag}"', "cache-control": "private, no-cache"}
    if is_active(view.status):
        headers["retry-after"] = str(POLL_AFTER_S)
    if if_none_match is not None and f'"{tag}"' in if_none_match:
        return Response(None, status_code=304, headers=headers)
    return Response(ProgressView(view.id, view.status, view.attempt, view.progress, view.error), headers=headers)


@get("/{render_id:str}/preview", media_type="image/jpeg", summary="Get the newest preview picture")
async def get_preview(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    render_id: FromPath[str],
    if_none_match: IfNoneMatch = None,
) -> Response[bytes]:
    """The picture the room was shown last, for those who poll: kept for a minute, 204 while there is none.

    Send the ETag back as If-None-Match; 304 means that there is no newer one.
    """
    picture = await renders.newest_preview(ctx, principal, project_id, render_id)
    headers = {"cache-control": "private, no-cache", "retry-after": str(POLL_AFTER_S)}
    if picture is None:
        return Response(b"", status_code=204, headers=headers)
    headers["etag"] = f'"{hashlib.sha256(picture.jpeg).hexdigest()[:20]}"'
    if if_none_match is not None and headers["etag"] in if_none_match:
        return Response(b"", status_code=304, headers=headers)
    return Response(picture.jpeg, media_type=picture.content_type, headers=headers)


@get("/{render_id:str}/playlist", summary="Get the URL of the film in the making")
async def get_playlist(ctx: Ctx, principal: Caller, project_id: FromPath[str], render_id: FromPath[str]) -> SignedUrl:
    """The signed URL of an HLS playlist that grows while the film is encoded, good for 24 hours; 409 until it plays.

    For renders with `preview.hls`. It plays until ten minutes after the render's end.
    """
    signed = await playing.sign_preview(ctx, principal, project_id, render_id)
    return SignedUrl(signed.url, rfc3339(signed.expires_at), playing.PREVIEW, PLAYLIST_TYPE)


@get("/{render_id:str}/log", media_type=MediaType.TEXT, summary="Read the encoder's log")
async def get_log(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    render_id: FromPath[str],
    tail_bytes: Annotated[int, QueryParameter(ge=1, le=1_048_576)] = 65_536,
) -> str:
    """The end of what FFmpeg said in the newest attempt."""
    return await renders.read_log(ctx, principal, project_id, render_id, tail_bytes=tail_bytes)


@get("/{render_id:str}/steps", summary="List a render's steps")
async def list_steps(ctx: Ctx, principal: Caller, project_id: FromPath[str], render_id: FromPath[str]) -> StepList:
    """The steps of the newest attempt: which worker did them, and when. What came from the cache needed none."""
    return StepList(await renders.list_steps(ctx, principal, project_id, render_id))


router = Router(
    "/projects/{project_id:str}/renders",
    route_handlers=[
        list_renders,
        create_render,
        plan_render,
        get_render,
        cancel_render,
        retry_render,
        get_output,
        get_progress,
        get_preview,
        get_playlist,
        get_log,
        list_steps,
    ],
)

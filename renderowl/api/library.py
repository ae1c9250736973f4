"""Routes of the library: five kinds of items alike, and the whole of it as one SQLite file."""

from typing import Any, TypeVar

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.assets import SignedUrl, signed_url
from renderowl.api.bodies import Body
from renderowl.domain.errors import UnsupportedMediaType
from renderowl.domain.library import KINDS, Kind
from renderowl.domain.spec.fields import Spec
from renderowl.services import library, snapshots
from renderowl.services.paging import Page
from renderowl.services.snapshots import Restored, Snapshot

New = TypeVar("New", bound=Spec)
Stored = TypeVar("Stored", bound=Spec)


def items(kind: Kind[New, Stored]) -> Router:
    """The routes of one kind. Litestar reads `New` and `Stored` in them as the kind's own types."""
    types = {"New": kind.new, "Stored": kind.stored}
    body: Any = Body.__class_getitem__(kind.new)
    many = kind.name.replace("_", " ")

    @get("/", signature_namespace=types, summary=f"List {many}")
    async def list_items(
        ctx: Ctx, principal: Caller, page: PageAsked, parent: FromQuery[str | None] = None
    ) -> "Page[Stored]":
        """The caller's, newest first; `?parent=` names the game, project or raw clip they belong to."""
        return await library.list_page(ctx, principal, kind, page, parent=parent)

    @post("/", dto=body, return_dto=None, signature_namespace=types, summary=f"Add a {kind.one}")
    async def create_item(ctx: Ctx, principal: Caller, data: "JSONBody[New]") -> "Stored":
        """Keep it in the caller's library."""
        return await library.create(ctx, principal, kind, data)

    @get("/{item_id:str}", signature_namespace=types, summary=f"Get a {kind.one}")
    async def get_item(ctx: Ctx, principal: Caller, item_id: FromPath[str]) -> "Stored":
        """One of the caller's."""
        return await library.get(ctx, principal, kind, item_id)

    @put("/{item_id:str}", dto=body, return_dto=None, signature_namespace=types, summary=f"Replace a {kind.one}")
    async def replace_item(ctx: Ctx, principal: Caller, item_id: FromPath[str], data: "JSONBody[New]") -> "Stored":
        """Put another in its place; what is left out gets its default."""
        return await library.replace(ctx, principal, kind, item_id, data)

    @delete("/{item_id:str}", summary=f"Delete a {kind.one}")
    async def delete_item(ctx: Ctx, principal: Caller, item_id: FromPath[str]) -> None:
        """Delete it with what hangs on it; 409 while working clips use it."""
        await library.delete(ctx, principal, kind, item_id)

    return Router(f"/{kind.name}", route_handlers=[list_items, create_item, get_item, replace_item, delete_item])


@get("/snapshots", summary="List snapshots of the library")
async def list_snapshots(ctx: Ctx, principal: Caller) -> Page[Snapshot]:
    """The caller's, newest first: at most 30, so there is one page."""
    return Page(await snapshots.list_all(ctx, principal))


@post("/snapshots", summary="Take a snapshot of the library")
async def take_snapshot(ctx: Ctx, principal: Caller) -> Snapshot:
    """Write the whole library, as it is at one moment, into one SQLite file in storage."""
    return await snapshots.take(ctx, principal)


@put("/snapshots", status_code=201, request_max_body_size=snapshots.MAX_BYTES, summary="Bring a library's file")
async def bring_snapshot(ctx: Ctx, principal: Caller, request: Request[Any, Any, Any]) -> Snapshot:
    """Keep a SQLite file (`application/vnd.sqlite3`, at most 64 MiB) as a snapshot; 422 names all that is wrong in it."""
    library.require_own(principal, "write")
    if request.content_type[0] != snapshots.CONTENT_TYPE:
        raise UnsupportedMediaType(f"send the file as {snapshots.CONTENT_TYPE}")
    kept, _ = await snapshots.bring(ctx, principal, request.stream())
    return kept


@get("/snapshots/{snapshot_id:str}", summary="Get a snapshot")
async def get_snapshot(ctx: Ctx, principal: Caller, snapshot_id: FromPath[str]) -> Snapshot:
    """One of the caller's."""
    return await snapshots.get(ctx, principal, snapshot_id)


@get("/snapshots/{snapshot_id:str}/download", summary="Get a snapshot's URL")
async def download_snapshot(ctx: Ctx, principal: Caller, snapshot_id: FromPath[str]) -> SignedUrl:
    """A signed URL, good for an hour."""
    found = await snapshots.get(ctx, principal, snapshot_id)
    signed = await snapshots.sign(ctx, principal, snapshot_id)
    return signed_url(
        signed, name=f"{found.id}.sqlite", content_type=snapshots.CONTENT_TYPE, size_bytes=found.size_bytes
    )


@post("/snapshots/{snapshot_id:str}/restore", status_code=200, summary="Bring the library back")
async def restore_snapshot(
    ctx: Ctx, principal: Caller, snapshot_id: FromPath[str], replace: FromQuery[bool] = False
) -> Restored:
    """All of it or nothing. With `?replace=true` in place of what is there; else 409 if there is anything."""
    return await snapshots.restore(ctx, principal, snapshot_id, replace=replace)


@delete("/snapshots/{snapshot_id:str}", summary="Delete a snapshot")
async def delete_snapshot(ctx: Ctx, principal: Caller, snapshot_id: FromPath[str]) -> None:
    """Remove the file; the library stays as it is."""
    await snapshots.delete(ctx, principal, snapshot_id)


router = Router(
    "/library",
    route_handlers=[
        *(items(kind) for kind in KINDS),
        list_snapshots,
        take_snapshot,
        bring_snapshot,
        get_snapshot,
        download_snapshot,
        restore_snapshot,
        delete_snapshot,
    ],
)

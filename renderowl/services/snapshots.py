"""Snapshots: a caller's whole library as one SQLite file in storage, taken while it is in use, and brought back at once."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from renderowl.db import library as rows
from renderowl.db import projects as project_rows
from renderowl.domain.errors import Conflict, NotFound, PayloadTooLarge
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.library import KINDS, Kind
from renderowl.domain.records import Principal
from renderowl.services.assets import FOLDER
from renderowl.services.context import Context
from renderowl.services.library import require_own
from renderowl.services.library_file import Contents, Row, Writer
from renderowl.services.library_reader import count_items, read_contents
from renderowl.storage.base import ObjectInfo, ObjectMissing, SignedRequest

CONTENT_TYPE: Final = "application/vnd.sqlite3"
MAX_BYTES: Final = 64 * 1024**2
MAX_SNAPSHOTS: Final = 30
DOWNLOAD_TTL_S: Final = 3600
MAX_PROJECTS: Final = 1000
"""How many projects bringing back a library may make."""
_BATCH: Final = 1000
_bringing: Final[set[str]] = set()
"""The accounts whose files this process takes in now."""


class Snapshot(msgspec.Struct, frozen=True):
    """A library's file in storage."""

    id: str
    size_bytes: int
    created_at: datetime


class Restored(msgspec.Struct, frozen=True):
    """What was brought back: how many items of each kind, and how many projects were made for them."""

    items: dict[str, int]
    projects_made: int


async def take(ctx: Context, principal: Principal) -> Snapshot:
    """Write the caller's library, as it is at one moment, into a file in storage. Raises Conflict at the 31st."""
    require_own(principal, "write")
    await _require_place(ctx, principal)
    with _folder() as folder:
        path = folder / "library.sqlite"
        writer = await asyncio.to_thread(Writer, path)
        async with ctx.db.transaction(snapshot=True):
            await asyncio.to_thread(writer.add, "projects", await rows.projects_of(ctx.db, principal.user_id))
            for kind in KINDS:
                async for batch in _batches(ctx, kind, principal.user_id):
                    await asyncio.to_thread(writer.add, kind.name, batch)
        await asyncio.to_thread(writer.close)
        return await _keep(ctx, principal, path)


async def bring(ctx: Context, principal: Principal, chunks: AsyncIterator[bytes]) -> tuple[Snapshot, dict[str, int]]:
    """Keep a file from elsewhere as a snapshot, and tell what is in it.

    Raises PayloadTooLarge, MediaUnreadable, ValidationFailed with every problem of the file, Conflict while this process
    is at another file of the caller's: they are large, and reading one may take long.
    """
    require_own(principal, "write")
    await _require_place(ctx, principal)
    with _alone(principal), _folder() as folder:
        path = folder / "library.sqlite"
        received = 0
        with path.open("wb") as file:
            async for chunk in chunks:
                received += len(chunk)
                if received > MAX_BYTES:
                    raise PayloadTooLarge(f"the file of a library has at most {MAX_BYTES} bytes")
                await asyncio.to_thread(file.write, chunk)
        counts = await count_items(path)
        return await _keep(ctx, principal, path), counts


async def restore(ctx: Context, principal: Principal, snapshot_id: str, *, replace: bool) -> Restored:
    """Bring a library back, all of it or nothing; with `replace` in place of what is there, else Conflict if there is any.

    Items keep their ids unless somebody else has them. A project that is not the caller's is made anew.
    """
    require_own(principal, "write")
    found = await get(ctx, principal, snapshot_id)
    with _folder() as folder:
        path = folder / "library.sqlite"
        await ctx.storage.get_file(_key(principal, found.id), path)
        contents = await read_contents(path)
    try:
        async with ctx.db.transaction():
            await rows.lock(ctx.db, principal.user_id)
            if not replace and not await rows.is_empty(ctx.db, KINDS, principal.user_id):
                raise Conflict("the library is not empty; `replace=true` puts the snapshot in its place")
            await rows.clear(ctx.db, KINDS, principal.user_id)
            made = await _insert(ctx, principal, contents)
    except asyncpg.IntegrityConstraintViolationError:
        raise Conflict("a project or an id changed hands meanwhile; try again") from None
    return Restored(contents.counts, made)


async def list_all(ctx: Context, principal: Principal) -> list[Snapshot]:
    """The caller's snapshots, newest first."""
    require_own(principal, "read")
    found = [_snapshot(info) async for info in ctx.storage.scan(_prefix(principal))]
    return sorted(found, key=lambda snapshot: snapshot.id, reverse=True)


async def get(ctx: Context, principal: Principal, snapshot_id: str) -> Snapshot:
    """One snapshot. Raises NotFound."""
    require_own(principal, "read")
    if is_id(snapshot_id, "lib"):
        with contextlib.suppress(ObjectMissing):
            return _snapshot(await ctx.storage.head(_key(principal, snapshot_id)))
    raise NotFound(f"there is no snapshot {snapshot_id!r}")


async def sign(ctx: Context, principal: Principal, snapshot_id: str) -> SignedRequest:
    """A URL that serves a snapshot for an hour."""
    found = await get(ctx, principal, snapshot_id)
    return await ctx.storage.sign_get(
        _key(principal, found.id), ttl_s=DOWNLOAD_TTL_S, download_name=f"{found.id}.sqlite"
    )


async def delete(ctx: Context, principal: Principal, snapshot_id: str) -> None:
    """Delete a snapshot. Raises NotFound."""
    require_own(principal, "write")
    found = await get(ctx, principal, snapshot_id)
    await ctx.storage.delete([_key(principal, found.id)])


async def _insert(ctx: Context, principal: Principal, contents: Contents) -> int:
    """Store all items under the caller's ids of what they belong to; how many projects that took."""
    owner_id = principal.user_id
    project_ids, made = await _projects(ctx, owner_id, contents)
    ids: dict[str, dict[str, str]] = {"projects": project_ids}
    for kind in KINDS:
        items = contents.items[kind.name]
        own = [row.id for row in items if is_id(row.id, kind.prefix)]
        kept = set(own) - await rows.taken(ctx.db, kind, owner_id, own)
        ids[kind.name] = {row.id: row.id if row.id in kept else _later_id(kind, row) for row in items}
        for start in range(0, len(items), _BATCH):
            batch = [_document(kind, row, ids, owner_id) for row in items[start : start + _BATCH]]
            await rows.insert(ctx.db, kind, batch)
    return made


async def _projects(ctx: Context, owner_id: str, contents: Contents) -> tuple[dict[str, str], int]:
    """By the file's ids: the caller's own projects, and those that had to be made."""
    fields = [(kind.name, field) for kind in KINDS for field, table in kind.parents.items() if table == "projects"]
    named = {row.values[field] for name, field in fields for row in contents.items[name]} - {None}
    own = await rows.owned(ctx.db, "projects", owner_id, sorted(named))
    if len(named - own) > MAX_PROJECTS:
        raise Conflict(f"the library would need {len(named - own)} new projects; at most {MAX_PROJECTS} are made")
    ids = {one: one for one in own}
    for one in sorted(named - own):
        name = contents.projects.get(one, f"Project {one}").replace("\x00", "").strip() or "Project"
        project = await project_rows.insert(
            ctx.db, project_id=new_id("prj"), owner_id=owner_id, name=name, description=None, settings={}
        )
        ids[one] = project.id
    return ids, len(named - own)


def _document(kind: Kind[Any, Any], row: Row, ids: dict[str, dict[str, str]], owner_id: str) -> dict[str, Any]:
    parents = {
        field: None if row.values[field] is None else ids[table][row.values[field]]
        for field, table in kind.parents.items()
    }
    moments = {"created_at": row.created_at, "updated_at": row.updated_at}
    return row.values | parents | moments | {"id": ids[kind.name][row.id], "owner_id": owner_id}


def _later_id(kind: Kind[Any, Any], row: Row) -> str:
    """A new id that sorts where the item was made."""
    return new_id(kind.prefix, at_ms=min(max(0, int(row.created_at.timestamp() * 1000)), 2**48 - 1))


async def _batches(ctx: Context, kind: Kind[Any, Any], owner_id: str) -> AsyncIterator[list[dict[str, Any]]]:
    after_id = ""
    while batch := await rows.batch(ctx.db, kind, owner_id, after_id=after_id, limit=_BATCH):
        yield batch
        after_id = batch[-1]["id"]


async def _require_place(ctx: Context, principal: Principal) -> None:
    if len(await list_all(ctx, principal)) >= MAX_SNAPSHOTS:
        raise Conflict(f"there are {MAX_SNAPSHOTS} snapshots already; delete one first")


async def _keep(ctx: Context, principal: Principal, path: Path) -> Snapshot:
    """Store a file; of several at once none is kept that would be one too many. Raises Conflict."""
    key = _key(principal, new_id("lib"))
    kept = _snapshot(await ctx.storage.put_file(key, path, content_type=CONTENT_TYPE))
    if len(await list_all(ctx, principal)) > MAX_SNAPSHOTS:
        await ctx.storage.delete([key])
        raise Conflict(f"there are {MAX_SNAPSHOTS} snapshots already; delete one first")
    return kept


@contextlib.contextmanager
def _alone(principal: Principal) -> Iterator[None]:
    if principal.user_id in _bringing:
        raise Conflict("another file of yours is being read; send this one when it is")
    _bringing.add(principal.user_id)
    try:
        yield
    finally:
        _bringing.discard(principal.user_id)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}library-") as folder:
        yield Path(folder)


def _prefix(principal: Principal) -> str:
    return f"libraries/{principal.user_id}/"


def _key(principal: Principal, snapshot_id: str) -> str:
    return f"{_prefix(principal)}{snapshot_id}.sqlite"


def _snapshot(info: ObjectInfo) -> Snapshot:
    name = info.key.rpartition("/")[2].removesuffix(".sqlite")
    return Snapshot(name, info.size_bytes, datetime.fromtimestamp(info.modified_at, UTC))

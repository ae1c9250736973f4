"""The library in Postgres. Every statement names the owner, so that nobody sees another's.

Items go in and out as JSON documents with the names of the columns: one way for all kinds, for one item and thousands.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from renderowl.db.database import Database, to_json
from renderowl.domain.library import Kind
from renderowl.domain.spec.fields import Spec

New = TypeVar("New", bound=Spec)
Stored = TypeVar("Stored", bound=Spec)


async def insert(db: Database, kind: Kind[Any, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Store items with all their columns. Raises asyncpg.IntegrityConstraintViolationError."""
    await db.execute(
        f"INSERT INTO {kind.name} SELECT * FROM jsonb_populate_recordset(NULL::{kind.name}, $1::jsonb)",
        to_json(rows),
    )


async def get(db: Database, kind: Kind[New, Stored], owner_id: str, item_id: str) -> Stored | None:
    """One item."""
    text = await db.fetch_value(
        f"SELECT to_jsonb(t) - 'owner_id' FROM {kind.name} t WHERE id = $1 AND owner_id = $2", item_id, owner_id
    )
    return None if text is None else msgspec.json.decode(text, type=kind.stored)


async def list_page(
    db: Database, kind: Kind[New, Stored], owner_id: str, *, before_id: str | None, limit: int, parent: str | None
) -> list[Stored]:
    """Newest first, those before `before_id`; those of one parent, if one is named."""
    of_parent = " OR ".join(f"t.{column} = $4" for column in kind.parents) or "FALSE"
    rows = await db.fetch(
        f"SELECT to_jsonb(t) - 'owner_id' FROM {kind.name} t WHERE owner_id = $1 AND ($2::text IS NULL OR id < $2)"
        f" AND ($4::text IS NULL OR {of_parent}) ORDER BY id DESC LIMIT $3",
        *(owner_id, before_id, limit, parent),
    )
    return [msgspec.json.decode(row[0], type=kind.stored) for row in rows]


async def replace(
    db: Database, kind: Kind[New, Stored], owner_id: str, item_id: str, values: Mapping[str, Any]
) -> Stored | None:
    """Put other values in place of an item's; None when there is none. Raises what `insert` does."""
    columns = ", ".join(kind.fields)
    text = await db.fetch_value(
        f"UPDATE {kind.name} t SET ({columns}, updated_at) = (SELECT {columns}, now() FROM"
        f" jsonb_populate_record(NULL::{kind.name}, $3::jsonb)) WHERE id = $1 AND owner_id = $2"
        " RETURNING to_jsonb(t) - 'owner_id'",
        *(item_id, owner_id, to_json(values)),
    )
    return None if text is None else msgspec.json.decode(text, type=kind.stored)


async def delete(db: Database, kind: Kind[Any, Any], owner_id: str, item_id: str) -> bool:
    """Delete an item with what hangs on it; False when there is none. Raises what `insert` does."""
    return bool(await db.execute(f"DELETE FROM {kind.name} WHERE id = $1 AND owner_id = $2", item_id, owner_id))


async def owned(db: Database, table: str, owner_id: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids in one of the library's tables, or among the projects, that are the owner's."""
    alive = " AND status <> 'deleting'" if table == "projects" else ""
    rows = await db.fetch(
        f"SELECT id FROM {table} WHERE id = ANY($1::text[]) AND owner_id = $2{alive}", list(ids), owner_id
    )
    return {row["id"] for row in rows}


async def taken(db: Database, kind: Kind[Any, Any], owner_id: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids that somebody else has."""
    rows = await db.fetch(
        f"SELECT id FROM {kind.name} WHERE id = ANY($1::text[]) AND owner_id <> $2", list(ids), owner_id
    )
    return {row["id"] for row in rows}


async def is_empty(db: Database, kinds: Sequence[Kind[Any, Any]], owner_id: str) -> bool:
    """Tell whether the owner has no item of these kinds."""
    some = " OR ".join(f"EXISTS (SELECT 1 FROM {kind.name} WHERE owner_id = $1)" for kind in kinds)
    return not await db.fetch_value(f"SELECT {some}", owner_id)


async def clear(db: Database, kinds: Sequence[Kind[Any, Any]], owner_id: str) -> None:
    """Delete all the owner's items of these kinds, children first."""
    for kind in reversed(kinds):
        await db.execute(f"DELETE FROM {kind.name} WHERE owner_id = $1", owner_id)


async def lock(db: Database, owner_id: str) -> None:
    """Let one at a time bring a library back, until the transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('library:' || $1::text, 0))", owner_id)


async def batch(
    db: Database, kind: Kind[Any, Any], owner_id: str, *, after_id: str, limit: int
) -> list[dict[str, Any]]:
    """The owner's items in the order of their ids, as documents."""
    rows = await db.fetch(
        f"SELECT to_jsonb(t) - 'owner_id' FROM {kind.name} t WHERE owner_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        *(owner_id, after_id, limit),
    )
    return [msgspec.json.decode(row[0]) for row in rows]


async def projects_of(db: Database, owner_id: str) -> list[dict[str, Any]]:
    """The owner's projects that items of the library belong to."""
    rows = await db.fetch(
        "SELECT to_jsonb(p) FROM (SELECT id, name, created_at, updated_at FROM projects WHERE owner_id = $1"
        " AND status <> 'deleting' AND (EXISTS (SELECT 1 FROM working_clips w WHERE w.project_id = projects.id)"
        " OR EXISTS (SELECT 1 FROM highlight_regions h WHERE h.project_id = projects.id)"
        " OR EXISTS (SELECT 1 FROM final_videos f WHERE f.project_id = projects.id))) p ORDER BY id",
        owner_id,
    )
    return [msgspec.json.decode(row[0]) for row in rows]

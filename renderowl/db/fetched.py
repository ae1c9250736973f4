"""Copies of web sources in Postgres, one row for each version of a URL's bytes, always within a project.

A row stands before its object and goes after it: `fetching` until the object is there, `expired` once it is to go. So
a process that dies at any line leaves a row that the sweep finds.
"""

from collections.abc import Sequence

import asyncpg

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.records import Fetched

_COLUMNS = ", ".join(Fetched.__struct_fields__)


async def insert(db: Database, one: Fetched) -> None:
    """Announce a copy whose object is about to be stored."""
    await db.execute(
        f"INSERT INTO fetched ({_COLUMNS}, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, 'fetching')",
        one.id,
        one.project_id,
        one.url,
        one.etag,
        one.last_modified,
        one.content_hash,
        one.storage_key,
        one.size_bytes,
        one.content_type,
        to_json(one.metadata),
    )


async def set_ready(db: Database, fetched_id: str) -> bool:
    """Note that the object is there; False when the project is gone."""
    return bool(await db.execute("UPDATE fetched SET status = 'ready', used_at = now() WHERE id = $1", fetched_id))


async def use(db: Database, fetched_id: str, *, etag: str | None, last_modified: str | None) -> bool:
    """Note that a copy is still what its URL has and that it is used now; False when it is there no more."""
    return bool(
        await db.execute(
            "UPDATE fetched SET used_at = now(), etag = $2, last_modified = $3 WHERE id = $1 AND status = 'ready'",
            fetched_id,
            etag,
            last_modified,
        )
    )


async def keep(db: Database, fetched_ids: Sequence[str]) -> frozenset[str]:
    """Note that copies are used now; those that are still there."""
    rows = await db.fetch(
        "UPDATE fetched SET used_at = now() WHERE id IN (SELECT id FROM fetched WHERE id = ANY ($1) AND status = 'ready'"
        " ORDER BY id FOR UPDATE) RETURNING id",
        list(fetched_ids),
    )
    return frozenset(row["id"] for row in rows)


async def newest(db: Database, project_id: str, urls: Sequence[str]) -> dict[str, Fetched]:
    """The newest copy of each of these URLs that has one."""
    rows = await db.fetch(
        f"SELECT DISTINCT ON (url) {_COLUMNS} FROM fetched WHERE project_id = $1 AND status = 'ready'"
        " AND md5(url) = ANY (SELECT md5(one) FROM unnest($2::text[]) one) AND url = ANY ($2) ORDER BY url, id DESC",
        project_id,
        list(urls),
    )
    return {row["url"]: _fetched(row) for row in rows}


async def expire(db: Database, *, unused_for_s: float, limit: int = 100) -> list[Fetched]:
    """Give up copies that were not used for so long, and those that were never finished; their objects may go."""
    rows = await db.fetch(
        "UPDATE fetched SET status = 'expired' WHERE id IN (SELECT id FROM fetched WHERE status = 'expired'"
        " OR used_at < now() - make_interval(secs => $1) ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        f" RETURNING {_COLUMNS}",
        unused_for_s,
        limit,
    )
    return [_fetched(row) for row in rows]


async def delete(db: Database, fetched_ids: Sequence[str]) -> None:
    """Forget copies whose objects are gone."""
    await db.execute("DELETE FROM fetched WHERE id = ANY ($1)", list(fetched_ids))


def _fetched(row: asyncpg.Record) -> Fetched:
    return Fetched(**{**row, "metadata": from_json(row["metadata"])})

"""The segment cache's catalogue in Postgres: what lies in storage under which key, and when it was last wanted.

An entry is there when its row is. The row is written after the bytes and removed before them, so that nobody is ever
promised what is not there; bytes without a row are nobody's and are collected.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.lifecycle import ACTIVE_RENDER

_COLUMNS = "cache_entries.key, size_bytes, facts, made_by, stored_at"


class Entry(msgspec.Struct, frozen=True):
    """An encoded part. `made_by` is the attempt of a render that made it, `facts` what its assembly must know."""

    key: str
    size_bytes: int
    facts: dict[str, Any]
    made_by: str
    stored_at: datetime


async def insert(db: Database, key: str, *, size_bytes: int, facts: object, made_by: str) -> None:
    """Say that an entry's bytes are there; of one that was there already they are new."""
    await db.execute(
        "INSERT INTO cache_entries (key, size_bytes, facts, made_by) VALUES ($1, $2, $3::jsonb, $4)"
        " ON CONFLICT (key) DO UPDATE SET size_bytes = excluded.size_bytes, facts = excluded.facts,"
        " made_by = excluded.made_by, stored_at = excluded.stored_at, used_at = excluded.used_at",
        key,
        size_bytes,
        to_json(facts),
        made_by,
    )


async def get_many(db: Database, keys: Sequence[str]) -> list[Entry]:
    """Those of the entries that are there."""
    rows = await db.fetch(f"SELECT {_COLUMNS} FROM cache_entries WHERE key = ANY($1::text[])", list(keys))
    return [_entry(row) for row in rows]


async def use(db: Database, keys: Sequence[str]) -> list[Entry]:
    """The same, and note that they are wanted now. Rows are locked in one order, so that two renders never wait in a ring."""
    rows = await db.fetch(
        "WITH wanted AS (SELECT key FROM cache_entries WHERE key = ANY($1::text[]) ORDER BY key FOR NO KEY UPDATE)"
        f" UPDATE cache_entries SET used_at = clock_timestamp() FROM wanted WHERE cache_entries.key = wanted.key"
        f" RETURNING {_COLUMNS}",
        list(keys),
    )
    return [_entry(row) for row in rows]


async def newest(db: Database, prefix: str, count: int) -> list[Entry]:
    """The entries of a kind that were used last, at most so many."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM cache_entries WHERE starts_with(key, $1) ORDER BY used_at DESC, key DESC LIMIT $2",
        prefix,
        count,
    )
    return [_entry(row) for row in rows]


async def forget(db: Database, entry: Entry) -> None:
    """Remove the row of an entry whose bytes are gone, unless they were stored anew meanwhile."""
    await db.execute("DELETE FROM cache_entries WHERE key = $1 AND stored_at = $2", entry.key, entry.stored_at)


async def evict(db: Database, *, max_bytes: int, unused_for_s: float) -> list[tuple[str, int]]:
    """Remove the rows of the least recently used entries until the rest fits; (key, bytes) of what is to be deleted.

    What an active render uses is left, and what was used within `unused_for_s`. That time is looked at again when the row
    is taken: a render which came for an entry while this statement ran has set it.
    """
    rows = await db.fetch(
        """
        WITH used AS (SELECT unnest(cache_keys) AS key FROM renders WHERE status = ANY($3::text[])),
            excess AS (SELECT coalesce(sum(size_bytes), 0) - $1::bigint AS bytes FROM cache_entries),
            idle AS (
                SELECT key, sum(size_bytes) OVER (ORDER BY used_at, key) - size_bytes AS bytes_before FROM cache_entries
                WHERE used_at < now() - make_interval(secs => $2) AND key NOT IN (SELECT key FROM used)
            )
        DELETE FROM cache_entries USING idle, excess
        WHERE cache_entries.key = idle.key AND idle.bytes_before < excess.bytes
            AND cache_entries.used_at < now() - make_interval(secs => $2)
        RETURNING cache_entries.key, cache_entries.size_bytes
        """,
        max_bytes,
        unused_for_s,
        list(ACTIVE_RENDER),
    )
    return [(row["key"], row["size_bytes"]) for row in rows]


async def fill_bytes(db: Database) -> int:
    """How full the cache is."""
    found: int = await db.fetch_value("SELECT coalesce(sum(size_bytes), 0)::bigint FROM cache_entries")
    return found


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(row["key"], row["size_bytes"], from_json(row["facts"]), row["made_by"], row["stored_at"])

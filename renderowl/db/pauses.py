"""Pauses of the queue in Postgres: what is not admitted until somebody resumes it."""

from datetime import datetime

import msgspec

from renderowl.db.database import Database


class Pause(msgspec.Struct, frozen=True):
    """`scope` is `all`, `class:<priority>` or `project:<id>`."""

    scope: str
    reason: str
    paused_at: datetime


async def put(db: Database, scope: str, reason: str) -> bool:
    """Store a pause; False when there was one, whose reason is replaced."""
    return bool(
        await db.fetch_value(
            "INSERT INTO queue_pauses (scope, reason) VALUES ($1, $2)"
            " ON CONFLICT (scope) DO UPDATE SET reason = $2 RETURNING xmax = 0",
            scope,
            reason,
        )
    )


async def delete(db: Database, scope: str | None) -> list[str]:
    """End one pause, or all of them, and return the scopes that were paused."""
    rows = await db.fetch("DELETE FROM queue_pauses WHERE $1::text IS NULL OR scope = $1 RETURNING scope", scope)
    return sorted(row["scope"] for row in rows)


async def list_all(db: Database) -> list[Pause]:
    """All pauses, oldest first."""
    rows = await db.fetch("SELECT scope, reason, paused_at FROM queue_pauses ORDER BY paused_at, scope")
    return [Pause(row["scope"], row["reason"], row["paused_at"]) for row in rows]

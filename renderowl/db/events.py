"""The durable lane in Postgres: append in the transaction of the change, read after a cursor, publish what a crash left."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.events import Event

_COLUMNS = "e.project_id, p.event_epoch, e.seq, e.type, e.render_id, e.asset_id, e.attempt, e.data"


async def append(
    db: Database,
    project_id: str,
    type: str,
    data: Mapping[str, Any],
    *,
    render_id: str | None = None,
    asset_id: str | None = None,
    attempt: int | None = None,
) -> Event:
    """Number and store an event in the caller's transaction.

    The project's row stays locked until the commit, so that commit order is sequence order. Take this lock last:
    render row, then step rows, then project row.
    """
    row = await db.fetch_one(
        """
        WITH numbered AS (
            UPDATE projects SET event_seq = event_seq + 1 WHERE id = $1 RETURNING event_seq, event_epoch
        ), stored AS (
            INSERT INTO events (project_id, seq, type, render_id, asset_id, attempt, data)
            SELECT $1, event_seq, $2, $3, $4, $5, $6::jsonb FROM numbered
        )
        SELECT event_seq, event_epoch FROM numbered
        """,
        project_id,
        type,
        render_id,
        asset_id,
        attempt,
        to_json(data),
    )
    if row is None:
        raise LookupError(f"project {project_id} is gone")
    return Event(
        project_id=project_id,
        epoch=row["event_epoch"],
        seq=row["event_seq"],
        type=type,  # type: ignore[arg-type]  # callers pass literals; the table is not the place to check
        data=dict(data),
        render_id=render_id,
        asset_id=asset_id,
        attempt=attempt,
    )


async def read_after(db: Database, project_id: str, after_seq: int, *, limit: int) -> list[Event]:
    """Up to `limit` events with a seq above `after_seq`, in order."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM events e JOIN projects p ON p.id = e.project_id"
        " WHERE e.project_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3",
        project_id,
        after_seq,
        limit,
    )
    return [_event(row) for row in rows]


async def read_after_of(db: Database, after: Mapping[str, int], *, limit: int) -> dict[str, list[Event]]:
    """The same of many projects, by project; of each the newest `limit` above its seq."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM unnest($1::text[], $2::bigint[]) AS asked(project_id, seq)"
        " JOIN projects p ON p.id = asked.project_id CROSS JOIN LATERAL (SELECT * FROM events"
        " WHERE project_id = p.id AND seq > asked.seq ORDER BY seq DESC LIMIT $3) e ORDER BY e.project_id, e.seq",
        list(after),
        list(after.values()),
        limit,
    )
    found: dict[str, list[Event]] = {}
    for row in rows:
        found.setdefault(row["project_id"], []).append(_event(row))
    return found


async def tops(db: Database, project_ids: list[str]) -> dict[str, tuple[str, int]]:
    """(epoch, newest seq) of many projects in one query."""
    rows = await db.fetch("SELECT id, event_epoch, event_seq FROM projects WHERE id = ANY($1::text[])", project_ids)
    return {row["id"]: (row["event_epoch"], row["event_seq"]) for row in rows}


async def mark_published(db: Database, events: list[Event]) -> None:
    """Note that these events have been published."""
    await db.execute(
        "UPDATE events SET published_at = now() FROM unnest($1::text[], $2::bigint[]) AS done(project_id, seq)"
        " WHERE events.project_id = done.project_id AND events.seq = done.seq AND published_at IS NULL",
        [event.project_id for event in events],
        [event.seq for event in events],
    )


async def unpublished(db: Database, *, older_than_s: float, limit: int) -> list[Event]:
    """Committed events that nobody has published for `older_than_s` seconds, oldest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM events e JOIN projects p ON p.id = e.project_id WHERE e.published_at IS NULL"
        " AND e.created_at < now() - make_interval(secs => $1) ORDER BY e.id LIMIT $2",
        older_than_s,
        limit,
    )
    return [_event(row) for row in rows]


def _event(row: asyncpg.Record) -> Event:
    return Event(
        project_id=row["project_id"],
        epoch=row["event_epoch"],
        seq=row["seq"],
        type=row["type"],
        data=from_json(row["data"]),
        render_id=row["render_id"],
        asset_id=row["asset_id"],
        attempt=row["attempt"],
    )

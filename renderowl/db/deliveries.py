"""Outgoing webhooks as rows, written in the transaction of what they tell: the outbox of the WebhookSender, and its log."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.ids import new_id
from renderowl.domain.records import Delivery

_NAMES = Delivery.__struct_fields__
_COLUMNS = ", ".join(_NAMES)
_QUALIFIED = ", ".join(f"deliveries.{name}" for name in _NAMES)


async def insert(
    db: Database,
    project_id: str,
    event_type: str,
    url: str,
    payload: Mapping[str, Any],
    *,
    render_id: str | None = None,
    webhook_id: str | None = None,
) -> str:
    """Put a webhook into the outbox and return the delivery's id."""
    delivery_id = new_id("dlv")
    await db.execute(
        "INSERT INTO deliveries (id, project_id, render_id, webhook_id, event_type, url, payload, next_attempt_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, now())",
        *(delivery_id, project_id, render_id, webhook_id, event_type, url, to_json(payload)),
    )
    return delivery_id


async def claim(db: Database, *, limit: int, per_project: int, busy: Sequence[str], lease_s: float) -> list[Delivery]:
    """Take due deliveries to send them now, the longest due first and only a few of each project; not of busy ones.

    Each counts as tried. One whose sender dies is due again after `lease_s`.
    """
    rows = await db.fetch(
        "WITH due AS (SELECT id, project_id, next_attempt_at FROM deliveries WHERE status = 'pending'"
        " AND next_attempt_at <= now() AND NOT project_id = ANY ($3) ORDER BY next_attempt_at LIMIT 500"
        " FOR UPDATE SKIP LOCKED),"
        " ranked AS (SELECT id, next_attempt_at, row_number() OVER"
        " (PARTITION BY project_id ORDER BY next_attempt_at) AS place FROM due),"
        " taken AS (SELECT id FROM ranked WHERE place <= $2 ORDER BY next_attempt_at LIMIT $1)"
        " UPDATE deliveries SET attempts = attempts + 1, last_attempt_at = now(),"
        " next_attempt_at = now() + make_interval(secs => $4),"
        " url = coalesce((SELECT url FROM webhooks WHERE webhooks.id = webhook_id), deliveries.url)"
        f" FROM taken WHERE deliveries.id = taken.id RETURNING {_QUALIFIED}",
        *(limit, per_project, list(busy), lease_s),
    )
    return [_delivery(row) for row in rows]


async def settle(
    db: Database,
    tried: Delivery,
    *,
    delivered: bool,
    again_in_s: float | None,
    response_status: int | None,
    response_body: str | None,
    error: str | None,
    duration_ms: int,
) -> bool:
    """Note how a try ended: delivered, to be tried again, or given up. False when it was replayed or taken meanwhile."""
    return bool(
        await db.execute(
            "UPDATE deliveries SET status = CASE WHEN $3 THEN 'delivered' WHEN $4::float8 IS NULL THEN 'failed'"
            " ELSE 'pending' END, delivered_at = CASE WHEN $3 THEN now() END,"
            " next_attempt_at = now() + make_interval(secs => $4), response_status = $5, response_body = $6, error = $7,"
            " duration_ms = $8 WHERE id = $1 AND attempts = $2 AND status = 'pending'",
            *(tried.id, tried.attempts, delivered, again_in_s, response_status, response_body, error, duration_ms),
        )
    )


async def give_up(db: Database, webhook_id: str, reason: str) -> int:
    """Try nothing more of what is left for a webhook; it stays listed and can be replayed."""
    return await db.execute(
        "UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, error = $2"
        " WHERE webhook_id = $1 AND status = 'pending'",
        *(webhook_id, reason),
    )


async def replay(db: Database, project_id: str, delivery_id: str) -> Delivery | None:
    """Make a delivery due now with all its tries before it, whatever became of it; None when there is none such."""
    row = await db.fetch_one(
        "UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = now(), error = NULL,"
        f" delivered_at = NULL WHERE project_id = $1 AND id = $2 RETURNING {_COLUMNS}",
        *(project_id, delivery_id),
    )
    return None if row is None else _delivery(row)


async def get(db: Database, project_id: str, delivery_id: str) -> Delivery | None:
    """One delivery of a project."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM deliveries WHERE project_id = $1 AND id = $2", project_id, delivery_id
    )
    return None if row is None else _delivery(row)


async def get_many(db: Database, project_id: str, delivery_ids: Sequence[str]) -> list[Delivery]:
    """Those of these deliveries of a project that are still known."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM deliveries WHERE project_id = $1 AND id = ANY ($2)", project_id, list(delivery_ids)
    )
    return [_delivery(row) for row in rows]


async def list_page(
    db: Database,
    project_id: str,
    *,
    before_id: str | None,
    limit: int,
    status: str | None,
    webhook_id: str | None,
    render_id: str | None,
) -> list[Delivery]:
    """The project's deliveries, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM deliveries WHERE project_id = $1 AND ($2::text IS NULL OR id < $2)"
        " AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR webhook_id = $4)"
        " AND ($5::text IS NULL OR render_id = $5) ORDER BY id DESC LIMIT $6",
        *(project_id, before_id, status, webhook_id, render_id, limit),
    )
    return [_delivery(row) for row in rows]


async def forget(db: Database, *, older_than_s: float, limit: int = 5000) -> int:
    """Drop the log of what was settled so long ago."""
    return await db.execute(
        "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE status <> 'pending'"
        " AND created_at < now() - make_interval(secs => $1) LIMIT $2)",
        *(older_than_s, limit),
    )


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(**{**row, "payload": from_json(row["payload"])})

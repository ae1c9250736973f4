"""Webhooks of projects in Postgres: where events are sent to, and which generation of its secret each is signed with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from renderowl.db.database import Database
from renderowl.domain.records import Webhook

_COLUMNS = ", ".join(Webhook.__struct_fields__)


class Generation(msgspec.Struct, frozen=True):
    """How often a secret was rotated, and when it was last; the one before is good for a while longer."""

    number: int
    rotated_at: datetime


async def insert(
    db: Database, webhook_id: str, project_id: str, *, url: str, description: str, events: Sequence[str], most: int
) -> Webhook | None:
    """Store a webhook in the caller's transaction; None when the project has `most` already."""
    # whoever makes one too many at the same moment waits here until the other's is counted
    await db.execute("SELECT 1 FROM projects WHERE id = $1 FOR NO KEY UPDATE", project_id)
    row = await db.fetch_one(
        "INSERT INTO webhooks (id, project_id, url, description, events) SELECT $1, $2, $3, $4, $5"
        f" WHERE (SELECT count(*) FROM webhooks WHERE project_id = $2) < $6 RETURNING {_COLUMNS}",
        *(webhook_id, project_id, url, description, list(events), most),
    )
    return None if row is None else _webhook(row)


async def get(db: Database, project_id: str, webhook_id: str) -> Webhook | None:
    """One webhook of a project."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM webhooks WHERE project_id = $1 AND id = $2", project_id, webhook_id
    )
    return None if row is None else _webhook(row)


async def list_page(db: Database, project_id: str, *, before_id: str | None, limit: int) -> list[Webhook]:
    """The project's webhooks, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM webhooks WHERE project_id = $1 AND ($2::text IS NULL OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        *(project_id, before_id, limit),
    )
    return [_webhook(row) for row in rows]


async def listening(db: Database, project_id: str, event_type: str) -> list[Webhook]:
    """The enabled webhooks of a project that want events of this type."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM webhooks WHERE project_id = $1 AND enabled AND $2 = ANY (events) ORDER BY id",
        *(project_id, event_type),
    )
    return [_webhook(row) for row in rows]


async def update(db: Database, webhook_id: str, changes: dict[str, Any]) -> Webhook | None:
    """Change url, description, events or enabled; enabling one forgets that it failed."""
    row = await db.fetch_one(
        "UPDATE webhooks SET url = coalesce($2, url), description = coalesce($3, description),"
        " events = coalesce($4, events), enabled = coalesce($5, enabled),"
        " disabled_reason = CASE WHEN $5 THEN NULL ELSE disabled_reason END,"
        " failing_since = CASE WHEN $5 OR $2 IS NOT NULL THEN NULL ELSE failing_since END, updated_at = now()"
        f" WHERE id = $1 RETURNING {_COLUMNS}",
        webhook_id,
        *(changes.get(name) for name in ("url", "description", "events", "enabled")),
    )
    return None if row is None else _webhook(row)


async def delete(db: Database, webhook_id: str) -> None:
    """Delete a webhook with its deliveries and its secret."""
    await db.execute("DELETE FROM webhook_secrets WHERE owner_id = $1", webhook_id)
    await db.execute("DELETE FROM webhooks WHERE id = $1", webhook_id)


async def succeeded(db: Database, webhook_id: str) -> None:
    """Note that a delivery came through."""
    await db.execute("UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL", webhook_id)


async def failed(db: Database, webhook_id: str, *, disable_after_s: float, reason: str) -> Webhook | None:
    """Note that a delivery did not come through; the webhook, if it has been failing so long that it is disabled now."""
    row = await db.fetch_one(
        "UPDATE webhooks SET failing_since = coalesce(failing_since, now()),"
        " enabled = coalesce(failing_since, now()) > now() - make_interval(secs => $2),"
        " disabled_reason = CASE WHEN coalesce(failing_since, now()) > now() - make_interval(secs => $2)"
        f" THEN NULL ELSE $3 END WHERE id = $1 AND enabled RETURNING {_COLUMNS}",
        *(webhook_id, disable_after_s, reason),
    )
    return None if row is None or row["enabled"] else _webhook(row)


async def generation(db: Database, owner_id: str) -> Generation | None:
    """How often the secret of a webhook, or of a project, was rotated; None is never."""
    row = await db.fetch_one("SELECT generation, rotated_at FROM webhook_secrets WHERE owner_id = $1", owner_id)
    return None if row is None else Generation(row["generation"], row["rotated_at"])


async def rotate(db: Database, owner_id: str, project_id: str) -> Generation:
    """Begin the next generation."""
    row = await db.fetch_one(
        "INSERT INTO webhook_secrets (owner_id, project_id, generation, rotated_at) VALUES ($1, $2, 1, now())"
        " ON CONFLICT (owner_id) DO UPDATE SET generation = webhook_secrets.generation + 1, rotated_at = now()"
        " RETURNING generation, rotated_at",
        *(owner_id, project_id),
    )
    assert row is not None
    return Generation(row["generation"], row["rotated_at"])


def _webhook(row: asyncpg.Record) -> Webhook:
    return Webhook(**row)

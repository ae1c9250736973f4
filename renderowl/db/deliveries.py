"""Outgoing webhooks as rows, written in the transaction of what they tell: the outbox of the WebhookSender."""

from collections.abc import Mapping
from typing import Any

from renderowl.db.database import Database, to_json
from renderowl.domain.ids import new_id


async def insert(
    db: Database, project_id: str, render_id: str | None, event_type: str, url: str, payload: Mapping[str, Any]
) -> str:
    """Put a webhook into the outbox and return the delivery's id."""
    delivery_id = new_id("dlv")
    await db.execute(
        "INSERT INTO deliveries (id, project_id, render_id, event_type, url, payload, next_attempt_at)"
        " VALUES ($1, $2, $3, $4, $5, $6::jsonb, now())",
        delivery_id,
        project_id,
        render_id,
        event_type,
        url,
        to_json(payload),
    )
    return delivery_id

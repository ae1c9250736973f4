"""Facts: append an event in the transaction of its change, publish it after the commit."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from renderowl.db import deliveries, events, renders, webhooks
from renderowl.db.database import Transaction
from renderowl.domain.events import WEBHOOK_EVENTS, DurableType, Event, Progress
from renderowl.domain.records import Render
from renderowl.services import triggering
from renderowl.services.context import Context
from renderowl.services.views import brief

LEFT_BEHIND_S: Final = 0.25
"""An event that is still unpublished so long after its transaction began is taken for left behind."""


async def record(
    ctx: Context,
    tx: Transaction,
    project_id: str,
    type: DurableType,
    data: Mapping[str, Any],
    *,
    render_id: str | None = None,
    asset_id: str | None = None,
    attempt: int | None = None,
) -> Event:
    """Store the event now, with what is to be sent of it and done for it, and publish it once `tx` is committed.

    Call it last: it locks the project's row.
    """
    if type in WEBHOOK_EVENTS:
        about = {"render_id": render_id, "asset_id": asset_id}
        payload = envelope(type, project_id, data, **{name: value for name, value in about.items() if value})
        for webhook in await webhooks.listening(ctx.db, project_id, type):
            await deliveries.insert(
                ctx.db, project_id, type, webhook.url, payload, render_id=render_id, webhook_id=webhook.id
            )
    event = await events.append(ctx.db, project_id, type, data, render_id=render_id, asset_id=asset_id, attempt=attempt)
    await triggering.by_event(ctx, event)

    async def publish() -> None:
        await ctx.bus.publish_event(event)
        await events.mark_published(ctx.db, [event])

    tx.after_commit.append(publish)
    return event


async def record_render(ctx: Context, tx: Transaction, type: DurableType, render: Render) -> Event:
    """Record an event about a render that says what the render is now. Call it last, as `record`."""
    return await record(ctx, tx, render.project_id, type, brief(render), render_id=render.id, attempt=render.attempt)


def envelope(type: str, project_id: str, data: Mapping[str, Any], **about: str) -> dict[str, Any]:
    """The body of a webhook: what happened when, to what, and the same `data` that the room is told."""
    timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"type": type, "timestamp": timestamp, "project_id": project_id, **about, "data": dict(data)}


async def keep_told(ctx: Context) -> int:
    """Keep in Postgres what Redis says of the renders at work, and return of how many there was news that was kept."""
    at_work = {render.id: render for render in await renders.list_at_work(ctx.db)}
    newest = await ctx.bus.newest_progress(list(at_work))
    news: dict[str, tuple[int, Progress]] = {}
    for render_id, (attempt, progress) in newest.items():
        render = at_work[render_id]
        if attempt == render.attempt and not render.reached.reaches(progress):
            news[render_id] = (attempt, progress.furthest(render.reached))
    return len(news) - len(await renders.keep_told(ctx.db, news)) if news else 0


async def relay(ctx: Context, *, older_than_s: float = LEFT_BEHIND_S, limit: int = 500) -> int:
    """Publish committed events that a crash left unpublished and return how many; the relay actor's tick."""
    left = await events.unpublished(ctx.db, older_than_s=older_than_s, limit=limit)
    for event in left:
        await ctx.bus.publish_event(event)
    if left:
        await events.mark_published(ctx.db, left)
    return len(left)

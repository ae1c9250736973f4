"""Webhooks of a project: where its events are sent to, what they are signed with, and what became of them.

A secret is not stored: it is derived from the installation's own, whose it is and how often it was rotated. What goes to
a render's `webhook_url` is signed with the project's.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from renderowl.db import deliveries
from renderowl.db import webhooks as rows
from renderowl.db.webhooks import Generation
from renderowl.domain.errors import Conflict, FieldError, NotFound, ValidationFailed
from renderowl.domain.events import WebhookEvent
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.records import Delivery, DeliveryStatus, Principal, Webhook
from renderowl.domain.spec.fields import Spec
from renderowl.security.standard_webhooks import told_secret
from renderowl.services import projects
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut
from renderowl.services.publishing import envelope

MAX_WEBHOOKS: Final = 20
GRACE: Final = timedelta(hours=24)
"""How long a rotated secret still signs beside the new one."""

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Description = Annotated[str, Meta(max_length=500)]
Events = Annotated[list[WebhookEvent], Meta(min_length=1, max_length=20)]


class WebhookCreate(Spec, frozen=True):
    """Where to send events, and which."""

    url: Url
    description: Description = ""
    events: Events = msgspec.field(default_factory=lambda: ["render.completed", "render.failed", "render.cancelled"])


class WebhookUpdate(Spec, frozen=True):
    """What to change of a webhook; a field that is left out stays. `enabled: true` forgets what has failed."""

    url: Url | None = None
    description: Description | None = None
    events: Events | None = None
    enabled: bool | None = None


class SecretView(msgspec.Struct, frozen=True):
    """What receivers verify with. `previous` signs beside it until `previous_until`."""

    secret: str
    previous: str | None = None
    previous_until: datetime | None = None


async def create(ctx: Context, principal: Principal, project_id: str, asked: WebhookCreate) -> Webhook:
    """Make a webhook. Raises ValidationFailed for a URL that is not sent to, Conflict when there are too many."""
    await projects.get(ctx, principal, project_id, "write")
    check_url(ctx, asked.url, "/url")
    async with ctx.db.transaction():
        made = await rows.insert(
            ctx.db,
            new_id("whk"),
            project_id,
            url=asked.url,
            description=asked.description,
            events=sorted(set(asked.events)),
            most=MAX_WEBHOOKS,
        )
    if made is None:
        raise Conflict(f"the project has {MAX_WEBHOOKS} webhooks already")
    return made


async def get(ctx: Context, principal: Principal, project_id: str, webhook_id: str, *, write: bool = False) -> Webhook:
    """One webhook of the caller's. Raises NotFound."""
    await projects.get(ctx, principal, project_id, "write" if write else "read")
    found = await rows.get(ctx.db, project_id, webhook_id) if is_id(webhook_id, "whk") else None
    if found is None:
        raise NotFound(f"there is no webhook {webhook_id!r} in this project")
    return found


async def list_page(ctx: Context, principal: Principal, project_id: str, page: PageRequest) -> Page[Webhook]:
    """The project's webhooks, newest first."""
    await projects.get(ctx, principal, project_id)
    found = await rows.list_page(ctx.db, project_id, before_id=page.before_id("whk"), limit=page.limit + 1)
    return cut(found, page.limit, [one.id for one in found])


async def update(ctx: Context, principal: Principal, project_id: str, webhook_id: str, asked: WebhookUpdate) -> Webhook:
    """Change a webhook."""
    await get(ctx, principal, project_id, webhook_id, write=True)
    if asked.url is not None:
        check_url(ctx, asked.url, "/url")
    changed = await rows.update(ctx.db, webhook_id, msgspec.structs.asdict(asked))
    if changed is None:
        raise NotFound(f"there is no webhook {webhook_id!r} in this project")
    return changed


async def delete(ctx: Context, principal: Principal, project_id: str, webhook_id: str) -> None:
    """Delete a webhook with the log of its deliveries."""
    await get(ctx, principal, project_id, webhook_id, write=True)
    async with ctx.db.transaction():
        await rows.delete(ctx.db, webhook_id)


async def send_test(ctx: Context, principal: Principal, project_id: str, webhook_id: str) -> Delivery:
    """Send `webhook.test` to a webhook, enabled or not."""
    webhook = await get(ctx, principal, project_id, webhook_id, write=True)
    payload = envelope("webhook.test", project_id, {"webhook_id": webhook_id})
    delivery_id = await deliveries.insert(
        ctx.db, project_id, "webhook.test", webhook.url, payload, webhook_id=webhook_id
    )
    return await get_delivery(ctx, principal, project_id, delivery_id)


# --- secrets -------------------------------------------------------------------------------------------------------


async def secret(ctx: Context, principal: Principal, project_id: str, webhook_id: str | None) -> SecretView:
    """What a webhook's deliveries are signed with; without one, those to the `webhook_url` of the project's renders."""
    owner_id = await _owner(ctx, principal, project_id, webhook_id)
    return _secret_view(ctx, owner_id, await rows.generation(ctx.db, owner_id))


async def rotate(ctx: Context, principal: Principal, project_id: str, webhook_id: str | None) -> SecretView:
    """Begin a new secret; for a day deliveries are signed with both."""
    owner_id = await _owner(ctx, principal, project_id, webhook_id)
    return _secret_view(ctx, owner_id, await rows.rotate(ctx.db, owner_id, project_id))


async def signing_keys(ctx: Context, delivery: Delivery) -> list[bytes]:
    """What a delivery is signed with now: what its receiver is told first, then what it may have been told earlier."""
    owner_id = delivery.webhook_id or delivery.project_id
    generation = await rows.generation(ctx.db, owner_id)
    keys = _keys(ctx, owner_id, 0 if generation is None else generation.number)
    if generation is not None and datetime.now(UTC) < generation.rotated_at + GRACE:
        keys += _keys(ctx, owner_id, generation.number - 1)
    return keys


async def _owner(ctx: Context, principal: Principal, project_id: str, webhook_id: str | None) -> str:
    if webhook_id is not None:
        return (await get(ctx, principal, project_id, webhook_id, write=True)).id
    return (await projects.get(ctx, principal, project_id, "write")).id


def _secret_view(ctx: Context, owner_id: str, generation: Generation | None) -> SecretView:
    if generation is None:
        return SecretView(_told(ctx, owner_id, 0))
    now, until = _told(ctx, owner_id, generation.number), generation.rotated_at + GRACE
    if datetime.now(UTC) >= until:
        return SecretView(now)
    return SecretView(now, _told(ctx, owner_id, generation.number - 1), until)


def _told(ctx: Context, owner_id: str, generation: int) -> str:
    return told_secret(_keys(ctx, owner_id, generation)[0])


def _keys(ctx: Context, owner_id: str, generation: int) -> list[bytes]:
    """The key of a generation, then what it was under other secrets: receivers may still verify with those."""
    return ctx.keyring.keys(f"webhook:{owner_id}:{generation}")


# --- deliveries ----------------------------------------------------------------------------------------------------


async def get_delivery(ctx: Context, principal: Principal, project_id: str, delivery_id: str) -> Delivery:
    """One delivery of the caller's. Raises NotFound."""
    await projects.get(ctx, principal, project_id)
    found = await deliveries.get(ctx.db, project_id, delivery_id) if is_id(delivery_id, "dlv") else None
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id!r} in this project")
    return found


async def list_deliveries(
    ctx: Context,
    principal: Principal,
    project_id: str,
    page: PageRequest,
    *,
    status: DeliveryStatus | None = None,
    webhook_id: str | None = None,
    render_id: str | None = None,
) -> Page[Delivery]:
    """What was sent for a project, newest first."""
    await projects.get(ctx, principal, project_id)
    for name, value in (("webhook_id", webhook_id), ("render_id", render_id)):
        if value is not None and "\x00" in value:
            raise ValidationFailed(errors=[FieldError(f"/{name}", "is no id")])
    found = await deliveries.list_page(
        ctx.db,
        project_id,
        before_id=page.before_id("dlv"),
        limit=page.limit + 1,
        status=status,
        webhook_id=webhook_id,
        render_id=render_id,
    )
    return cut(found, page.limit, [one.id for one in found])


async def replay(ctx: Context, principal: Principal, project_id: str, delivery_id: str) -> Delivery:
    """Send a delivery again, with the same id and body, whatever became of it."""
    await projects.get(ctx, principal, project_id, "write")
    found = await deliveries.replay(ctx.db, project_id, delivery_id) if is_id(delivery_id, "dlv") else None
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id!r} in this project")
    return found


def check_url(ctx: Context, url: str, at: str) -> None:
    """Raise ValidationFailed when nothing is sent to this URL, whatever its name resolves to."""
    if problem := ctx.outbound.places.problem(url):
        raise ValidationFailed(errors=[FieldError(at, problem)])

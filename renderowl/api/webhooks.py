"""Routes of webhooks, of what they are signed with and of what was delivered."""

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.bodies import Body
from renderowl.domain.records import Delivery, DeliveryStatus, Webhook
from renderowl.services import webhooks
from renderowl.services.paging import Page
from renderowl.services.webhooks import SecretView, WebhookCreate, WebhookUpdate


@get("/webhooks", summary="List webhooks")
async def list_webhooks(ctx: Ctx, principal: Caller, project_id: FromPath[str], page: PageAsked) -> Page[Webhook]:
    """The project's webhooks, newest first."""
    return await webhooks.list_page(ctx, principal, project_id, page)


@post("/webhooks", dto=Body[WebhookCreate], return_dto=None, summary="Create a webhook")
async def create_webhook(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], data: JSONBody[WebhookCreate]
) -> Webhook:
    """Have the project's events sent to a URL, signed as Standard Webhooks; see `docs/webhooks.md`."""
    return await webhooks.create(ctx, principal, project_id, data)


@get("/webhooks/{webhook_id:str}", summary="Get a webhook")
async def get_webhook(ctx: Ctx, principal: Caller, project_id: FromPath[str], webhook_id: FromPath[str]) -> Webhook:
    """One webhook; `disabled_reason` says why it was switched off, if we did it."""
    return await webhooks.get(ctx, principal, project_id, webhook_id)


@patch("/webhooks/{webhook_id:str}", dto=Body[WebhookUpdate], return_dto=None, summary="Change a webhook")
async def update_webhook(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], webhook_id: FromPath[str], data: JSONBody[WebhookUpdate]
) -> Webhook:
    """Change url, description, events, or switch it off and on."""
    return await webhooks.update(ctx, principal, project_id, webhook_id, data)


@delete("/webhooks/{webhook_id:str}", summary="Delete a webhook")
async def delete_webhook(ctx: Ctx, principal: Caller, project_id: FromPath[str], webhook_id: FromPath[str]) -> None:
    """Delete it with the log of its deliveries."""
    await webhooks.delete(ctx, principal, project_id, webhook_id)


@post("/webhooks/{webhook_id:str}/test", status_code=202, summary="Send a test event")
async def send_test_event(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], webhook_id: FromPath[str]
) -> Delivery:
    """Send `webhook.test`; the delivery says what became of it."""
    return await webhooks.send_test(ctx, principal, project_id, webhook_id)


@get("/webhooks/{webhook_id:str}/secret", summary="Get a webhook's secret")
async def get_secret(ctx: Ctx, principal: Caller, project_id: FromPath[str], webhook_id: FromPath[str]) -> SecretView:
    """What its receiver verifies signatures with."""
    return await webhooks.secret(ctx, principal, project_id, webhook_id)


@post("/webhooks/{webhook_id:str}/secret/rotate", status_code=200, summary="Rotate a webhook's secret")
async def rotate_secret(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], webhook_id: FromPath[str]
) -> SecretView:
    """Begin a new secret; for 24 hours deliveries are signed with both."""
    return await webhooks.rotate(ctx, principal, project_id, webhook_id)


@get("/webhook-secret", summary="Get the secret of webhook_url")
async def get_project_secret(ctx: Ctx, principal: Caller, project_id: FromPath[str]) -> SecretView:
    """What is sent to the `webhook_url` of the project's renders is signed with this."""
    return await webhooks.secret(ctx, principal, project_id, None)


@post("/webhook-secret/rotate", status_code=200, summary="Rotate the secret of webhook_url")
async def rotate_project_secret(ctx: Ctx, principal: Caller, project_id: FromPath[str]) -> SecretView:
    """Begin a new secret; for 24 hours deliveries are signed with both."""
    return await webhooks.rotate(ctx, principal, project_id, None)


@get("/deliveries", summary="List deliveries")
async def list_deliveries(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    page: PageAsked,
    status: FromQuery[DeliveryStatus | None] = None,
    webhook_id: FromQuery[str | None] = None,
    render_id: FromQuery[str | None] = None,
) -> Page[Delivery]:
    """What was sent, newest first, with the last answer of each; kept for 30 days."""
    return await webhooks.list_deliveries(
        ctx, principal, project_id, page, status=status, webhook_id=webhook_id, render_id=render_id
    )


@get("/deliveries/{delivery_id:str}", summary="Get a delivery")
async def get_delivery(ctx: Ctx, principal: Caller, project_id: FromPath[str], delivery_id: FromPath[str]) -> Delivery:
    """One delivery: its body, how often it was tried and what came back."""
    return await webhooks.get_delivery(ctx, principal, project_id, delivery_id)


@post("/deliveries/{delivery_id:str}/replay", status_code=202, summary="Replay a delivery")
async def replay_delivery(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], delivery_id: FromPath[str]
) -> Delivery:
    """Send it again with the same id and body, whatever became of it."""
    return await webhooks.replay(ctx, principal, project_id, delivery_id)


router = Router(
    "/projects/{project_id:str}",
    route_handlers=[
        list_webhooks,
        create_webhook,
        get_webhook,
        update_webhook,
        delete_webhook,
        send_test_event,
        get_secret,
        rotate_secret,
        get_project_secret,
        rotate_project_secret,
        list_deliveries,
        get_delivery,
        replay_delivery,
    ],
)

"""Routes of automations: rules of a project, running them, what they did, and the URL that signed requests go to."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request, Router, delete, get, patch, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, FromQuery, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.bodies import Body, Unread
from renderowl.api.renders import IdempotencyKey
from renderowl.api.reports import SIGNATURE_HEADER
from renderowl.domain.automations import ExecutionStatus
from renderowl.services import automations, executions
from renderowl.services.automations import (
    AutomationCreate,
    AutomationMade,
    AutomationSecret,
    AutomationUpdate,
    AutomationView,
    TriggerInput,
)
from renderowl.services.context import Context
from renderowl.services.executions import ExecutionView
from renderowl.services.paging import Page

MAX_REQUEST_BYTES: Final = 65_536
_TIMESTAMP: Final = "renderowl.signed_at"


@get("/automations", summary="List automations")
async def list_automations(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], page: PageAsked
) -> Page[AutomationView]:
    """The project's automations, newest first."""
    return await automations.list_page(ctx, principal, project_id, page)


@post("/automations", dto=Unread[AutomationCreate], return_dto=None, summary="Create an automation")
async def create_automation(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], data: JSONBody[Any]
) -> AutomationMade:
    """Have something done whenever something happens; see `docs/automations.md`. `secret` is told only now."""
    asked = await automations.read_asked(ctx, data, AutomationCreate)
    return await automations.create(ctx, principal, project_id, asked)


@get("/automations/{auto_id:str}", summary="Get an automation")
async def get_automation(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], auto_id: FromPath[str]
) -> AutomationView:
    """One automation; `next_due_at` is when its schedule is due next."""
    return automations.view(ctx, await automations.get(ctx, principal, project_id, auto_id))


@patch("/automations/{auto_id:str}", dto=Unread[AutomationUpdate], return_dto=None, summary="Change an automation")
async def update_automation(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    auto_id: FromPath[str],
    data: JSONBody[Any],
) -> AutomationView:
    """Change name, trigger or actions, or switch it off and on; what waits is dropped when it is switched off."""
    asked = await automations.read_asked(ctx, data, AutomationUpdate)
    return await automations.update(ctx, principal, project_id, auto_id, asked)


@delete("/automations/{auto_id:str}", summary="Delete an automation")
async def delete_automation(ctx: Ctx, principal: Caller, project_id: FromPath[str], auto_id: FromPath[str]) -> None:
    """Delete it with the log of its executions."""
    await automations.delete(ctx, principal, project_id, auto_id)


@post(
    "/automations/{auto_id:str}/secret/rotate",
    status_code=200,
    summary="Rotate the secret of an automation's URL",
)
async def rotate_automation_secret(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], auto_id: FromPath[str]
) -> AutomationSecret:
    """Begin a new secret, told only now; for 24 hours the one before is good too."""
    return await automations.rotate(ctx, principal, project_id, auto_id)


@post(
    "/automations/{auto_id:str}/trigger",
    dto=Body[TriggerInput],
    return_dto=None,
    status_code=202,
    summary="Trigger an automation",
)
async def trigger_automation(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    auto_id: FromPath[str],
    data: JSONBody[TriggerInput],
    idempotency_key: IdempotencyKey = None,
) -> ExecutionView:
    """Run it now, whatever its trigger; `input` is what templates find below `trigger`."""
    made = await automations.trigger(ctx, principal, project_id, auto_id, data, idempotency_key)
    return await executions.look(ctx, made)


@get("/automations/{auto_id:str}/executions", summary="List executions")
async def list_executions(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    auto_id: FromPath[str],
    page: PageAsked,
    status: FromQuery[ExecutionStatus | None] = None,
) -> Page[ExecutionView]:
    """What it did, newest first: what triggered it, what was sent and what came back; kept for 30 days."""
    return await executions.list_page(ctx, principal, project_id, auto_id, page, status=status)


@get("/automations/{auto_id:str}/executions/{execution_id:str}", summary="Get an execution")
async def get_execution(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], auto_id: FromPath[str], execution_id: FromPath[str]
) -> ExecutionView:
    """One run of it."""
    return await executions.get(ctx, principal, project_id, auto_id, execution_id)


@dataclass
class _Signed(Operation):
    """What is sent there: read only once its signature is known to be good, and so by no parameter of the handler."""

    def __post_init__(self) -> None:
        media = OpenAPIMediaType(
            schema=Schema(type=OpenAPIType.OBJECT), example={"video_url": "https://media.example/a.mp4"}
        )
        self.request_body = RequestBody(content={"application/json": media}, required=True)


class AutomationReceipt(msgspec.Struct, frozen=True):
    """Which execution the request makes; the same request again names the same one."""

    execution_id: str


async def require_signature(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Look at who is calling before anything is read of what they say. Raises Unauthenticated."""
    assert isinstance(connection, Request)
    ctx: Context = connection.app.state["context"]
    header = connection.headers.get(SIGNATURE_HEADER)
    auto_id: str = connection.path_params["auto_id"]
    connection.scope["state"][_TIMESTAMP] = await automations.verify(ctx, auto_id, header, await connection.body())


@post(
    "/webhooks/automation/{auto_id:str}",
    guards=[require_signature],
    operation_class=_Signed,
    status_code=202,
    request_max_body_size=MAX_REQUEST_BYTES,
    security=[{"automation": []}],
    summary="Trigger an automation by a signed request",
)
async def receive_webhook(ctx: Ctx, request: Request[Any, Any, Any], auto_id: FromPath[str]) -> AutomationReceipt:
    """A JSON object, at most 64 KB, signed with the automation's secret within five minutes; templates find it below
    `trigger`. The same request again is the same execution.
    """
    timestamp: int = request.scope["state"][_TIMESTAMP]
    return AutomationReceipt(await automations.receive(ctx, auto_id, timestamp, await request.body()))


router = Router(
    "/projects/{project_id:str}",
    route_handlers=[
        list_automations,
        create_automation,
        get_automation,
        update_automation,
        delete_automation,
        rotate_automation_secret,
        trigger_automation,
        list_executions,
        get_execution,
    ],
)
handlers = [receive_webhook]

"""Executions of automations as their owners see them: what triggered each, what was sent and what came back."""

from datetime import datetime
from typing import Any

import msgspec

from renderowl.db import deliveries
from renderowl.db import executions as rows
from renderowl.domain.automations import Execution, ExecutionStatus, TriggerType
from renderowl.domain.errors import NotFound
from renderowl.domain.ids import is_id
from renderowl.domain.records import DeliveryStatus, Principal
from renderowl.services import automations
from renderowl.services.actions import ActionResult
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut
from renderowl.services.views import RenderError


class Came(msgspec.Struct, frozen=True):
    """What came back for a webhook, as far as it was sent."""

    status: DeliveryStatus
    attempts: int
    response_status: int | None
    response_body: str | None
    error: str | None


class ResultView(ActionResult, frozen=True, omit_defaults=True):
    """What came of one action; `answer` is what a called webhook said."""

    answer: Came | None = None


class ExecutionView(msgspec.Struct, frozen=True):
    """One run of a rule: what triggered it, what was sent, what came back."""

    id: str
    automation_id: str
    trigger_type: TriggerType
    status: ExecutionStatus
    due_at: datetime | None
    input: dict[str, Any]
    results: list[ResultView]
    error: RenderError | None
    chain: list[str]
    created_at: datetime
    finished_at: datetime | None


async def get(
    ctx: Context, principal: Principal, project_id: str, automation_id: str, execution_id: str
) -> ExecutionView:
    """One execution of the caller's. Raises NotFound."""
    automation = await automations.get(ctx, principal, project_id, automation_id)
    found = await rows.get(ctx.db, execution_id) if is_id(execution_id, "exe") else None
    if found is None or found.automation_id != automation.id:
        raise NotFound(f"there is no execution {execution_id!r} of this automation")
    return (await _views(ctx, project_id, [found]))[0]


async def list_page(
    ctx: Context,
    principal: Principal,
    project_id: str,
    automation_id: str,
    page: PageRequest,
    *,
    status: ExecutionStatus | None = None,
) -> Page[ExecutionView]:
    """What an automation did, newest first."""
    automation = await automations.get(ctx, principal, project_id, automation_id)
    found = await rows.list_page(
        ctx.db, automation.id, before_id=page.before_id("exe"), limit=page.limit + 1, status=status
    )
    return cut(await _views(ctx, project_id, found), page.limit, [one.id for one in found])


async def look(ctx: Context, execution_id: str) -> ExecutionView:
    """An execution that was just made. Raises NotFound when its automation was deleted meanwhile."""
    found = await rows.get(ctx.db, execution_id)
    if found is None:
        raise NotFound("the automation was deleted just now")
    return (await _views(ctx, found.project_id, [found]))[0]


async def _views(ctx: Context, project_id: str, found: list[Execution]) -> list[ExecutionView]:
    """Executions with what came back for their webhooks."""
    named = [result["delivery_id"] for one in found for result in one.results if "delivery_id" in result]
    answers = {
        delivery.id: Came(
            delivery.status, delivery.attempts, delivery.response_status, delivery.response_body, delivery.error
        )
        for delivery in (await deliveries.get_many(ctx.db, project_id, named) if named else [])
    }
    fields = [name for name in ExecutionView.__struct_fields__ if name not in ("results", "error")]
    return [
        ExecutionView(
            **{name: getattr(one, name) for name in fields},
            results=[ResultView(**result, answer=answers.get(result.get("delivery_id", ""))) for result in one.results],
            error=None if one.error is None else msgspec.convert(one.error, RenderError),
        )
        for one in found
    ]

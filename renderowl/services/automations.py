"""Automations of a project: rules that callers make and change, trigger by hand or by signed requests, and look after.

What a request to a webhook trigger is signed with is derived as the secrets of webhooks are, and told once: when the
automation is made and when its secret is rotated.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from renderowl.db import automations as rows
from renderowl.db import executions, webhooks
from renderowl.domain import cron
from renderowl.domain.automations import Automation, ScheduleTrigger, Trigger
from renderowl.domain.errors import (
    Conflict,
    FieldError,
    MalformedRequest,
    NotFound,
    QuotaExceeded,
    ValidationFailed,
)
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.placing import once
from renderowl.domain.records import Principal
from renderowl.domain.spec.fields import Name, Spec
from renderowl.domain.spec.reading import canonical, read
from renderowl.pipeline.ask import refuse
from renderowl.security.webhooks import verify_webhook
from renderowl.services import actions as action_services
from renderowl.services import projects, triggering
from renderowl.services.actions import MAX_ACTIONS, Action
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut
from renderowl.services.renders import check_idempotency_key
from renderowl.services.views import error_record
from renderowl.services.webhooks import GRACE

Actions = Annotated[list[Action], Meta(min_length=1, max_length=MAX_ACTIONS)]


class AutomationCreate(Spec, frozen=True):
    """A rule: what triggers it, and what is done then, in this order until one fails."""

    name: Name
    trigger: Trigger
    actions: Actions
    enabled: bool = True


class AutomationUpdate(Spec, frozen=True):
    """What to change; a field that is left out stays. Switching off drops what waits."""

    name: Name | None = None
    trigger: Trigger | None = None
    actions: Actions | None = None
    enabled: bool | None = None


A = TypeVar("A", AutomationCreate, AutomationUpdate)


class TriggerInput(Spec, frozen=True):
    """What templates find below `trigger`."""

    input: dict[str, Any] = msgspec.field(default_factory=dict)


class AutomationView(msgspec.Struct, frozen=True):
    """A rule as callers see it; `url` is where requests of a webhook trigger go to."""

    id: str
    project_id: str
    name: str
    enabled: bool
    trigger: Trigger
    actions: list[Action]
    url: str | None
    next_due_at: datetime | None
    last_triggered_at: datetime | None
    trigger_count: int
    created_at: datetime
    updated_at: datetime


class AutomationMade(AutomationView, frozen=True):
    """A new rule. `secret` is what requests to its URL are signed with; it is told only here and when it is rotated."""

    secret: str | None = None


class AutomationSecret(msgspec.Struct, frozen=True):
    """The new secret; the one before is good until `previous_until`."""

    secret: str
    previous_until: datetime


async def read_asked(ctx: Context, document: object, cls: type[A]) -> A:
    """Read a body as a new automation, or as what to change of one.

    Raises ValidationFailed, and then with everything: the body's own problems, and all that can be known to be wrong
    with what is left of its trigger and actions.
    """
    reading = read(document, cls, at="")
    if reading.value is not None:
        return reading.value
    errors = list(reading.errors)
    if isinstance(document, Mapping):
        if (trigger := reading.right.get("trigger")) is not None:
            errors += _too_often(ctx, msgspec.convert(trigger, Trigger))
        errors += await action_services.problems(ctx, canonical(document, cls).get("actions"))
    refuse(once(errors))


async def create(ctx: Context, principal: Principal, project_id: str, asked: AutomationCreate) -> AutomationMade:
    """Make an automation. Raises ValidationFailed with everything that is wrong, or QuotaExceeded."""
    await projects.get(ctx, principal, project_id, "write")
    stored = await _check(ctx, asked.trigger, asked.actions)
    now = datetime.now(UTC)
    automation = Automation(
        id=new_id("aut"),
        project_id=project_id,
        name=asked.name,
        enabled=asked.enabled,
        trigger=msgspec.to_builtins(asked.trigger),
        actions=stored or [],
        next_due_at=_next_due(asked.trigger, await rows.now(ctx.db)) if asked.enabled else None,
        last_triggered_at=None,
        trigger_count=0,
        created_by=principal.user_id,
        created_at=now,
        updated_at=now,
    )
    most = ctx.settings.automations_per_account
    async with ctx.db.transaction():
        if not await rows.insert(ctx.db, automation, most=most):
            raise QuotaExceeded(f"an account may have {most} automations; this one has as many")
    secret = _keys(ctx, automation.id, 0)[0] if automation.trigger["type"] == "webhook" else None
    return AutomationMade(**msgspec.structs.asdict(view(ctx, automation)), secret=secret)


async def get(
    ctx: Context, principal: Principal, project_id: str, automation_id: str, *, write: bool = False
) -> Automation:
    """One automation of the caller's. Raises NotFound."""
    await projects.get(ctx, principal, project_id, "write" if write else "read")
    known = is_id(automation_id, "aut")
    found = await rows.get(ctx.db, automation_id, project_id=project_id) if known else None
    if found is None:
        raise NotFound(f"there is no automation {automation_id!r} in this project")
    return found


async def list_page(ctx: Context, principal: Principal, project_id: str, page: PageRequest) -> Page[AutomationView]:
    """The project's automations, newest first."""
    await projects.get(ctx, principal, project_id)
    found = await rows.list_page(ctx.db, project_id, before_id=page.before_id("aut"), limit=page.limit + 1)
    return cut([view(ctx, one) for one in found], page.limit, [one.id for one in found])


async def update(
    ctx: Context, principal: Principal, project_id: str, automation_id: str, asked: AutomationUpdate
) -> AutomationView:
    """Change an automation. A schedule that is changed or switched on again begins anew from now."""
    await get(ctx, principal, project_id, automation_id, write=True)
    stored = await _check(ctx, asked.trigger, asked.actions)
    async with ctx.db.transaction():
        now = await rows.now(ctx.db)
        held = await rows.get(ctx.db, automation_id, project_id=project_id, lock=True)
        if held is None:
            raise NotFound(f"there is no automation {automation_id!r} in this project")
        enabled = held.enabled if asked.enabled is None else asked.enabled
        trigger = held.trigger if asked.trigger is None else msgspec.to_builtins(asked.trigger)
        goes_on = enabled and held.enabled and trigger == held.trigger
        starts = _next_due(msgspec.convert(trigger, Trigger), now) if enabled else None
        changed = await rows.update(
            ctx.db,
            automation_id,
            {
                "name": held.name if asked.name is None else asked.name,
                "enabled": enabled,
                "trigger": trigger,
                "actions": held.actions if stored is None else stored,
                "next_due_at": held.next_due_at if goes_on else starts,
            },
        )
        if not enabled:
            off = error_record(Conflict("the automation was switched off"))
            await executions.skip_queued(ctx.db, automation_id, off)
    return view(ctx, changed)


async def delete(ctx: Context, principal: Principal, project_id: str, automation_id: str) -> None:
    """Delete an automation with the log of its executions."""
    await get(ctx, principal, project_id, automation_id, write=True)
    async with ctx.db.transaction():
        await rows.delete(ctx.db, automation_id)


async def rotate(ctx: Context, principal: Principal, project_id: str, automation_id: str) -> AutomationSecret:
    """Begin a new secret; for a day requests may be signed with the one before."""
    await get(ctx, principal, project_id, automation_id, write=True)
    generation = await webhooks.rotate(ctx.db, automation_id, project_id)
    return AutomationSecret(_keys(ctx, automation_id, generation.number)[0], generation.rotated_at + GRACE)


# --- triggering ----------------------------------------------------------------------------------------------------


async def trigger(
    ctx: Context,
    principal: Principal,
    project_id: str,
    automation_id: str,
    asked: TriggerInput,
    idempotency_key: str | None,
) -> str:
    """Run an automation now, whatever its trigger, once for each key, and return the execution.

    Raises Conflict while it is switched off.
    """
    automation = await get(ctx, principal, project_id, automation_id, write=True)
    _require_enabled(automation)
    if idempotency_key is not None:
        check_idempotency_key(idempotency_key)
    return await triggering.by_hand(ctx, automation, asked.input, idempotency_key)


async def verify(ctx: Context, automation_id: str, header: str | None, body: bytes) -> int:
    """The signed timestamp of a request to an automation's URL. Raises Unauthenticated, also when there is no such one."""
    generation = await webhooks.generation(ctx.db, automation_id) if is_id(automation_id, "aut") else None
    number = 0 if generation is None else generation.number
    keys = _keys(ctx, automation_id, number)
    if generation is not None and datetime.now(UTC) < generation.rotated_at + GRACE:
        keys += _keys(ctx, automation_id, number - 1)
    return verify_webhook([key.encode() for key in keys], header, body)


async def receive(ctx: Context, automation_id: str, timestamp: int, body: bytes) -> str:
    """Trigger an automation by a verified request and return the execution, the same one when the request comes again."""
    automation = await rows.get(ctx.db, automation_id)
    if automation is None:
        raise NotFound("the automation is gone")
    if automation.trigger["type"] != "webhook":
        raise Conflict(f"the automation's trigger is {automation.trigger['type']}")
    _require_enabled(automation)
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from None
    reading = read({"input": document}, TriggerInput, at="")
    if reading.value is None:
        problems = [FieldError(error.path.removeprefix("/input"), error.message) for error in reading.errors]
        raise ValidationFailed(errors=problems)
    return await triggering.by_webhook(ctx, automation, timestamp, body, reading.value.input)


def _require_enabled(automation: Automation) -> None:
    if not automation.enabled:
        raise Conflict("the automation is switched off")


def _keys(ctx: Context, automation_id: str, generation: int) -> list[str]:
    """What requests are signed with, the text itself as bytes: what is told, then what was under other secrets."""
    return [key.hex() for key in ctx.keyring.keys(f"automation:{automation_id}:{generation}")]


# --- what a rule is ------------------------------------------------------------------------------------------------


def view(ctx: Context, automation: Automation) -> AutomationView:
    """A rule as callers see it."""
    plain = ("trigger", "actions", "url")
    is_webhook = automation.trigger["type"] == "webhook"
    return AutomationView(
        **{name: getattr(automation, name) for name in AutomationView.__struct_fields__ if name not in plain},
        trigger=msgspec.convert(automation.trigger, Trigger),
        actions=msgspec.convert(automation.actions, list[Action]),
        url=f"{ctx.settings.base_url}/webhooks/automation/{automation.id}" if is_webhook else None,
    )


def _next_due(trigger: Trigger, now: datetime) -> datetime | None:
    return cron.next_due(trigger.cron, trigger.timezone, now) if isinstance(trigger, ScheduleTrigger) else None


def _too_often(ctx: Context, trigger: Trigger | None) -> list[FieldError]:
    shortest = ctx.settings.automation_min_interval_s
    if isinstance(trigger, ScheduleTrigger) and cron.shortest_interval_s(trigger.cron) < shortest:
        return [FieldError("/trigger/cron", f"is due more often than every {shortest:g} s")]
    return []


async def _check(ctx: Context, trigger: Trigger | None, actions: list[Action] | None) -> list[dict[str, Any]] | None:
    """The actions as they are stored. Raises ValidationFailed with what is wrong with them and the trigger."""
    problems = _too_often(ctx, trigger)
    stored = None
    try:
        if actions is not None:
            stored = await action_services.check(ctx, actions)
    except ValidationFailed as error:
        problems += error.errors
    if problems:
        raise ValidationFailed(errors=problems)
    return stored

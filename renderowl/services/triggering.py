"""Triggering: what happens becomes executions of automations, each occurrence once, in the transaction of what happened.

Nothing is done here: an execution is a row that a runner takes up (`services/executing.py`), so that whoever dies after
the commit has lost nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from renderowl.db import automations, executions
from renderowl.db.executions import Origin
from renderowl.domain import cron
from renderowl.domain.automations import (
    MAX_CHAIN,
    MAX_FOLLOWING,
    AssetUploadTrigger,
    Automation,
    Execution,
    RenderFinishedTrigger,
    ScheduleTrigger,
    TriggerType,
)
from renderowl.domain.errors import Conflict, IdempotencyMismatch
from renderowl.domain.events import Event
from renderowl.domain.ids import new_id
from renderowl.services.context import Context
from renderowl.services.views import error_record

log = structlog.get_logger(__name__)

TRIGGERED_BY: Final[Mapping[str, TriggerType]] = {
    "asset.ready": "asset_upload",
    "render.completed": "render_finished",
    "render.failed": "render_finished",
    "render.cancelled": "render_finished",
}
MISSED_AFTER: Final = timedelta(days=1)
"""Due times that nobody noticed for longer are not made up for."""
_AT_ONCE: Final = 100


async def by_event(ctx: Context, event: Event) -> None:
    """Trigger the automations that wait for this event, in its transaction, which holds the project's row.

    No automation follows from itself, chains are short, and what follows from one execution is limited.
    """
    trigger_type = TRIGGERED_BY.get(event.type)
    if trigger_type is None:
        return
    waiting = [one for one in await automations.listening(ctx.db, event.project_id, trigger_type) if _wants(one, event)]
    if not waiting:
        return
    origin = None if event.render_id is None else await executions.origin_of_render(ctx.db, event.render_id)
    for automation in waiting:
        await executions.insert(
            ctx.db,
            automation.id,
            f"event:{event.epoch}.{event.seq}",
            trigger_type,
            _told(event),
            origin=origin,
            skipped=await _refusal(ctx, automation, origin),
        )


async def by_schedule(ctx: Context, moment: datetime | None = None) -> int:
    """Trigger every schedule that is due and return how many executions that makes; the Cron actor's tick.

    `moment` is what Postgres has for now unless given: schedulers on machines with different clocks agree.
    """
    made = 0
    async with ctx.db.transaction():
        now = moment or await automations.now(ctx.db)
        for automation in await automations.lock_due(ctx.db, now, limit=_AT_ONCE):
            made += await _catch_up(ctx, automation, now)
    return made


async def by_webhook(ctx: Context, automation: Automation, timestamp: int, body: bytes, told: Mapping[str, Any]) -> str:
    """Trigger an automation by a verified request and return the execution: the same one when the request comes again."""
    seen = hashlib.sha256(b"%d.%b" % (timestamp, body)).hexdigest()
    return (await _once(ctx, automation, f"webhook:{timestamp}:{seen}", "webhook", told)).id


async def by_hand(ctx: Context, automation: Automation, told: Mapping[str, Any], key: str | None) -> str:
    """Trigger an automation because somebody asks for it, once for each `key`, and return the execution.

    Raises IdempotencyMismatch when the key came with another input before.
    """
    if key is None:
        return (await _once(ctx, automation, f"manual:{new_id('evt')}", "manual", told)).id
    execution = await _once(ctx, automation, f"manual-key:{key}", "manual", told)
    if execution.input != told:
        raise IdempotencyMismatch(f"the first request with this key made {execution.id} from another input")
    return execution.id


async def _once(
    ctx: Context, automation: Automation, occurrence: str, trigger_type: TriggerType, told: Mapping[str, Any]
) -> Execution:
    await executions.insert(ctx.db, automation.id, occurrence, trigger_type, told)
    known = await executions.find(ctx.db, automation.id, occurrence)
    if known is None:
        raise Conflict("the automation was deleted just now")
    return known


async def _catch_up(ctx: Context, automation: Automation, now: datetime) -> int:
    """Write down the due times of a schedule up to now, at most a batch, and when it is due next."""
    schedule = msgspec.convert(automation.trigger, ScheduleTrigger)
    due = automation.next_due_at
    assert due is not None
    made = 0
    try:
        if due < now - MISSED_AFTER:
            missed = error_record(Conflict("nobody noticed this due time, and perhaps later ones, within a day"))
            await _occur(ctx, automation, schedule, due, skipped=missed)
            due = cron.next_due(schedule.cron, schedule.timezone, now - MISSED_AFTER)
        while due <= now and made < _AT_ONCE:
            await _occur(ctx, automation, schedule, due)
            due = cron.next_due(schedule.cron, schedule.timezone, due)
            made += 1
    except (KeyError, ValueError, OSError):  # the zone or the expression was good where it was made
        log.exception("schedule_unreadable", automation_id=automation.id)
        await automations.set_next_due(ctx.db, automation.id, None)
        return made
    await automations.set_next_due(ctx.db, automation.id, due)
    return made


async def _occur(
    ctx: Context,
    automation: Automation,
    schedule: ScheduleTrigger,
    due: datetime,
    *,
    skipped: Mapping[str, Any] | None = None,
) -> None:
    told = {
        "due_at": due.isoformat().replace("+00:00", "Z"),
        "local_time": due.astimezone(ZoneInfo(schedule.timezone)).isoformat(),
        "timezone": schedule.timezone,
    }
    occurrence = f"due:{due.astimezone(UTC).isoformat()}"
    await executions.insert(ctx.db, automation.id, occurrence, "schedule", told, due_at=due, skipped=skipped)


def _wants(automation: Automation, event: Event) -> bool:
    if event.asset_id is not None:
        types = msgspec.convert(automation.trigger, AssetUploadTrigger).asset_types
        return not types or event.data["type"] in types
    return event.data["status"] in msgspec.convert(automation.trigger, RenderFinishedTrigger).statuses


def _told(event: Event) -> dict[str, Any]:
    """What templates find below `trigger`: the event's own words, and the asset as a source of renders."""
    told = {**event.data, "event": event.type}
    if event.render_id is not None:
        told["render_id"] = event.render_id
    if event.asset_id is not None:
        url = f"asset://{event.asset_id}"
        told |= {"asset_id": event.asset_id, "asset_url": url, f"{event.data['type']}_url": url}
    return told


async def _refusal(ctx: Context, automation: Automation, origin: Origin | None) -> dict[str, Any] | None:
    """Why an automation does not follow from what led here, if so."""
    if origin is None:
        return None
    if automation.id in origin.chain:
        why = "an automation does not follow from itself"
    elif len(origin.chain) >= MAX_CHAIN:
        why = f"at most {MAX_CHAIN} automations follow from one another"
    elif await executions.count_following(ctx.db, origin.root_id) >= MAX_FOLLOWING:
        why = f"at most {MAX_FOLLOWING} executions follow from one"
    else:
        return None
    return error_record(Conflict(why))

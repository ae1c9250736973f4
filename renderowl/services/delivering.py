"""Delivering: what waits in the outbox goes to its receivers, signed, again and again for a day."""

import random
import sys
import time
from typing import Final

import msgspec
import structlog

from renderowl.db import deliveries, webhooks
from renderowl.db.database import to_json
from renderowl.domain.records import Delivery, Webhook
from renderowl.security import standard_webhooks
from renderowl.security.addresses import Refused
from renderowl.security.outbound import Bounds, TooLarge, Unreachable
from renderowl.services import metrics
from renderowl.services.context import Context
from renderowl.services.publishing import record
from renderowl.services.webhooks import signing_keys

log = structlog.get_logger(__name__)

BACKOFF_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 28_800.0)
"""The waits between the eleven tries of a delivery: just under a day. Each is up to a tenth longer, at random."""
DISABLE_AFTER_S: Final = 5 * 24 * 3600.0
"""A webhook whose deliveries have all failed for so long is disabled."""
KEEP_S: Final = 30 * 24 * 3600.0
BOUNDS: Final = Bounds(max_bytes=sys.maxsize, total_s=15.0, silence_s=10.0, redirects=0)
"""Of an answer only the beginning is read, however long it is."""
LEASE_S: Final = 60.0
_MOST_KEPT: Final = 1024
_GONE: Final = 410


class Outcome(msgspec.Struct, frozen=True):
    """What came of one try."""

    status: int | None = None
    body: str | None = None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        return self.error is None


async def claim(ctx: Context, *, limit: int, per_project: int, busy: list[str]) -> list[Delivery]:
    """Take due deliveries: at most `limit`, at most `per_project` of one project, none of the projects in `busy`."""
    return await deliveries.claim(ctx.db, limit=limit, per_project=per_project, busy=busy, lease_s=LEASE_S)


async def deliver(ctx: Context, delivery: Delivery) -> bool:
    """Send a claimed delivery and note what came of it; True when the receiver took it."""
    began = time.monotonic()
    outcome = await _send(ctx, delivery)
    duration_ms = round((time.monotonic() - began) * 1000)
    again_in_s = None
    if not outcome.delivered and delivery.attempts <= len(BACKOFF_S) and outcome.status != _GONE:
        again_in_s = BACKOFF_S[delivery.attempts - 1] * random.uniform(1.0, 1.1)  # noqa: S311 - not a secret
    async with ctx.db.transaction() as tx:
        noted = await deliveries.settle(
            ctx.db,
            delivery,
            delivered=outcome.delivered,
            again_in_s=again_in_s,
            response_status=outcome.status,
            response_body=outcome.body,
            error=outcome.error,
            duration_ms=duration_ms,
        )
        if noted and delivery.webhook_id is not None:
            disabled = await _note(ctx, delivery.webhook_id, outcome)
            if disabled is not None:
                log.warning("webhook_disabled", webhook_id=disabled.id, reason=disabled.disabled_reason)
                told = {"webhook_id": disabled.id, "url": disabled.url, "reason": disabled.disabled_reason}
                await record(ctx, tx, delivery.project_id, "webhook.disabled", told)
    metrics.DELIVERIES.labels("delivered" if outcome.delivered else "retried" if again_in_s else "failed").inc()
    return outcome.delivered


async def forget(ctx: Context) -> int:
    """Drop what was settled 30 days ago; the janitor's slow tick."""
    return await deliveries.forget(ctx.db, older_than_s=KEEP_S)


async def _send(ctx: Context, delivery: Delivery) -> Outcome:
    body = to_json(delivery.payload).encode()
    keys = await signing_keys(ctx, delivery)
    headers = {
        "Content-Type": "application/json",
        **standard_webhooks.headers(keys, delivery.id, int(time.time()), body),
    }
    status, said = None, b""
    try:
        async with ctx.outbound.open("POST", delivery.url, BOUNDS, headers=headers, content=body) as answer:
            status = answer.status
            async for chunk in answer.body:
                said += chunk
                if len(said) >= _MOST_KEPT:
                    break
    except (Refused, Unreachable, TooLarge) as problem:
        if status is None:
            return Outcome(error=str(problem))
    except Exception:
        log.exception("webhook_broke", delivery_id=delivery.id)
        return Outcome(error="it could not be sent")
    text = said[:_MOST_KEPT].decode("utf-8", errors="replace").replace("\x00", "\ufffd")
    assert status is not None
    return Outcome(status, text, None if 200 <= status < 300 else f"the receiver answered {status}")


async def _note(ctx: Context, webhook_id: str, outcome: Outcome) -> Webhook | None:
    """Note a try on its webhook; the webhook, if it is disabled for it."""
    if outcome.delivered:
        await webhooks.succeeded(ctx.db, webhook_id)
        return None
    gone = outcome.status == _GONE
    reason = "the receiver answered 410 Gone" if gone else f"nothing was delivered for five days: {outcome.error}"
    disabled = await webhooks.failed(
        ctx.db, webhook_id, disable_after_s=0.0 if gone else DISABLE_AFTER_S, reason=reason
    )
    if disabled is not None:
        await deliveries.give_up(ctx.db, webhook_id, f"the webhook is disabled: {reason}")
    return disabled

"""The webhook sender: takes due deliveries out of the outbox and sends them side by side, a slow receiver beside the rest."""

from collections import Counter
from typing import Final

import msgspec
import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.domain.records import Delivery
from renderowl.services import delivering
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

AT_ONCE: Final = 32
PER_PROJECT: Final = 8


class More(msgspec.Struct, frozen=True):
    """A project's deliveries have ended: its next ones may go."""


class WebhookSender(Actor[More]):
    """Several may run: a delivery is claimed by one, and again when that one dies."""

    tick_s = 0.5
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("webhook_sender", clock=clock)
        self._ctx = ctx
        self._sending: Counter[str] = Counter()
        self._told = False

    async def starting(self) -> None:
        self._sending.clear()
        self._told = False

    async def handle(self, message: More) -> None:
        self._told = False
        await self.tick()

    async def tick(self) -> None:
        """Send what is due; an outage of Postgres is left to the next tick."""
        free = AT_ONCE - self._sending.total()
        if free <= 0:
            return
        busy = list(self._sending)  # a project's next come when its last have ended
        try:
            claimed = await delivering.claim(self._ctx, limit=free, per_project=PER_PROJECT, busy=busy)
        except Unavailable as error:
            log.warning("sending_waits", reason=str(error))
            return
        for delivery in claimed:
            self._sending[delivery.project_id] += 1
            self.spawn(self._send(delivery))

    async def _send(self, delivery: Delivery) -> None:
        try:
            delivered = await delivering.deliver(self._ctx, delivery)
            log.info("webhook_sent", delivery_id=delivery.id, delivered=delivered, attempt=delivery.attempts)
        except Unavailable as error:  # it is due again when its lease has run out
            log.warning("webhook_unsettled", delivery_id=delivery.id, reason=str(error))
        finally:
            self._sending[delivery.project_id] -= 1
            if not self._sending[delivery.project_id]:
                del self._sending[delivery.project_id]
                if not self._told:  # one waiting word says as much as many
                    self._told = True
                    self.tell(More())

"""The relay between Postgres and Redis: publishes what a crash left unpublished, and keeps what Redis alone knows."""

from typing import Final

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.bus.base import BusUnavailable
from renderowl.domain.errors import Unavailable
from renderowl.services.context import Context
from renderowl.services.publishing import keep_told, relay

log = structlog.get_logger(__name__)

BATCH: Final = 500
KEEP_S: Final = 1.0
"""What is told of progress is in Postgres so much later."""


class Relay(Actor[None]):
    """Has no messages, only a tick; what two relays do at once is harmless."""

    tick_s = 0.2  # with LEFT_BEHIND_S, what is left behind is published within half a second
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("relay", clock=clock)
        self._ctx = ctx
        self._kept_at = self.clock.now()

    async def tick(self) -> None:
        try:
            while await relay(self._ctx, limit=BATCH) == BATCH:
                pass
            if self.clock.now() >= self._kept_at + KEEP_S:
                self._kept_at = self.clock.now()
                await keep_told(self._ctx)
        except (Unavailable, BusUnavailable) as error:
            log.warning("relaying_waits", reason=str(error))

"""The relay: publishes committed events that the process which committed them did not live to publish."""

from typing import Final

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.bus.base import BusUnavailable
from renderowl.domain.errors import Unavailable
from renderowl.services.context import Context
from renderowl.services.publishing import relay

log = structlog.get_logger(__name__)

BATCH: Final = 500


class Relay(Actor[None]):
    """Has no messages, only a tick; an event that two relays publish is harmless."""

    tick_s = 0.2  # with LEFT_BEHIND_S, what is left behind is published within half a second
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("relay", clock=clock)
        self._ctx = ctx

    async def tick(self) -> None:
        try:
            while await relay(self._ctx, limit=BATCH) == BATCH:
                pass
        except (Unavailable, BusUnavailable) as error:
            log.warning("relaying_waits", reason=str(error))

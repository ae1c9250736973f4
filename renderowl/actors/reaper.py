"""The reaper: gives steps of lost workers to others and ends renders that passed their deadline, every second."""

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.services import reaping
from renderowl.services.context import Context

log = structlog.get_logger(__name__)


class Reaper(Actor[None]):
    """Has no messages, only a tick; several may run."""

    tick_s = 1.0
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("reaper", clock=clock)
        self._ctx = ctx

    async def tick(self) -> None:
        try:
            reaped = await reaping.reap(self._ctx)
        except Unavailable as error:
            log.warning("reaping_waits", reason=str(error))
            return
        if reaped:
            log.info("reaped", count=reaped)

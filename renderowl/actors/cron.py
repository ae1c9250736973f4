"""Cron: triggers schedules that are due, each due time once, whatever the number of schedulers."""

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.services import triggering
from renderowl.services.context import Context

log = structlog.get_logger(__name__)


class Cron(Actor[None]):
    """Has no messages, only a tick; several may run: a schedule's row is held by one, and a due time is a unique row.

    It goes by Postgres's clock, and a tick late or left out is made up for by the next.
    """

    tick_s = 1.0
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("cron", clock=clock)
        self._ctx = ctx

    async def tick(self) -> None:
        try:
            made = await triggering.by_schedule(self._ctx)
        except Unavailable as error:
            log.warning("schedules_wait", reason=str(error))
            return
        if made:
            log.info("schedules_triggered", executions=made)

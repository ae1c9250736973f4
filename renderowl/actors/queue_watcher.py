"""The queue watcher: keeps the metrics of the queue fresh in the scheduler's process."""

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.services.context import Context
from renderowl.services.overview import observe_queue

log = structlog.get_logger(__name__)


class QueueWatcher(Actor[None]):
    """Has no messages, only a tick; runs only where somebody reads metrics."""

    tick_s = 5.0
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("queue_watcher", clock=clock)
        self._ctx = ctx

    async def tick(self) -> None:
        try:
            await observe_queue(self._ctx.db, alive_s=self._ctx.settings.lease_s)
        except Unavailable as error:
            log.warning("queue_unobserved", reason=str(error))

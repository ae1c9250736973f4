"""The scheduler: admits queued steps whenever it is hinted at, and every 250 ms in any case."""

import msgspec
import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.queue.base import Queue, QueueUnavailable
from renderowl.services import dispatching
from renderowl.services.context import Context

log = structlog.get_logger(__name__)


class Hint(msgspec.Struct, frozen=True):
    """There may be something to dispatch."""


class Scheduler(Actor[Hint]):
    """Several may run, in any number of processes: Postgres lets one of them admit at a time."""

    tick_s = 0.25
    mailbox_size = 16

    def __init__(self, ctx: Context, queue: Queue, *, clock: Clock | None = None) -> None:
        super().__init__("scheduler", clock=clock)
        self._ctx = ctx
        self._queue = queue
        self._hinted = False

    async def starting(self) -> None:
        self._hinted = False
        self.spawn(self._listen())

    async def handle(self, message: Hint) -> None:
        self._hinted = False
        await self.tick()

    async def tick(self) -> None:
        """Dispatch until nothing more can be; an outage is left to the next tick."""
        try:
            while await dispatching.dispatch(self._ctx, self._queue):
                pass
        except (Unavailable, QueueUnavailable) as error:
            log.warning("dispatch_waits", reason=str(error))
            await self.clock.sleep(1.0)

    async def _listen(self) -> None:
        async for _ in self._ctx.bus.scheduler_hints():
            if not self._hinted:  # one waiting hint says as much as a hundred
                self._hinted = True
                self.tell(Hint())

"""The remote runner's own tick: hints wake those who wait for an errand, strays are called back.

Beside it, in the same process, a WorkerAgent whose executor has films made at the endpoint takes steps like any worker:
queueing, fairness, leases, retries and fencing are those of all steps.
"""

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.services import errands
from renderowl.services.context import Context
from renderowl.services.endpoint import Endpoint
from renderowl.services.errands import Followed

log = structlog.get_logger(__name__)


class RemoteRunner(Actor[None]):
    """Several may run: a stray is looked at by one of them at a time."""

    tick_s = 0.5

    def __init__(self, ctx: Context, endpoint: Endpoint, followed: Followed, *, clock: Clock | None = None) -> None:
        super().__init__("remote_runner", clock=clock)
        self._ctx = ctx
        self._endpoint = endpoint
        self._followed = followed
        self._recalling = False

    async def starting(self) -> None:
        self._recalling = False

    async def tick(self) -> None:
        """Pass on what is new; an endpoint that does not answer holds up only the strays."""
        try:
            await self._followed.hear(self._ctx)
        except Unavailable as error:
            log.warning("hints_wait", reason=str(error))
            return
        if not self._recalling:
            self._recalling = True
            self.spawn(self._recall())

    async def _recall(self) -> None:
        try:
            await errands.recall(self._ctx, self._endpoint)
        except Unavailable as error:
            log.warning("recalling_waits", reason=str(error))
        finally:
            self._recalling = False

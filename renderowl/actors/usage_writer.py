"""The usage writer: takes what the API process has counted for API keys to Postgres, every ten seconds and at the end."""

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import Unavailable
from renderowl.services.context import Context
from renderowl.services.usage import Tally

log = structlog.get_logger(__name__)


class UsageWriter(Actor[None]):
    """Has no messages, only a tick; what cannot be written now is kept for the next."""

    tick_s = 10.0
    mailbox_size = 4

    def __init__(self, ctx: Context, tally: Tally, *, clock: Clock | None = None) -> None:
        super().__init__("usage_writer", clock=clock)
        self._ctx = ctx
        self.tally = tally

    async def tick(self) -> None:
        try:
            await self.tally.write(self._ctx)
        except Unavailable as error:
            log.warning("usage_waits", reason=error.detail)

    async def stopped(self) -> None:
        await self.tick()

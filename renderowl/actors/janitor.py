"""The janitor: finishes deletions that a crash interrupted, removes forgotten uploads, what losers left and old counts."""

from typing import Final

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import RenderOwlError
from renderowl.services import collecting, projects, usage
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

FORGOTTEN_S: Final = 24 * 3600.0
"""How long parts of an upload may lie unfinished."""


class Janitor(Actor[None]):
    """Has no messages, only a slow tick; running it twice at once is harmless."""

    tick_s = 300.0
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("janitor", clock=clock)
        self._ctx = ctx

    async def tick(self) -> None:
        try:
            await projects.sweep(self._ctx)
            collected = await collecting.collect(self._ctx)
            await self._ctx.storage.sweep(older_than_s=FORGOTTEN_S)
            await usage.forget(self._ctx)
        except (RenderOwlError, OSError) as error:
            log.warning("sweeping_waits", reason=str(error))
            return
        if collected:
            log.info("leftovers_collected", objects=collected)

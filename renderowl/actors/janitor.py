"""The janitor: finishes deletions that a crash interrupted, removes what is forgotten, left over or old, bounds the cache."""

from typing import Final

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.errors import RenderOwlError
from renderowl.services import collecting, delivering, executing, fetching, projects, segment_cache, usage
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

FORGOTTEN_S: Final = 24 * 3600.0
"""How long parts of an upload may lie unfinished."""
STRAYS_EVERY_S: Final = 24 * 3600.0
"""How often the whole cache is read for bytes that nobody knows; the first time soon after the start."""


class Janitor(Actor[None]):
    """Has no messages, only a slow tick; running it twice at once is harmless."""

    tick_s = 300.0
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("janitor", clock=clock)
        self._ctx = ctx
        self._strays_due_s = 0.0

    async def tick(self) -> None:
        try:
            await projects.sweep(self._ctx)
            collected = await collecting.collect(self._ctx)
            collected += await collecting.drop_logs(self._ctx)
            await segment_cache.make_room(self._ctx)
            if self.clock.now() >= self._strays_due_s:
                collected += await segment_cache.collect_strays(self._ctx)
                self._strays_due_s = self.clock.now() + STRAYS_EVERY_S
            await self._ctx.storage.sweep(older_than_s=FORGOTTEN_S)
            await usage.forget(self._ctx)
            await fetching.sweep(self._ctx)
            await delivering.forget(self._ctx)
            await executing.forget(self._ctx)
        except (RenderOwlError, OSError) as error:
            log.warning("sweeping_waits", reason=str(error))
            return
        if collected:
            log.info("leftovers_collected", objects=collected)

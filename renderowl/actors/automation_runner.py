"""The automation runner: takes triggered executions and does their actions, several projects side by side."""

from collections import Counter
from typing import Final

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.automations import Execution
from renderowl.domain.errors import Unavailable
from renderowl.services import executing
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

AT_ONCE: Final = 8
PER_PROJECT: Final = 2


class AutomationRunner(Actor[None]):
    """Several may run: an execution is claimed by one, and again when that one dies."""

    tick_s = 0.5
    mailbox_size = 4

    def __init__(self, ctx: Context, *, clock: Clock | None = None) -> None:
        super().__init__("automation_runner", clock=clock)
        self._ctx = ctx
        self._running: Counter[str] = Counter()

    async def starting(self) -> None:
        self._running.clear()

    async def tick(self) -> None:
        """Begin what waits; an outage of Postgres is left to the next tick."""
        free = AT_ONCE - self._running.total()
        if free <= 0:
            return
        busy = [project_id for project_id, count in self._running.items() if count]
        try:
            claimed = await executing.claim(self._ctx, limit=free, per_project=PER_PROJECT, busy=busy)
        except Unavailable as error:
            log.warning("executions_wait", reason=str(error))
            return
        for execution in claimed:
            self._running[execution.project_id] += 1
            self.spawn(self._run(execution))

    async def _run(self, execution: Execution) -> None:
        try:
            await executing.execute(self._ctx, execution)
        except Unavailable as error:  # it waits until its lease has run out
            log.warning("execution_unsettled", execution_id=execution.id, reason=str(error))
        finally:
            self._running[execution.project_id] -= 1
            if not self._running[execution.project_id]:
                del self._running[execution.project_id]

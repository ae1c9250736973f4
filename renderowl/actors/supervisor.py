"""The supervisor: runs actors side by side and starts again the one that failed, and only that one."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock, SystemClock

log = structlog.get_logger(__name__)

MAX_RESTARTS: Final = 5
WITHIN_S: Final = 60.0
FIRST_BACKOFF_S: Final = 0.1
LONGEST_BACKOFF_S: Final = 5.0


class Escalated(Exception):
    """An actor failed more than five times in a minute: the process should end and be started anew."""


class Supervisor:
    """One-for-one supervision with backoff. An actor that ends without a failure is not started again."""

    def __init__(self, actors: Sequence[Actor[Any]], *, clock: Clock | None = None) -> None:
        self._actors = actors
        self._clock: Clock = clock or SystemClock()

    async def run(self) -> None:
        """Run all actors until they have ended. Raises Escalated, having stopped the others."""
        try:
            async with asyncio.TaskGroup() as group:
                for actor in self._actors:
                    group.create_task(self._keep_running(actor), name=actor.name, context=contextvars.Context())
        except* Escalated as group_error:
            raise group_error.exceptions[0] from None

    def stop(self) -> None:
        """Ask every actor to end; `run` returns when they have."""
        for actor in self._actors:
            actor.stop()

    async def _keep_running(self, actor: Actor[Any]) -> None:
        failures: deque[float] = deque()
        structlog.contextvars.bind_contextvars(actor=actor.name)
        while True:
            try:
                await actor.run()
                return
            except Exception as error:
                now = self._clock.now()
                failures.append(now)
                while failures[0] <= now - WITHIN_S:
                    failures.popleft()
                log.exception("actor_failed", failures=len(failures))
                if len(failures) > MAX_RESTARTS:
                    raise Escalated(f"{actor.name} failed {len(failures)} times in {WITHIN_S:g} s") from error
            await self._clock.sleep(min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (len(failures) - 1)))

"""One running step: it owns the step's execution and the signal that stops it, and ends when the execution has."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from renderowl.actors.actor import Actor
from renderowl.actors.clock import Clock
from renderowl.domain.records import Claim
from renderowl.services.stopping import StopSignal

log = structlog.get_logger(__name__)

Execute = Callable[[Claim, StopSignal], Awaitable[None]]
"""Does the step of a claim to its end and reports how it ended; never raises but for a mistake of ours."""


class Cancel(msgspec.Struct, frozen=True):
    """The render was cancelled or has ended: stop the processes, report nothing."""


class LeaseLost(msgspec.Struct, frozen=True):
    """Postgres says that the claim does not hold any more: stop the processes, discard the files."""


class Interrupt(msgspec.Struct, frozen=True):
    """The worker stops: stop the processes and give the step back, free of charge."""


class StepActor(Actor[Cancel | LeaseLost | Interrupt]):
    """Waits for a place, executes its claim there and stops."""

    mailbox_size = 16

    def __init__(
        self, claim: Claim, execute: Execute, places: asyncio.Semaphore, *, clock: Clock | None = None
    ) -> None:
        super().__init__(f"step:{claim.step_id}:{claim.attempt}", clock=clock)
        self.claim = claim
        self._execute = execute
        self._places = places
        self._signal = StopSignal()

    async def starting(self) -> None:
        self.spawn(self._work())

    async def handle(self, message: Cancel | LeaseLost | Interrupt) -> None:
        match message:
            case Cancel():
                self._signal.set("cancelled")
            case LeaseLost():
                self._signal.set("lease_lost")
            case Interrupt():
                self._signal.set("interrupted")

    async def _work(self) -> None:
        structlog.contextvars.bind_contextvars(
            worker_id=self.claim.worker_id, step_id=self.claim.step_id, step_attempt=self.claim.attempt
        )
        try:
            async with self._places:
                if not self._signal.event.is_set():
                    await self._execute(self.claim, self._signal)
        except Exception:  # the lease runs out and the step is given to another worker, which the reaper counts
            log.exception("step_execution_broke")
        finally:
            self.stop()

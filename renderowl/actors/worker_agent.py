"""The worker's agent: it registers the worker, takes its dispatches, keeps its leases and stops what it has lost.

Outages are not failures here. Without Redis the running steps go on and the heartbeat learns of cancellations; without
Postgres they go on too, and a lease counts as lost only when Postgres says so.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from renderowl.actors.actor import Actor, Request
from renderowl.actors.clock import Clock
from renderowl.actors.step_actor import Cancel, Execute, Interrupt, LeaseLost, StepActor
from renderowl.actors.supervisor import Supervisor
from renderowl.domain.errors import Unavailable
from renderowl.domain.records import Claim
from renderowl.queue.base import Dispatch, QueueUnavailable
from renderowl.services import steps
from renderowl.services.context import Context
from renderowl.services.stopping import end_tasks

log = structlog.get_logger(__name__)

RECONNECT_S: Final = 0.5
LAST_REPORTS_S: Final = 15.0
"""How long a stopping worker waits for its interrupted steps to be given back."""


class Receiver(Protocol):
    """Where dispatches come from."""

    async def receive(self, deliver: Callable[[Dispatch], Awaitable[None]]) -> None:
        """Call `deliver` for each dispatch until cancelled. Raises QueueUnavailable when Redis goes away: call again."""
        ...

    async def forget(self) -> None:
        """Remove the queue of a worker that has stopped."""
        ...


class Deliver(msgspec.Struct, frozen=True):
    """A dispatch arrived."""

    dispatch: Dispatch


class CancelClaims(msgspec.Struct, frozen=True):
    """These claims were cancelled: the control channel says so."""

    tokens: list[str]


class LoseClaims(msgspec.Struct, frozen=True):
    """These claims do not hold any more: Postgres says so."""

    tokens: list[str]


class InterruptAll(msgspec.Struct, frozen=True):
    """Give back whatever still runs."""


class Running(msgspec.Struct, Request[list[Claim]], frozen=True):
    """Which claims are being worked on?"""


class WorkerAgent(Actor[Deliver | CancelClaims | LoseClaims | InterruptAll]):
    """One a worker. `run` it under a supervisor, `drain` it on SIGTERM."""

    def __init__(
        self,
        ctx: Context,
        worker_id: str,
        *,
        slots: int,
        offers: Sequence[str],
        execute: Execute,
        receiver: Receiver,
        has_room: Callable[[], Awaitable[bool]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__("worker_agent", clock=clock)
        self.tick_s = ctx.settings.heartbeat_s
        self._ctx = ctx
        self._worker_id = worker_id
        self._slots = slots
        self._offers = tuple(offers)
        self._execute = execute
        self._receiver = receiver
        self._has_room = has_room
        self._places = asyncio.Semaphore(slots)
        self._actors: dict[str, StepActor] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat: asyncio.Task[None] | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.registered = asyncio.Event()
        """Set once the worker is known to Postgres and may be given steps."""

    # --- the life of a worker -------------------------------------------------------------------------------------

    async def starting(self) -> None:
        self._beat = None
        self._receiving = self.spawn(self._receive())
        self.spawn(self._listen())
        self.spawn(self._register())

    async def tick(self) -> None:
        """Start a heartbeat beside the mailbox, so that a stalled Postgres does not hold up a cancellation."""
        if self._beat is None or self._beat.done():
            self._beat = self.spawn(self._heartbeat())

    async def handle(self, message: Deliver | CancelClaims | LoseClaims | InterruptAll | Running) -> object:
        match message:
            case Deliver(dispatch):
                self._start(msgspec.convert(dispatch, Claim, from_attributes=True))
            case CancelClaims(tokens):
                self._tell(tokens, Cancel())
            case LoseClaims(tokens):
                self._tell(tokens, LeaseLost())
            case InterruptAll():
                self._tell(list(self._actors), Interrupt())
            case Running():
                return [actor.claim for actor in self._actors.values()]
        return None

    async def drain(self) -> None:
        """Take nothing more, let running steps finish for `drain_timeout_s`, give back the rest, leave, stop."""
        log.info("worker_drains", running=len(self._actors))
        self._draining = True
        await self._try_to(steps.leave_queue(self._ctx, self._worker_id))
        if self._receiving is not None:
            self._receiving.cancel()
        if not await self._idle_within(self._ctx.settings.drain_timeout_s):
            self.tell(InterruptAll())
            await self._idle_within(LAST_REPORTS_S)
        await self._try_to(steps.leave(self._ctx, self._worker_id))
        await self._receiver.forget()
        self.stop()

    async def kill(self) -> None:
        """Stop every execution at once without a report; their processes die with them. For a process that ends."""
        await end_tasks(self._tasks)

    # --- steps ----------------------------------------------------------------------------------------------------

    def _start(self, claim: Claim) -> None:
        if self._draining or claim.worker_id != self._worker_id or claim.token in self._actors:
            return  # a step that is not begun is dispatched again when its short lease has run out
        actor = StepActor(claim, self._execute, self._places, clock=self.clock)
        self._actors[claim.token] = actor
        self._idle.clear()
        task = asyncio.create_task(actor.run(), name=actor.name)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(claim.token, task))

    def _ended(self, token: str, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._actors.pop(token, None)
        if not self._actors:
            self._idle.set()

    def _tell(self, tokens: Sequence[str], message: Cancel | LeaseLost | Interrupt) -> None:
        for token in tokens:
            actor = self._actors.get(token)
            if actor is not None:
                log.info("step_told", step_id=actor.claim.step_id, message=type(message).__name__)
                actor.tell(message)

    # --- helpers, beside the mailbox ------------------------------------------------------------------------------

    async def _register(self) -> None:
        while True:
            try:
                await steps.register_worker(
                    self._ctx,
                    self._worker_id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    slots=self._slots,
                    offers=self._offers,
                )
            except Unavailable as error:
                log.warning("registration_waits", reason=str(error))
                await self.clock.sleep(RECONNECT_S)
            else:
                self.registered.set()
                return

    async def _heartbeat(self) -> None:
        tokens = list(self._actors)
        try:
            full = self._has_room is not None and not await self._has_room()
            lost = await steps.heartbeat(self._ctx, self._worker_id, tokens, full=full)
            if lost is None and not self._draining:
                await self._register()
                lost = await steps.heartbeat(self._ctx, self._worker_id, tokens, full=full)
        except Unavailable as error:
            log.warning("heartbeat_failed", reason=str(error), running=len(tokens))
            return
        if lost:
            self.tell(LoseClaims(sorted(lost)))

    async def _receive(self) -> None:
        async def deliver(dispatch: Dispatch) -> None:
            self.tell(Deliver(dispatch))

        while not self._draining:
            try:
                await self._receiver.receive(deliver)
            except QueueUnavailable as error:
                log.warning("queue_lost", reason=str(error))
            await self.clock.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        async for control in self._ctx.bus.controls(self._worker_id):
            if control.cancel_tokens:
                self.tell(CancelClaims(control.cancel_tokens))
            else:  # look at your leases now
                await self.tick()

    async def _idle_within(self, seconds: float) -> bool:
        idle = asyncio.ensure_future(self._idle.wait())
        late = asyncio.ensure_future(self.clock.sleep(seconds))
        await asyncio.wait({idle, late}, return_when=asyncio.FIRST_COMPLETED)
        for future in (idle, late):
            future.cancel()
        return self._idle.is_set()

    async def _try_to(self, leaving: Awaitable[None]) -> None:
        try:
            await leaving
        except Unavailable as error:
            log.warning("leaving_unannounced", reason=str(error))


async def run_until_signalled(agent: WorkerAgent, *beside: Actor[Any]) -> None:
    """Run an agent under supervision; drain it on the first SIGINT or SIGTERM, drop everything on the second.

    The actors `beside` it run until it has left.
    """
    supervisor = Supervisor([agent, *beside], clock=agent.clock)
    running = asyncio.ensure_future(supervisor.run())
    draining: asyncio.Task[None] | None = None

    async def drain() -> None:
        await agent.drain()
        supervisor.stop()

    def heed() -> None:
        nonlocal draining
        if draining is None:
            draining = asyncio.ensure_future(drain())
        else:
            running.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, heed)
    try:
        await running
        if draining is not None:
            await draining
    except asyncio.CancelledError:
        if draining is None:
            raise
        draining.cancel()
        log.warning("worker_dropped_everything")
    finally:
        await agent.kill()

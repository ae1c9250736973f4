"""The actor: an asyncio task, a bounded mailbox and handlers that run one at a time.

Its shape is that of MediaMTX's path actor: whoever wants something puts a message into the mailbox, only the actor's
own task touches its state, and stopping answers everybody who still waits.
"""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, Final, Generic, TypeVar, cast

from renderowl.actors.clock import Clock, SystemClock
from renderowl.services.stopping import end_tasks

M = TypeVar("M")
R = TypeVar("R")


class ActorStopped(Exception):
    """The actor ended before it could answer."""


class MailboxFull(Exception):
    """The actor is behind by a whole mailbox; what was said is lost."""


class Request(Generic[R]):
    """A message that is answered with an `R`; the handler's return value is the answer."""


class _Envelope:
    """A message on its way, with the place for its answer if there is to be one."""

    __slots__ = ("answer", "message")

    def __init__(self, message: object, answer: "asyncio.Future[Any] | None" = None) -> None:
        self.message = message
        self.answer = answer


_TICK: Final = _Envelope("tick")
_STOP: Final = _Envelope("stop")


class Actor(Generic[M]):
    """Handles its messages one after another. Subclasses write `handle`, and `tick` when `tick_s` is set.

    `run` may be called again after it failed: the mailbox and the object's state are kept, helpers are started anew.
    """

    tick_s: float | None = None
    mailbox_size: int = 1024

    def __init__(self, name: str, *, clock: Clock | None = None) -> None:
        self.name = name
        self.clock: Clock = clock or SystemClock()
        self._mailbox: asyncio.Queue[_Envelope] = asyncio.Queue(self.mailbox_size)
        self._stopping = False
        self._tick_waits = False
        self._group: asyncio.TaskGroup | None = None
        self._helpers: set[asyncio.Task[None]] = set()

    # --- what others call -----------------------------------------------------------------------------------------

    def tell(self, message: M) -> None:
        """Put a message into the mailbox and go on. Raises MailboxFull; a stopped actor ignores it."""
        self._post(_Envelope(message))

    async def ask(self, message: Request[R]) -> R:
        """Put a message into the mailbox and wait for its answer. Raises ActorStopped, or what the handler raised."""
        if self._stopping:
            raise ActorStopped(self.name)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._post(_Envelope(message, answer))
        return cast(R, await answer)

    def stop(self) -> None:
        """End after the message in hand; everybody who still waits for an answer gets ActorStopped."""
        self._stopping = True
        while self._mailbox.full():
            _refuse(self._mailbox.get_nowait())
        self._mailbox.put_nowait(_STOP)

    async def run(self) -> None:
        """Handle messages until stopped. Raises what a handler or a helper raised."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    await self.starting()
                    if self.tick_s is not None:
                        self.spawn(self._ticking(self.tick_s))
                    await self._handle_all()
                finally:
                    await end_tasks(self._helpers)
        except asyncio.CancelledError:
            self._stopping = True
            raise
        finally:
            self._group = None
            self._helpers.clear()
            self._tick_waits = False
            if self._stopping:
                while not self._mailbox.empty():
                    _refuse(self._mailbox.get_nowait())
            await self.stopped()

    # --- what subclasses write ------------------------------------------------------------------------------------

    async def starting(self) -> None:
        """Called before the first message of every run; a good place to spawn helpers."""

    async def stopped(self) -> None:
        """Called when a run has ended, whatever the reason."""

    async def handle(self, message: M) -> object:
        """Deal with one message; the result answers an `ask`."""
        raise NotImplementedError

    async def tick(self) -> None:
        """Called every `tick_s`; ticks that would pile up are left out."""
        raise NotImplementedError

    def spawn(self, helper: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run `helper` beside the mailbox until it returns or the actor ends; its failure is the actor's.

        It starts in an empty context, so that it never inherits somebody's database transaction.
        """
        assert self._group is not None, "spawn() only while the actor runs"
        task = self._group.create_task(helper, context=contextvars.Context())
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)
        return task

    # --- inside ---------------------------------------------------------------------------------------------------

    def _post(self, envelope: _Envelope) -> None:
        if self._stopping:
            return
        try:
            self._mailbox.put_nowait(envelope)
        except asyncio.QueueFull:
            raise MailboxFull(self.name) from None

    async def _ticking(self, tick_s: float) -> None:
        while True:
            await self.clock.sleep(tick_s)
            if not self._tick_waits and not self._mailbox.full():
                self._tick_waits = True
                self._mailbox.put_nowait(_TICK)

    async def _handle_all(self) -> None:
        while True:
            envelope = await self._mailbox.get()
            if self._stopping:
                _refuse(envelope)
                return
            if envelope is _TICK:
                self._tick_waits = False
                await self.tick()
            else:
                await self._handle_one(envelope)

    async def _handle_one(self, envelope: _Envelope) -> None:
        try:
            result = await self.handle(cast(M, envelope.message))
        except BaseException as error:
            if envelope.answer is None:
                raise
            if isinstance(error, Exception):  # the one who asked deals with it
                if not envelope.answer.done():
                    envelope.answer.set_exception(error)
                return
            _refuse(envelope)
            raise
        if envelope.answer is not None and not envelope.answer.done():
            envelope.answer.set_result(result)


def _refuse(envelope: _Envelope) -> None:
    if envelope.answer is not None and not envelope.answer.done():
        envelope.answer.set_exception(ActorStopped("the actor stopped"))

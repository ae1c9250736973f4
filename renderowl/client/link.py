"""One connection to a room, over any transport: what it signals, and how long it has been silent."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Final, Protocol

import msgspec

from renderowl.client.ladder import End, Fault, Rung, Timing
from renderowl.client.messages import RoomMessage
from renderowl.domain.events import Cursor


class Joined(msgspec.Struct, frozen=True):
    """The room is heard from now on."""


class Alive(msgspec.Struct, frozen=True):
    """The connection lives, and has nothing to say."""


class Heard(msgspec.Struct, frozen=True):
    """A message, and the epoch its `seq` is of."""

    message: RoomMessage
    epoch: str


Signal = Joined | Alive | Heard


class Ended(Exception):
    """The connection has ended."""

    def __init__(self, end: End) -> None:
        super().__init__(end.why)
        self.end: Final = end


class Transport(Protocol):
    """A way to hear a room from a cursor on."""

    def signals(self) -> AsyncGenerator[Signal]:
        """Connect, and say what is heard. Raises Ended when the connection ends, never ends otherwise."""
        ...


class Silence:
    """How long nothing was heard, by all clocks alike: one that stands still while the machine sleeps does not matter."""

    def __init__(self, clocks: tuple[Callable[[], float], ...] = (time.monotonic, time.time)) -> None:
        self._clocks = clocks
        self.broken()

    def broken(self) -> None:
        """Something was heard just now."""
        self._since = [clock() for clock in self._clocks]

    @property
    def seconds(self) -> float:
        """How long ago that is."""
        return max(clock() - since for clock, since in zip(self._clocks, self._since, strict=True))


class Link:
    """A transport at work. It joins, and goes on from there once it is made `active`."""

    def __init__(self, rung: Rung, transport: Transport, since: Cursor | None, timing: Timing) -> None:
        loop = asyncio.get_running_loop()
        self.rung: Final = rung
        self.transport: Final = transport
        self.since: Final = since
        self.silence: Final = Silence()
        self.reader_waits = False
        """The client itself does not listen at the moment."""
        self.joined: Final[asyncio.Future[None]] = loop.create_future()
        self.left: Final[asyncio.Future[End]] = loop.create_future()
        self.active: Final = asyncio.Event()
        self.tasks: Final[list[asyncio.Task[Any]]] = []
        self._timing = timing

    def start(self, hearing: Coroutine[Any, Any, End]) -> None:
        """Begin to hear."""
        self.tasks.append(asyncio.create_task(hearing))

    @property
    def futures(self) -> set[asyncio.Future[Any]]:
        """What brings news of this link."""
        return {self.tasks[0], self.left} | (set() if self.joined.done() else {self.joined})

    def end(self) -> End | None:
        """How the connection ended; None while it goes on."""
        if self.tasks[0].cancelled():
            return End(Fault.BROKEN, "cancelled from within")
        if self.tasks[0].done():
            ended: End = self.tasks[0].result()
            return ended
        if self.left.done():
            return self.left.result()
        if self.reader_waits or self.silence.seconds < self.patience_s:
            return None
        held_back = self.rung == "stream" and not self.joined.done()
        return End(Fault.UNFIT if held_back else Fault.BROKEN, f"silent for {self.silence.seconds:.0f} s")

    @property
    def patience_s(self) -> float:
        """How long this link may be silent."""
        if self.joined.done():
            return self._timing.silence_s
        return self._timing.first_byte_s if self.rung == "stream" else self._timing.open_s

    @property
    def due_s(self) -> float:
        """In how many seconds its silence ends it."""
        return float("inf") if self.reader_waits else self.patience_s - self.silence.seconds

    def leave(self, end: End) -> None:
        """End the connection for a reason of our own."""
        if not self.left.done():
            self.left.set_result(end)

    async def stop(self) -> None:
        """Close the connection."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

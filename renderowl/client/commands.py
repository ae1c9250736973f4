"""Commands that wait for their answer, without I/O: given again over every new connection until it has come."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from renderowl.client.messages import Ack, RoomMessage
from renderowl.client.problem import Problem

PER_S: Final = 15
"""Commands a second; the server takes 20."""


class Command:
    """Something to be done, named by `ref`: the same ref does it once."""

    def __init__(self, type: str, ref: str, **fields: Any) -> None:
        self.type: Final = type
        self.ref: Final = ref
        self.fields: Final = fields
        self.times_given = 0
        self.answer: Final[asyncio.Future[Ack]] = asyncio.get_running_loop().create_future()

    @property
    def message(self) -> dict[str, Any]:
        """The command as it is said over a socket."""
        return {"type": self.type, "ref": self.ref, **self.fields}

    def done(self, ack: Ack) -> None:
        """It was carried out."""
        if not self.answer.done():
            self.answer.set_result(ack)

    def refused(self, error: Exception) -> None:
        """It was not, and will not be."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Commands:
    """Every command that waits."""

    def __init__(self) -> None:
        self._waiting: dict[str, Command] = {}
        self._asked = asyncio.Event()
        self._error: Exception | None = None

    async def ask(self, command: Command) -> Ack:
        """Have a command given; its answer, however many connections that takes. Raises Problem."""
        if self._error is not None:
            raise self._error
        if command.ref in self._waiting:
            raise ValueError(f"a command named {command.ref!r} waits already")
        self._waiting[command.ref] = command
        self._asked.set()
        try:
            return await command.answer
        finally:
            del self._waiting[command.ref]

    def hear(self, message: RoomMessage) -> bool:
        """Take an answer; False for a message that is none."""
        ref = message.body.get("ref")
        if message.type not in ("ack", "error") or ref is None:
            return False
        command = self._waiting.get(ref)
        if command is not None and message.type == "ack":
            command.done(msgspec.convert(message.body, Ack))
        elif command is not None:
            command.refused(Problem(message.body))
        return True

    def fail(self, error: Exception) -> None:
        """There will be no connection any more."""
        self._error = error
        for command in self._waiting.values():
            command.refused(error)

    async def give(self, over: Callable[[Command], Awaitable[None]]) -> None:
        """Give everything that waits, and whatever is asked from now on, over one connection, in order and paced."""
        given: set[Command] = set()
        recent: deque[float] = deque(maxlen=PER_S)
        while True:
            self._asked.clear()
            for command in [command for command in self._waiting.values() if command not in given]:
                if len(recent) == PER_S:
                    await asyncio.sleep(max(0.0, recent[0] + 1 - time.monotonic()))
                recent.append(time.monotonic())
                given.add(command)
                command.times_given += 1
                await over(command)
            given = {command for command in given if not command.answer.done()}
            await self._asked.wait()

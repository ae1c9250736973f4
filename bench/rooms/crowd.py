"""Many members of rooms in processes of their own, so that hearing costs neither the server nor the publisher."""

import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple


class Target(NamedTuple):
    """One socket to open. With a `hello` the server's welcome is awaited, else the upgrade is all."""

    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    hello: dict[str, Any] | None = None
    stalled: bool = False
    """Reads nothing once it is in, behind the smallest buffer the kernel gives."""
    returns: bool = False
    """Comes back when it is disconnected, from its cursor on, and keeps the seq of every event."""


class Tally(NamedTuple):
    """What was heard since `begin`; `lost` counts connections that ended."""

    frames: int
    bytes: int
    lost: int


class Story(NamedTuple):
    """What a member that returns went through: every seq in order of arrival, and its last return."""

    path: str
    seqs: list[int]
    back_at: float
    recovered: bool
    attempts: int
    close_codes: list[int]


@dataclass
class Crowd:
    """Members spread over processes; every call goes to all of them."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    pipes: list[Connection] = field(default_factory=list)

    async def connect(self, targets: Sequence[Target], *, at_once: int = 64) -> float:
        """Open all sockets and return the seconds until the last one was in."""
        count = len(self.pipes)
        began = [(targets[n::count], max(1, at_once // count)) for n in range(count)]
        return max(await self._ask("connect", began))

    async def begin(self, *, keep: bool = False, nap_s: float = 0.0) -> None:
        """Count from zero; with `keep` note when each member heard each message.

        With a nap between two looks at the sockets nearly no frame finds its reader asleep: to wake a process of the
        same machine costs the server more than to send, and no server with its members elsewhere pays it.
        """
        await self._ask("begin", [(keep, nap_s)] * len(self.pipes))

    async def tally(self) -> Tally:
        """What all have heard."""
        found = await self._ask("tally")
        return Tally(*(sum(each[n] for each in found) for n in range(3)))

    async def heard(self) -> dict[bytes, list[float]]:
        """The times at which each message was heard."""
        times: dict[bytes, list[float]] = {}
        for each in await self._ask("heard"):
            for message, when in each.items():
                times.setdefault(message, []).extend(when)
        return times

    async def stories(self) -> list[Story]:
        """What each member that returns went through."""
        return [Story(*story) for each in await self._ask("stories") for story in each]

    async def stalled(self) -> list[int]:
        """For each stalled member the bytes that wait in its socket unread."""
        return [count for each in await self._ask("stalled") for count in each]

    async def leave(self) -> None:
        """Close all sockets."""
        await self._ask("leave")

    async def _ask(self, word: str, arguments: Sequence[Any] | None = None) -> list[Any]:
        for n, pipe in enumerate(self.pipes):
            pipe.send((word, None if arguments is None else arguments[n]))
        return [await asyncio.to_thread(pipe.recv) for pipe in self.pipes]


@contextlib.asynccontextmanager
async def crowd(processes: int = 1) -> AsyncIterator[Crowd]:
    """A crowd without members yet, gone at the end of the block."""
    raise_file_limit()
    made = Crowd()
    try:
        for _ in range(processes):
            ours, theirs = socket.socketpair()
            script = str(Path(__file__).with_name("crowd_process.py"))
            made.processes.append(
                subprocess.Popen([sys.executable, script, str(theirs.fileno())], pass_fds=[theirs.fileno()])
            )
            theirs.close()
            made.pipes.append(Connection(ours.detach()))
        yield made
    finally:
        for pipe in made.pipes:
            pipe.close()
        for process in made.processes:
            process.wait(timeout=10)


def raise_file_limit() -> None:
    """Let this process and its children open as many files as they may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

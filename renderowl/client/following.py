"""Following a room over whichever transport works: the tasks and connections between the ladder and the inbox."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import msgspec

from renderowl.client.commands import Command, Commands
from renderowl.client.credential import Credential
from renderowl.client.endings import of_failure
from renderowl.client.follower import Follower
from renderowl.client.inbox import Inbox
from renderowl.client.ladder import End, Fault, Ladder, Rung, Timing
from renderowl.client.link import Ended, Heard, Joined, Link, Transport
from renderowl.client.messages import Ack
from renderowl.client.problem import Problem
from renderowl.client.socket import Socket
from renderowl.domain.events import Cursor

log = logging.getLogger(__name__)

Open = Callable[[Rung, Cursor | None], Transport]
"""Makes a transport for this rung, to go on from this cursor."""


class Following:
    """Fills the inbox from a cursor on, until `run` is cancelled or coming back is of no use."""

    def __init__(
        self,
        open: Open,
        *,
        cursor: Cursor | None,
        credential: Credential,
        over_http: Callable[[Command], Awaitable[None]],
        timing: Timing,
    ) -> None:
        self.inbox: Final = Inbox()
        self.link: Link | None = None
        """The connection over which the room is heard."""
        self._commands = Commands()
        self._follower = Follower(cursor)
        self._ladder = Ladder(timing)
        self._open = open
        self._credential = credential
        self._over_http = over_http
        self._timing = timing
        self._token_refused = False

    async def run(self) -> None:
        """Connect, and connect again. What ends it is told to the reader and to whoever waits for an answer."""
        try:
            while True:
                end = await self._ride()
                log.info("a room's connection ended: %s", end.why)
                if end.fault is Fault.EXPIRED:
                    await self._renew(end)
                elif end.fault is Fault.REFUSED and end.problem is not None:
                    raise end.problem
                await asyncio.sleep(self._ladder.ended(end, time.monotonic()))
        except Exception as error:
            self.inbox.close(error)
            self._commands.fail(error)

    async def ask(self, command: Command) -> Ack:
        """Have a command carried out. Raises Problem."""
        with self.inbox.hurry():
            return await self._commands.ask(command)

    def leave(self) -> None:
        """The room is left: nobody will be answered any more."""
        self._commands.fail(ConnectionError("the room was left"))

    # --- connections -------------------------------------------------------------------------------------------------

    async def _ride(self) -> End:
        """Hear the room over the ladder's rung, and over a better one as soon as that works, until it ends."""
        link, better = self._start(self._ladder.rung), None
        link.active.set()
        try:
            while True:
                await self._wait(link, better)
                now = time.monotonic()
                if (end := link.end()) is not None:
                    return end
                if better is None:
                    if now >= self._ladder.climb_at:
                        better = self._start(self._ladder.target)
                elif better.joined.done() and not self._follower.goes_on_from(better.since):
                    await better.stop()
                    better = None
                    self._ladder.slipped(now)
                elif better.joined.done():
                    await link.stop()
                    link, better = better, None
                    self._ladder.climbed()
                    link.active.set()
                elif (end := better.end()) is not None:
                    log.info("the %s does not work yet: %s", better.rung, end.why)
                    await better.stop()
                    better = None
                    self._ladder.slipped(now)
        finally:
            self.link = None
            await link.stop()
            if better is not None:
                await better.stop()

    async def _wait(self, link: Link, better: Link | None) -> None:
        """Return when one of the links may have ended or joined, or a better transport is to be tried."""
        links = [link] if better is None else [link, better]
        pause_s = min(self._timing.look_s, *(one.due_s for one in links))
        if better is None:
            pause_s = min(pause_s, self._ladder.climb_at - time.monotonic())
        futures = set[asyncio.Future[object]]().union(*(one.futures for one in links))
        await asyncio.wait(futures, timeout=max(0.0, pause_s), return_when=asyncio.FIRST_COMPLETED)

    def _start(self, rung: Rung) -> Link:
        since = self._follower.cursor
        link = Link(rung, self._open(rung, since), since, self._timing)
        link.start(self._hear(link))
        return link

    async def _hear(self, link: Link) -> End:
        """Take what the link says, once it is the one to be heard."""
        try:
            async with contextlib.aclosing(link.transport.signals()) as signals:
                async for signal in signals:
                    link.silence.broken()
                    if isinstance(signal, Joined) and not link.joined.done():
                        link.joined.set_result(None)
                        await link.active.wait()
                        self._settle(link)
                    elif isinstance(signal, Heard):
                        await self._take(link, signal)
        except Ended as ended:
            return ended.end
        except (OSError, httpx.TransportError) as error:
            return of_failure(error)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return End(Fault.BROKEN, f"not understood: {error}")
        return End(Fault.BROKEN, "it just ended")

    def _settle(self, link: Link) -> None:
        """The room is heard over this link from now on: give it the commands that wait."""
        log.info("in the room over the %s", link.rung)
        self.link = link
        self._token_refused = False
        self._ladder.joined(time.monotonic())
        transport = link.transport
        over = self._over_http

        async def over_socket(command: Command) -> None:
            assert isinstance(transport, Socket)
            await transport.say(command.message)

        if isinstance(transport, Socket):
            over = over_socket
        link.tasks.append(asyncio.create_task(self._give(over)))

    async def _give(self, over: Callable[[Command], Awaitable[None]]) -> None:
        with contextlib.suppress(ConnectionError):  # the link ends by itself
            await self._commands.give(over)

    async def _take(self, link: Link, heard: Heard) -> None:
        if self._commands.hear(heard.message):
            return
        link.reader_waits = True
        await self.inbox.space()
        link.reader_waits = False
        link.silence.broken()
        before = self._follower.cursor
        if self._follower.hear(heard.message, heard.epoch, link.since):
            self.inbox.add(heard.message, self._follower.cursor)
        elif self._follower.cursor != before:
            self.inbox.add(None, self._follower.cursor)

    async def _renew(self, end: End) -> None:
        """Get another token. Raises the problem when there is none, or it was refused already."""
        problem = end.problem or Problem({"status": 401, "code": "unauthenticated", "detail": end.why})
        if self._token_refused or await self._credential.renew(self._credential.current) is None:
            raise problem
        self._token_refused = True

"""One connection: the protocol's rules, the member's words and a link, joined."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, Final, assert_never

import structlog

from renderowl.domain.errors import Forbidden, Internal, RenderOwlError, Unauthenticated
from renderowl.domain.ids import new_id
from renderowl.domain.records import Principal
from renderowl.services import accounts, callers, projects
from renderowl.services.context import Context
from renderowl.services.rooms import Filter
from renderowl.ws import frames
from renderowl.ws.commands import perform
from renderowl.ws.hub import Hub
from renderowl.ws.link import Link
from renderowl.ws.member import LATE_S, Member
from renderowl.ws.protocol import Action, Authenticate, Close, Join, Perform, Protocol, Redeem, Refilter, Said, Send
from renderowl.ws.room import Room
from renderowl.ws.words import Word, frames_of

log = structlog.get_logger(__name__)

_CLOSE_S: Final = 1.0
_REASON_BYTES: Final = 123

Message = dict[str, Any]


@lru_cache(maxsize=64)  # one may name 200 renders: 64 KiB
def _shared(filter: Filter) -> Filter:
    """One filter for all who ask for the same: it is looked at for each of a thousand members."""
    return filter


class Session:
    """Serves one connection in one task, which receives; everything is sent by whoever has something to say.

    It is its member's outlet: what the peer takes at once goes straight to the link. The hub calls `tick` now and then.
    """

    __slots__ = (
        "_close",
        "_closing",
        "_ctx",
        "_held",
        "_hub",
        "_link",
        "_member",
        "_origin",
        "_plain",
        "_project_id",
        "_protocol",
        "_room",
        "principal",
    )

    def __init__(
        self, hub: Hub, ctx: Context, link: Link, project_id: str, *, plain: bool, origin: str | None = None
    ) -> None:
        self.principal: Principal | None = None
        self._hub = hub
        self._ctx = ctx
        self._link = link
        self._project_id = project_id
        self._plain = plain
        self._origin = origin
        self._held = contextlib.AsyncExitStack()
        self._member = Member(hub.clock, self)
        self._protocol = Protocol(new_id("con"), plain=plain, now=hub.clock())
        self._room: Room | None = None
        self._close: Callable[[Close], Awaitable[None]] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def run(
        self,
        offered: Authenticate | Redeem | RenderOwlError | None,
        receive: Callable[[], Awaitable[Message]],
        close: Callable[[Close], Awaitable[None]],
    ) -> None:
        """Serve an accepted connection to its end; `offered` is what it said itself of its caller."""
        self._close = close
        self._link.on_full = self._member.part
        self._link.on_room = self._flush
        self._hub.guests.add(self)
        try:
            await self._receive(offered, receive)
        except Exception as error:
            log.error("socket_failed", project_id=self._project_id, exc_info=error)
            self._say(self._protocol.refused(Internal()))
        finally:
            self._hub.guests.discard(self)
            await self._held.aclose()
            if self._closing is not None:
                await self._closing
            self._member.leave()

    # --- receiving ---------------------------------------------------------------------------------------------------

    async def _receive(
        self, offered: Authenticate | Redeem | RenderOwlError | None, receive: Callable[[], Awaitable[Message]]
    ) -> None:
        if isinstance(offered, RenderOwlError):
            self._say(self._protocol.refused(offered))
        else:
            await self._perform(self._protocol.start(offered))
        while (message := await receive())["type"] == "websocket.receive":
            said = message.get("text") or message.get("bytes") or b""
            await self._perform(self._protocol.receive(said, self._hub.clock()))

    async def _perform(self, actions: Sequence[Action]) -> None:
        """Do what the protocol says, one after the other, until it has nothing more to say."""
        for action in actions:
            match action:
                case Send() | Close():
                    self._say([action])
                case Refilter():
                    self._member.part()
                    self._member.filter = _shared(action.filter)
                case Perform():
                    await self._command(action.command)
                case Authenticate() | Redeem() | Join():
                    try:
                        following = await (self._join(action) if isinstance(action, Join) else self._identify(action))
                    except RenderOwlError as error:
                        following = self._protocol.refused(error)
                    await self._perform(following)
                case _:
                    assert_never(action)

    async def _identify(self, action: Authenticate | Redeem) -> Sequence[Action]:
        """Find out who is calling and whether they may see the project."""
        if isinstance(action, Redeem):
            principal = await accounts.redeem_ticket(
                self._ctx, action.ticket, project_id=self._project_id, origin=self._origin
            )
            await projects.get(self._ctx, principal, self._project_id)
        else:
            principal = await self._hub.door.identify(action.credential, self._project_id)
        if self.principal is None:
            self._held.enter_context(self._hub.door.seat(principal, self._project_id))
        self.principal = principal
        expires_in_s = None if principal.expires_at is None else principal.expires_at - time.time()
        return self._protocol.authenticated(
            principal.user_id, expires_in_s, frames.expiry_of(principal), self._hub.clock()
        )

    async def _join(self, action: Join) -> Sequence[Action]:
        """Enter first, read then: what happens in between waits in the member."""
        if self.principal is None:
            raise Unauthenticated
        self._member.filter, self._member.presence = _shared(action.filter), action.presence
        room = await self._held.enter_async_context(self._hub.membership(self._project_id, self._member, action.since))
        watcher = frames.Watcher(self._protocol.connection, self.principal.user_id, action.name)
        here = await self._held.enter_async_context(self._hub.attendance.presence(room, watcher, asked=action.presence))
        opening = await self._hub.opening(room, action.since)
        now = self._hub.clock()
        await self._perform(self._protocol.joined(opening.cursor, opening.recovered, now, here))
        self._member.begin(opening)
        self._room = room
        return []

    async def _command(self, command: frames.Command) -> None:
        """Carry out a command for a caller who may still give it; a failure is the answer, not the end."""
        assert self.principal is not None
        try:
            ends_at = self.principal.expires_at
            if ends_at is not None and ends_at < time.time():
                self._say(self._protocol.refused(Unauthenticated("the token has expired: refresh it first")))
                return
            if await callers.is_revoked(self._ctx, self.principal):
                self.revoke()
                return
            self._member.say(await perform(self._ctx, self.principal, self._project_id, command))
        except RenderOwlError as error:
            self._member.say(frames.error_of(error, command.ref))

    # --- sending -----------------------------------------------------------------------------------------------------

    def offer(self, word: Word) -> bool:
        """Say the word at once; False: the peer does not take what it is sent."""
        if self._link.full_since is not None:
            return False
        if framed := frames_of((word,), plain=self._plain):
            self._link.write(framed)
        return True

    def remind(self, at: float) -> None:
        """Send what waits, now or when it is due."""
        if at > self._hub.clock():
            self._hub.timetable.at(at, self._flush)
        else:
            self._flush()

    def tick(self, now: float) -> None:
        """What time alone brings. Called about once a second."""
        if now >= self._protocol.due:
            self._say(self._protocol.tick(now))
        if self._member.cohort is not None:  # nothing waits, and the peer takes what it is sent
            self._member.cohort.tick(now)
            return
        stuck = self._link.full_since is not None and now - self._link.full_since > LATE_S
        if stuck or self._member.is_late(now):
            self._member.give_up()
        elif self._member.due() <= now:
            self._flush()
        elif self._room is not None and self._link.full_since is None:
            self._room.gather(self._member, self._link, self._hub.timetable, plain=self._plain)

    def close(self, close: Close) -> None:
        """End the connection after what was said."""
        self._member.close(close)

    def revoke(self) -> None:
        """Send away somebody who has lost the credential."""
        self._say(self._protocol.refused(Forbidden("the credential was revoked")))

    def _say(self, said: Sequence[Said]) -> None:
        for action in said:
            match action:
                case Send():
                    self._member.say(action.message)
                case Close():
                    self._member.close(action)

    def _flush(self) -> None:
        """Send what is due, as long as the peer takes it; then close, if that is what comes next."""
        while self._link.full_since is None and (words := self._member.take(self._hub.clock())):
            if framed := frames_of(words, plain=self._plain):
                self._link.write(framed)
        if self._member.closing is not None and self._closing is None and self._close is not None:
            self._closing = asyncio.create_task(self._finish(self._member.closing, self._close))

    async def _finish(self, closing: Close, close: Callable[[Close], Awaitable[None]]) -> None:
        """Close the socket; one that takes nothing is dropped."""
        reason = closing.reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        try:
            async with asyncio.timeout(_CLOSE_S):
                await close(Close(closing.code, reason))
        except (OSError, RuntimeError, TimeoutError):
            self._link.abort()

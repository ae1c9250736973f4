"""The rooms of this process: one subscription to Redis, holes filled from the stream or from Postgres."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final

import structlog

from renderowl.bus.base import BusUnavailable, RoomMessage
from renderowl.db import events
from renderowl.domain.errors import NotFound, Unavailable
from renderowl.domain.events import Cursor, Event
from renderowl.domain.records import Principal
from renderowl.services import accounts
from renderowl.services.context import Context
from renderowl.services.rooms import Filter, Message, Opening, Poll, RoomPoll, open_room, read_room
from renderowl.ws import frames
from renderowl.ws.frames import EphemeralWord, EventWord
from renderowl.ws.member import BATCH, Member
from renderowl.ws.polling import poll_room
from renderowl.ws.protocol import Close
from renderowl.ws.room import Room

log = structlog.get_logger(__name__)

COMPARE_S: Final = 25.0
POLL_S: Final = 1.0
"""Without Redis, durable events are read from Postgres this often."""
SWEEP_S: Final = 1.0
DRAIN_S: Final = 5.0
ASK_AGAIN_S: Final = 0.5
KEEP_ALIVE_S: Final = 15.0
RECHECK_S: Final = 15.0
"""How long somebody whose credential was revoked may go on listening."""
_FILL: Final = 500
_GATES: Final = 64

_DEPLOYING: Final = Close(frames.DEPLOYING, "the server is being deployed; reconnect and resume")
_EPOCH: Final = Close(frames.DEPLOYING, "the room's history was replaced; reconnect")


class Hub:
    """Lets members of rooms hear what happens. Redis may come and go: it decides how soon, never whether."""

    def __init__(self, ctx: Context, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._ctx = ctx
        self._feed = ctx.bus.rooms()
        self.rooms: dict[str, Room] = {}
        self._gates = tuple(asyncio.Lock() for _ in range(_GATES))
        self._filling: dict[Room, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.connected = False
        self._compare_now = asyncio.Event()
        self._left = asyncio.Event()
        self.draining = False
        self.recheck_s = RECHECK_S

    async def start(self) -> None:
        """Begin to listen."""
        for work in (self._listen, self._compare, self._sweep):
            self._tasks.append(asyncio.create_task(_for_ever(work), name=f"hub{work.__name__}"))

    async def drain(self) -> None:
        """Tell every member that the server is being deployed and wait, a little, until they are gone."""
        self.draining = True
        for room in self.rooms.values():
            room.close(_DEPLOYING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while self.rooms:
                    self._left.clear()
                    await self._left.wait()

    async def stop(self) -> None:
        """Drain and stop listening."""
        await self.drain()
        left = {*self._tasks, *self._filling.values()}
        while left:  # a cancellation that comes while redis-py makes a connection can get lost: ask again
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=ASK_AGAIN_S)
        self._tasks.clear()

    # --- members -----------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def membership(self, project_id: str, member: Member) -> AsyncIterator[None]:
        """Be in the room within the block. What happens from its start on is kept for the member until it begins.

        Raises NotFound for a project that does not exist, Unavailable when Postgres or the server is going away.
        """
        if self.draining:
            member.close(_DEPLOYING)
        room = await self._enter(project_id, member)
        try:
            yield
        finally:
            room.members.discard(member)
            await self._leave(room)

    async def open_room(self, principal: Principal, project_id: str, since: Cursor | None) -> Opening:
        """What the room opens with for a member. Raises NotFound, Forbidden, Unavailable."""
        return self._learn(project_id, await open_room(self._ctx, principal, project_id, since))

    async def is_revoked(self, principal: Principal) -> bool:
        """Tell whether somebody who listens has lost the credential; while Postgres is away nobody has."""
        try:
            return await accounts.is_revoked(self._ctx, principal)
        except Unavailable as error:
            log.info("credential_not_rechecked", reason=error.detail)
            return False

    def _learn(self, project_id: str, opening: Opening) -> Opening:
        """Let the room know how far Postgres is: what was published while the room was being made reached nobody."""
        room = self.rooms.get(project_id)
        if room is not None and room.epoch == opening.cursor.epoch:
            room.know_of(opening.cursor.seq)
            if room.hole:
                self._fill_soon(room)
        return opening

    async def _enter(self, project_id: str, member: Member) -> Room:
        async with self._gate(project_id):
            room = self.rooms.get(project_id)
            if room is None:
                room = self.rooms[project_id] = await self._open(project_id)
            room.members.add(member)
            return room

    async def _open(self, project_id: str) -> Room:
        await self._feed.follow(project_id)
        try:
            top = await events.top(self._ctx.db, project_id)
            if top is None:
                raise NotFound(f"there is no project {project_id!r}")
        except BaseException:
            await self._feed.unfollow(project_id)
            raise
        return Room(project_id, Cursor(*top))

    async def _leave(self, room: Room) -> None:
        if room.members:
            return
        async with self._gate(room.project_id):
            if not room.members and self.rooms.get(room.project_id) is room:
                del self.rooms[room.project_id]
            if room.project_id not in self.rooms:
                await self._feed.unfollow(room.project_id)
            self._left.set()

    def _gate(self, project_id: str) -> asyncio.Lock:
        """Entering and leaving one room take turns, so that nobody is in a room that is not followed."""
        return self._gates[hash(project_id) % _GATES]

    # --- other transports --------------------------------------------------------------------------------------------

    async def wait_for(self, project_id: str, render_id: str, cursor: Cursor | None, timeout_s: float) -> Poll:
        """What happened to a render after `cursor`, waiting up to `timeout_s` for something to happen."""
        deadline = self.clock() + timeout_s
        member = Member(self.clock)
        member.filter = Filter(render_ids=frozenset({render_id}))
        async with self.membership(project_id, member):
            opening = self._learn(project_id, await read_room(self._ctx, project_id, cursor))
            missed = [event for event in opening.events if event.render_id == render_id]
            if missed or not opening.recovered:
                return Poll(opening.cursor, opening.recovered, missed, opening.progress.get(render_id))
            member.begin(Opening(opening.cursor, True, [], [], False, {}))
            while member.closing is None and (left := deadline - self.clock()) > 0:
                words = member.take(self.clock())
                heard = [word.event for word in words if isinstance(word, EventWord)]
                progress = next((word.progress for word in words if isinstance(word, EphemeralWord)), None)
                if heard or progress:
                    newest = heard[-1].seq if heard else opening.cursor.seq
                    return Poll(Cursor(opening.cursor.epoch, newest), True, heard, progress)
                await member.wait(min(left, member.due() - self.clock()))
            return Poll(cursor or opening.cursor, True, [], None)

    async def poll(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter, timeout_s: float
    ) -> RoomPoll:
        """What was said in the room after `since`, waiting up to `timeout_s` for something to happen."""
        member = Member(self.clock)
        member.filter = filter
        async with self.membership(project_id, member):
            opening = await self.open_room(principal, project_id, since)
            return await poll_room(member, opening, self.clock, timeout_s)

    async def stream(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter
    ) -> AsyncGenerator[Message]:
        """The room from `since` on, for as long as the reader, the server and the credential last."""
        member = Member(self.clock)
        member.filter = filter
        ends_at, checked = principal.expires_at, self.clock()
        async with self.membership(project_id, member):
            member.begin(await self.open_room(principal, project_id, since))
            while True:
                words = member.take(self.clock())
                for word in words:
                    yield Message(word.text, word.cursor)
                if words:
                    continue
                if member.closing is not None or (ends_at is not None and time.time() > ends_at):
                    return
                if self.clock() - checked >= self.recheck_s:
                    checked = self.clock()
                    if await self.is_revoked(principal):
                        return
                asleep_since = self.clock()
                await member.wait(min(KEEP_ALIVE_S, self.recheck_s, member.due() - asleep_since))
                if self.clock() - asleep_since >= KEEP_ALIVE_S:
                    yield Message("")

    # --- listening ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._feed.messages()) as messages:
            async for item in messages:
                if isinstance(item, RoomMessage):
                    self._hear(item)
                else:
                    self.connected = item == "reconnected"
                    self._compare_now.set()

    def _hear(self, message: RoomMessage) -> None:
        room = self.rooms.get(message.project_id)
        if room is None:
            return
        if message.kind == "durable":
            event = frames.read_event(message.body)
            if event.epoch != room.epoch:
                self._replace(room)
                return
            room.hear(event)
        elif message.render_id is not None:
            room.glance(EphemeralWord(message.kind, message.render_id, message.body), message.attempt or 0)
        room.know_of(message.top)
        if room.hole:
            self._fill_soon(room)

    def _replace(self, room: Room) -> None:
        """Send everybody away from a room whose history is another now; they come back to a new one."""
        if self.rooms.get(room.project_id) is room:
            del self.rooms[room.project_id]
        room.close(_EPOCH)

    def _fill_soon(self, room: Room) -> None:
        if room not in self._filling:
            self._filling[room] = asyncio.create_task(self._fill(room))

    async def _fill(self, room: Room) -> None:
        """Read what the room has not heard, from the stream or else from Postgres. Left to the next compare if it fails."""
        try:
            while room.hole and room.members:
                claimed = room.top
                found = await self._after(room)
                if not found and room.top == claimed:
                    room.top = room.last  # a claim that Postgres does not know: nothing that happened
                for number, event in enumerate(found, 1):
                    room.hear(event)
                    if number % BATCH == 0:
                        await asyncio.sleep(0)  # members send between two batches: our hurry is not their slowness
        except Unavailable as error:
            log.info("room_not_filled", project_id=room.project_id, reason=error.detail)
        finally:
            del self._filling[room]  # at once: a hole that opens from now on is for the next task

    async def _after(self, room: Room) -> list[Event]:
        with contextlib.suppress(BusUnavailable):
            if found := await self._ctx.bus.replay(room.project_id, room.epoch, room.last):
                return found
        return await events.read_after(self._ctx.db, room.project_id, room.last, limit=_FILL)

    async def _compare(self) -> None:
        """Ask Postgres how far every room is: often without Redis, now and then with it."""
        compared = True
        while True:
            trusting = self.connected and compared
            pause = COMPARE_S * random.uniform(0.8, 1.2) if trusting else POLL_S  # noqa: S311 - jitter
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._compare_now.wait()
            self._compare_now.clear()
            rooms = dict(self.rooms)
            if not rooms:
                continue
            try:
                tops = await events.tops(self._ctx.db, list(rooms))
                compared = True
            except Unavailable as error:
                compared = False
                log.warning("rooms_not_compared", reason=error.detail)
                continue
            for project_id, room in rooms.items():
                epoch, seq = tops.get(project_id, ("", 0))
                if epoch != room.epoch:
                    self._replace(room)
                    continue
                room.know_of(seq)
                if room.hole:
                    self._fill_soon(room)

    async def _sweep(self) -> None:
        """Close members whose connection does not take what it is sent."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self.clock()
            for room in self.rooms.values():
                for member in room.members:
                    if member.is_late(now):
                        member.give_up()


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` again whenever it fails: a bug in one message must not silence every room."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("hub_failed", work=work.__name__)
            await asyncio.sleep(POLL_S)

"""The rooms of this process: one subscription to Redis, holes filled from the stream or from Postgres."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Literal

import structlog

from renderowl.bus.base import BusUnavailable, RoomMessage
from renderowl.db import events
from renderowl.domain.errors import RenderOwlError, Unavailable
from renderowl.domain.events import Cursor, Event
from renderowl.domain.records import Principal
from renderowl.services.context import Context
from renderowl.services.rooms import Filter, Message, Poll, RoomPoll, RoomState, read_rooms
from renderowl.services.stopping import end_tasks
from renderowl.ws import frames
from renderowl.ws.attendance import Attendance
from renderowl.ws.batch import Batch
from renderowl.ws.door import Door, full
from renderowl.ws.guests import Guests
from renderowl.ws.keeping import Keeper
from renderowl.ws.member import BATCH, Member
from renderowl.ws.opening import Opening
from renderowl.ws.polling import poll_render, poll_room
from renderowl.ws.protocol import Close
from renderowl.ws.room import Room
from renderowl.ws.streaming import Listener
from renderowl.ws.timetable import Timetable
from renderowl.ws.words import EphemeralWord

log = structlog.get_logger(__name__)

COMPARE_S: Final = 25.0
POLL_S: Final = 1.0
"""Without Redis, durable events are read from Postgres this often."""
DRAIN_S: Final = 5.0
_FILL: Final = 500
_GATES: Final = 64

_DEPLOYING: Final = Close(frames.DEPLOYING, "the server is being deployed; reconnect and resume")
_EPOCH: Final = Close(frames.DEPLOYING, "the room's history was replaced; reconnect")


class Hub:
    """Lets members of rooms hear what happens. Redis may come and go: it decides how soon, never whether."""

    def __init__(self, ctx: Context, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.rooms: dict[str, Room] = {}
        self.door = Door(ctx)
        self.guests = Guests(ctx, clock)
        self.timetable = Timetable(clock)
        self.attendance = Attendance(ctx.bus, self.rooms, clock)
        self.keeper = Keeper(ctx, self.rooms)
        self.connected = False
        self.draining = False
        self._ctx = ctx
        self._feed = ctx.bus.rooms()
        self._reads = Batch(self._read)
        self._gates = tuple(asyncio.Lock() for _ in range(_GATES))
        self._filling: dict[Room, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._compare_now = asyncio.Event()
        self._left = asyncio.Event()

    async def start(self) -> None:
        """Begin to listen."""
        self.door.open()
        for work in (
            self._listen,
            self._compare,
            self.guests.sweep,
            self.guests.recheck,
            self.attendance.run,
            self.keeper.run,
        ):
            self._tasks.append(asyncio.create_task(_for_ever(work), name=f"hub-{work.__name__}"))

    async def drain(self) -> None:
        """Tell everybody that the server is being deployed and wait, a little, until they are gone."""
        self.draining = True
        for guest in tuple(self.guests):
            guest.close(_DEPLOYING)
        for room in self.rooms.values():
            room.close(_DEPLOYING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self.keeper.settle()
                while self.rooms:
                    self._left.clear()
                    await self._left.wait()

    async def stop(self) -> None:
        """Drain, say that nobody is here any more, and stop listening."""
        await self.drain()
        await self.attendance.announce()
        await end_tasks({*self._tasks, *self._filling.values()})
        self._tasks.clear()

    # --- members -----------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def membership(self, project_id: str, member: Member, since: Cursor | None) -> AsyncIterator[Room]:
        """Be in the room within the block. What happens from its start on is kept for the member until it begins.

        Raises NotFound for a project that does not exist, Unavailable when Postgres or the server is going away.
        """
        if self.draining:
            member.close(_DEPLOYING)
        room = await self._enter(project_id, member, since)
        try:
            yield room
        finally:
            member.part()
            room.members.discard(member)
            await self._leave(room)

    async def opening(self, room: Room, since: Cursor | None) -> Opening:
        """What a member who is in the room is told first: remembered, or else read. Raises NotFound, Unavailable."""
        found = room.opening(since, self.clock())
        if found is not None:
            return found
        state = await self._reads.ask((room.project_id, since))
        if state.cursor.epoch != room.epoch:
            self._replace(room)
        self._learn(room, state)
        return room.opening(since, self.clock()) or room.opening_of(state, since)

    async def _read(self, asked: Sequence[tuple[str, Cursor | None]]) -> list[RoomState | RenderOwlError]:
        return await read_rooms(self._ctx, asked)

    def _learn(self, room: Room, state: RoomState) -> None:
        room.learn(state, self.clock())
        if room.hole:
            self._fill_soon(room)

    async def _enter(self, project_id: str, member: Member, since: Cursor | None) -> Room:
        async with self._gate(project_id):
            room = self.rooms.get(project_id) or await self._open(project_id, since)
            room.members.add(member)
            if room.hole:
                self._fill_soon(room)
            return room

    async def _open(self, project_id: str, since: Cursor | None) -> Room:
        """A new room, which hears what happens from before it is read."""
        room = self.rooms[project_id] = Room(project_id)
        try:
            await self._feed.follow(project_id)
            state = await self._reads.ask((project_id, since))
        except BaseException:
            del self.rooms[project_id]
            await self._feed.unfollow(project_id)
            raise
        room.open(state.cursor)
        self._learn(room, state)
        return room

    async def _leave(self, room: Room) -> None:
        if room.members:
            return
        async with self._gate(room.project_id):
            if not room.members and self.rooms.get(room.project_id) is room:
                del self.rooms[room.project_id]
                self.keeper.note(room)
            if room.project_id not in self.rooms:
                await self._feed.unfollow(room.project_id)
            self._left.set()

    def _gate(self, project_id: str) -> asyncio.Lock:
        """Entering and leaving one room take turns, so that nobody is in a room that is not followed."""
        return self._gates[hash(project_id) % _GATES]

    # --- other transports --------------------------------------------------------------------------------------------

    async def wait_for(
        self, principal: Principal, project_id: str, render_id: str, cursor: Cursor | None, timeout_s: float
    ) -> Poll:
        """What happened to a render after `cursor`, waiting up to `timeout_s` for something to happen."""
        timeout_s = _within(principal, timeout_s)
        filter = Filter(render_ids=frozenset({render_id}))
        async with self._reading(principal, project_id, cursor, filter) as (room, listener):
            opening = await self.opening(room, cursor)
            return await poll_render(listener.member, opening, render_id, cursor, self.clock, timeout_s)

    async def poll(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter, timeout_s: float
    ) -> RoomPoll:
        """What was said in the room after `since`, waiting up to `timeout_s` for something to happen."""
        timeout_s = _within(principal, timeout_s)
        async with self._reading(principal, project_id, since, filter) as (room, listener):
            return await poll_room(listener.member, await self.opening(room, since), self.clock, timeout_s)

    def check_seat(self, principal: Principal, project_id: str) -> None:
        """Raise RateLimited or Unavailable when there is no place for one more stream."""
        self.door.check(principal, project_id)

    async def stream(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter
    ) -> AsyncGenerator[Message]:
        """The room from `since` on, for as long as the reader, the server and the credential last."""
        with self.door.seat(principal, project_id):
            async with (
                self._reading(principal, project_id, since, filter) as (room, listener),
                contextlib.aclosing(listener.read(await self.opening(room, since))) as messages,
            ):
                async for message in messages:
                    yield message

    @contextlib.asynccontextmanager
    async def _reading(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter
    ) -> AsyncIterator[tuple[Room, Listener]]:
        """Listen within the block, as one of this process's connections, until the credential is revoked.

        Raises Unavailable when the process has as many connections as it takes.
        """
        if self.door.full:
            raise full()
        listener = Listener(principal, self.clock)
        listener.member.filter = filter
        with self.door.connection():
            self.guests.add(listener)
            try:
                async with self.membership(project_id, listener.member, since) as room:
                    yield room, listener
            finally:
                self.guests.discard(listener)

    # --- listening ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        await self._feed.listen(self._take)

    def _take(self, item: RoomMessage | Literal["reconnected", "lost"]) -> None:
        if isinstance(item, RoomMessage):
            try:
                self._hear(item)
            except Exception:  # it is one room's: the others go on listening
                log.exception("room_message_failed", project_id=item.project_id, kind=item.kind)
        else:
            self.connected = item == "reconnected"
            self._compare_now.set()
            self.attendance.repeat()

    def _hear(self, message: RoomMessage) -> None:
        room = self.rooms.get(message.project_id)
        if room is None:
            return
        if message.kind == "presence":
            self.attendance.hear(room, message.body)
        elif message.kind == "durable":
            event = frames.read_event(message.body)
            if room.epoch not in (None, event.epoch):
                self._replace(room)
                return
            room.hear(event)
        elif message.render_id is not None:
            word = EphemeralWord(message.kind, message.render_id, message.body)
            room.glance(word, message.attempt or 0, self.clock())
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
            if found := await self._ctx.bus.replay(room.project_id, room.epoch or "", room.last):
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
            rooms = {project_id: room for project_id, room in self.rooms.items() if room.epoch is not None}
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


def _within(principal: Principal, timeout_s: float) -> float:
    """So long, but not past the end of the credential."""
    return timeout_s if principal.expires_at is None else max(0.0, min(timeout_s, principal.expires_at - time.time()))


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` again whenever it fails: a bug in one message must not silence every room."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("hub_failed", work=work.__name__)
            await asyncio.sleep(POLL_S)

"""Presence over all API processes: says to the others who is here, and to members who comes and goes.

Both happen in rounds, so that five thousand members who come at once are one message a second and not one each. Redis
keeps each process's roster for a minute; a restart or flush of it is made good by the next round.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import msgspec

from renderowl.bus.base import Bus, BusUnavailable
from renderowl.ws import frames
from renderowl.ws.presence import STALE_S, Roster
from renderowl.ws.protocol import Here
from renderowl.ws.room import Room
from renderowl.ws.words import EphemeralWord

ROUND_S: Final = 1.0
_REPEAT_S: Final = STALE_S / 3


class Attendance:
    """Keeps the rosters of this process's rooms."""

    def __init__(self, bus: Bus, rooms: Mapping[str, Room], clock: Callable[[], float]) -> None:
        self.process: Final = secrets.token_hex(6)
        self._bus = bus
        self._rooms = rooms
        self._clock = clock
        self._emptied: set[str] = set()
        self._repeat_at = 0.0

    @contextlib.asynccontextmanager
    async def presence(self, room: Room, watcher: frames.Watcher, *, asked: bool) -> AsyncIterator[Here | None]:
        """Be seen in the room within the block; gives who is there, if asked for."""
        room.presence.arrive(watcher)
        try:
            if asked:
                room.presence.asked = True
                await self._follow(room)
            yield room.presence.members(time.time()) if asked else None
        finally:
            room.presence.leave(watcher.connection)
            if not room.presence.here:
                self._emptied.add(room.project_id)

    def hear(self, room: Room, body: msgspec.Raw) -> None:
        """Another process's roster."""
        roster = msgspec.json.decode(body, type=Roster)
        if roster.process != self.process:
            room.presence.hear(roster, time.time())

    def repeat(self) -> None:
        """Say everything again in the next round: Redis may have forgotten it."""
        self._repeat_at = 0.0

    async def run(self) -> None:
        """Round after round, for ever."""
        while True:
            await asyncio.sleep(ROUND_S)
            await self.announce()
            for room in [room for room in self._rooms.values() if room.presence.asked]:
                await self._follow(room)
                self._tell(room)

    async def announce(self) -> None:
        """Say to the other processes who is here, where that has changed, and everywhere now and then."""
        now, everywhere = time.time(), self._clock() >= self._repeat_at
        rosters = {
            project_id: room.presence.roster(self.process, now)
            for project_id, room in self._rooms.items()
            if room.presence.changed or (everywhere and room.presence.here)
        }
        nobody = Roster(self.process, now, 0, [])
        rosters |= dict.fromkeys(self._emptied - self._rooms.keys(), nobody)
        self._emptied.clear()
        if everywhere:
            self._repeat_at = self._clock() + _REPEAT_S
        try:
            bodies = {project_id: msgspec.json.encode(roster) for project_id, roster in rosters.items()}
            await self._bus.announce(self.process, bodies, STALE_S)
        except BusUnavailable:
            self.repeat()

    async def _follow(self, room: Room) -> None:
        """Learn who is connected elsewhere, once; changes are heard from then on. Without Redis the next round tries."""
        if room.presence.followed:
            return
        with contextlib.suppress(BusUnavailable):
            for body in await self._bus.rosters(room.project_id):
                self.hear(room, msgspec.Raw(body))
            room.presence.followed = True

    def _tell(self, room: Room) -> None:
        news = room.presence.news(time.time())
        if news is not None:
            room.tell(EphemeralWord("presence", "", msgspec.json.encode(news)), self._clock())

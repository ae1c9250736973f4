"""Keeps in Postgres what this process's rooms told of progress, so that a process that comes after it tells nobody less.

Once a second, and before the process ends. What comes of it when Redis forgets is in `docs/realtime.md`.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, NoReturn

import msgspec
import structlog

from renderowl.db import renders
from renderowl.domain.errors import Unavailable
from renderowl.services.context import Context
from renderowl.ws.room import Room

log = structlog.get_logger(__name__)

KEEP_S: Final = 1.0
_AGAIN_S: Final = 0.2


class Keeper:
    """What is owed to Postgres is what the rooms tell of now, and what was told in those that have closed since."""

    def __init__(self, ctx: Context, rooms: Mapping[str, Room]) -> None:
        self._ctx = ctx
        self._rooms = rooms
        self._owed: dict[str, tuple[int, msgspec.Raw]] = {}

    def note(self, room: Room) -> None:
        """Owe what was told in a room that closes."""
        self._owed |= room.told()

    async def keep(self) -> None:
        """Have it all in Postgres. Raises Unavailable, and owes it still."""
        for room in self._rooms.values():
            self.note(room)
        if self._owed:
            owed, self._owed = self._owed, {}
            try:
                await renders.keep_told(self._ctx.db, owed)
            except BaseException:
                self._owed = owed | self._owed
                raise

    async def run(self) -> NoReturn:
        """Keep it every second."""
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                await self.keep()
            except Unavailable as error:
                log.warning("progress_not_kept", reason=error.detail)

    async def settle(self) -> None:
        """Keep what is owed at the end, however long Postgres takes to be there."""
        while True:
            try:
                return await self.keep()
            except Unavailable:
                await asyncio.sleep(_AGAIN_S)

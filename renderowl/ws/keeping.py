"""Keeps in Postgres what this process's rooms told of progress, so that a process that comes after it tells nobody less.

Once a second, and before the process ends. What comes of it when Redis forgets is in `docs/realtime.md`.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
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
        """Have it all in Postgres; what it does not take now (a render is being changed, Unavailable is raised) is owed still."""
        for room in self._rooms.values():
            self.note(room)
        if self._owed:
            owed, self._owed = self._owed, {}
            left: Collection[str] = owed
            try:
                left = await renders.keep_told(self._ctx.db, owed)
            finally:
                self._owed = {render_id: owed[render_id] for render_id in left} | self._owed

    async def run(self) -> NoReturn:
        """Keep it every second."""
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                await self.keep()
            except Unavailable as error:
                log.warning("progress_not_kept", reason=error.detail)

    async def settle(self) -> None:
        """Keep all that is owed at the end, however long Postgres takes to be there and others hold on to a render."""
        while True:
            with contextlib.suppress(Unavailable):
                await self.keep()
                if not self._owed:
                    return
            await asyncio.sleep(_AGAIN_S)

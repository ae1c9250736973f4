"""Everybody who is connected to this process: what time brings them, and whether they may still be here."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from renderowl.domain.errors import Unavailable
from renderowl.domain.records import Principal
from renderowl.services import callers
from renderowl.services.context import Context
from renderowl.ws.protocol import Close

log = structlog.get_logger(__name__)

SWEEP_S: Final = 1.0
RECHECK_S: Final = 15.0
"""How long somebody whose credential was revoked may go on listening."""


class Guest(Protocol):
    """One connection, on whatever transport."""

    principal: Principal | None

    def tick(self, now: float) -> None:
        """Do what is due."""
        ...

    def revoke(self) -> None:
        """Go: the credential is no longer good."""
        ...

    def close(self, close: Close) -> None:
        """Go."""
        ...


class Guests(set[Guest]):
    """The connections of this process. One timer and one query serve them all."""

    def __init__(self, ctx: Context, clock: Callable[[], float]) -> None:
        super().__init__()
        self.recheck_s = RECHECK_S
        self._ctx = ctx
        self._clock = clock

    async def sweep(self) -> None:
        """Tick everybody about once a second, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._clock()
            for guest in tuple(self):
                guest.tick(now)

    async def recheck(self) -> None:
        """Send away those who have lost their credential while they only listen, for ever."""
        checked_at = self._clock()
        while True:
            await asyncio.sleep(min(SWEEP_S, self.recheck_s))
            if self._clock() - checked_at < self.recheck_s - SWEEP_S:
                continue
            checked_at = self._clock()
            known = {guest.principal for guest in self if guest.principal is not None}
            try:
                gone = await callers.lost(self._ctx, known) if known else set()
            except Unavailable as error:  # nobody has lost anything while Postgres is away
                log.info("credentials_not_rechecked", reason=error.detail)
                continue
            for guest in [guest for guest in self if guest.principal in gone]:
                guest.revoke()

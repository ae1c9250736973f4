"""A room as a stream of messages, for readers that cannot speak: server-sent events."""

import time
from collections.abc import AsyncGenerator, Callable
from typing import Final

from renderowl.domain.records import Principal
from renderowl.services.rooms import Message
from renderowl.ws import frames
from renderowl.ws.member import Reader
from renderowl.ws.opening import Opening
from renderowl.ws.protocol import Close

KEEP_ALIVE_S: Final = 15.0

_REVOKED: Final = Close(frames.FORBIDDEN, "the credential was revoked")


class Listener:
    """Somebody who reads a room for as long as the server, the credential and the reading last."""

    def __init__(self, principal: Principal, clock: Callable[[], float]) -> None:
        self.principal: Principal | None = principal
        self._ends_at = principal.expires_at
        self.member = Reader(clock)
        self._clock = clock

    def tick(self, now: float) -> None:
        """Give up a reader that is too slow."""
        if self.member.is_late(now):
            self.member.give_up()

    def revoke(self) -> None:
        """Send away somebody who has lost the credential."""
        self.member.close(_REVOKED)

    def close(self, close: Close) -> None:
        """End the stream."""
        self.member.close(close)

    async def read(self, opening: Opening) -> AsyncGenerator[Message]:
        """What the member is told, from `opening` on; an empty message after every 15 s of silence."""
        member, ends_at = self.member, self._ends_at
        member.begin(opening)
        said_at = self._clock()
        while True:
            now = self._clock()
            words = member.take(now)
            for word in words:
                yield Message(word.text, word.cursor)
            if words:
                said_at = self._clock()
                continue
            if member.closing is not None or (ends_at is not None and time.time() > ends_at):
                return
            if now - said_at >= KEEP_ALIVE_S:
                said_at = now
                yield Message("")
            left_s = float("inf") if ends_at is None else ends_at - time.time()
            await member.wait(min(said_at + KEEP_ALIVE_S - now, member.due() - now, max(left_s, 0.01)))

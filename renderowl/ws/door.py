"""Who is let into rooms: credentials looked at many at a time, and limits on how many connections somebody has."""

import contextlib
import resource
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import structlog

from renderowl.domain.errors import RateLimited, RenderOwlError, Unavailable
from renderowl.domain.records import Principal
from renderowl.services import callers, projects
from renderowl.services.context import Context
from renderowl.ws.batch import Batch

log = structlog.get_logger(__name__)

RETRY_S: Final = 5.0
"""When somebody with too many connections may try again: one of them may have ended."""
_OTHER_FILES: Final = 200
"""What a process has open besides its rooms' connections, at most."""


def full() -> Unavailable:
    """The error for a process that has as many connections as it takes."""
    return Unavailable("this server has as many connections as it takes", retry_after_s=RETRY_S)


class Door:
    """The door to all rooms of this process.

    Limits count the connections of this process only. See `docs/decisions/0010-connection-limits-per-process.md`.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._callers = Batch(self._answer)
        self._seats: Counter[tuple[str, ...]] = Counter()
        self._connections = 0
        self._capacity = ctx.settings.room_connections

    def open(self) -> None:
        """Let this process have as many files as its connections need, or fewer connections than the settings say."""
        wanted = self._ctx.settings.room_connections + _OTHER_FILES
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft != resource.RLIM_INFINITY and soft < wanted:
            self._capacity = max(1, soft - _OTHER_FILES)
            log.warning("fewer_room_connections", connections=self._capacity, open_files=soft)

    async def identify(self, credential: str, project_id: str) -> Principal:
        """Who holds this and may see the project. Raises Unauthenticated, NotFound, Forbidden, Unavailable."""
        return await self._callers.ask((credential, project_id))

    @property
    def full(self) -> bool:
        """True when this process has as many connections as it takes."""
        return self._connections >= self._capacity

    @contextlib.contextmanager
    def connection(self) -> Iterator[None]:
        """Count one connection, whoever's it is, within the block."""
        self._connections += 1
        try:
            yield
        finally:
            self._connections -= 1

    @contextlib.contextmanager
    def seat(self, principal: Principal, project_id: str) -> Iterator[None]:
        """Count a connection of somebody who is known within the block. Raises RateLimited for one too many."""
        self._refuse_one_too_many(principal, project_id)
        names = self._limits(principal, project_id).keys()
        self._seats.update(names)
        try:
            yield
        finally:
            self._seats.subtract(names)
            for name in names:
                if not self._seats[name]:
                    del self._seats[name]

    def check(self, principal: Principal, project_id: str) -> None:
        """Raise what a connection would be refused with: RateLimited, or Unavailable when this process is full."""
        if self.full:
            raise full()
        self._refuse_one_too_many(principal, project_id)

    def _refuse_one_too_many(self, principal: Principal, project_id: str) -> None:
        for name, (limit, of_what) in self._limits(principal, project_id).items():
            if self._seats[name] >= limit:
                raise RateLimited(f"at most {limit} connections {of_what}", retry_after_s=RETRY_S)

    def _limits(self, principal: Principal, project_id: str) -> dict[tuple[str, ...], tuple[int, str]]:
        """What a connection counts towards, and how many that may have.

        A principal is its credential, as every browser has a token of its own; a session's is the user, who could log
        in again and again.
        """
        settings = self._ctx.settings
        who = principal.user_id if principal.kind == "session" else principal.credential_id
        limits: dict[tuple[str, ...], tuple[int, str]] = {
            (who, project_id): (settings.room_connections_per_principal, "of one principal to one project")
        }
        if principal.kind == "key":
            limits[(principal.credential_id,)] = (settings.room_connections_per_key, "of one key")
        return limits

    async def _answer(self, asked: Sequence[tuple[str, str]]) -> list[Principal | RenderOwlError]:
        found = await callers.authenticate_all(self._ctx, [credential for credential, _ in asked])
        known = [
            (one, project_id) for one, (_, project_id) in zip(found, asked, strict=True) if isinstance(one, Principal)
        ]
        refused = iter(await projects.refusals(self._ctx, known) if known else [])
        return [(next(refused) or one) if isinstance(one, Principal) else one for one in found]

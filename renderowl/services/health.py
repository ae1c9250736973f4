"""Health: which parts of the service answer now."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from renderowl.db import workers
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

CHECK_TIMEOUT_S = 2.0


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    ready: bool
    detail: str | None = None


class Readiness(msgspec.Struct, frozen=True):
    """`ready` is True when every part is; without workers renders wait, which is said but does not make it unready."""

    ready: bool
    parts: list[Part]
    workers: int


async def readiness(ctx: Context) -> Readiness:
    """Ask Postgres, Redis and the storage, each for at most 2 s."""
    alive = 0

    async def database() -> None:
        nonlocal alive
        alive = await workers.count_alive(ctx.db, alive_s=ctx.settings.lease_s)

    parts = await asyncio.gather(
        _ask("postgres", database), _ask("redis", ctx.bus.check), _ask("storage", ctx.storage.check)
    )
    return Readiness(all(part.ready for part in parts), list(parts), alive)


async def _ask(name: str, check: Callable[[], Awaitable[None]]) -> Part:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check()
    except TimeoutError:
        return Part(name, False, f"did not answer within {CHECK_TIMEOUT_S:g} s")
    except Exception as error:
        # Anybody may ask: addresses, users and names of databases are for the log only.
        log.warning("part_not_ready", part=name, exc_info=error)
        return Part(name, False, "cannot be used; the log says why")
    return Part(name, True)

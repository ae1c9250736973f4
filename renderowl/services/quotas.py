"""How much an account may have, by its tier: projects, good API keys, and bytes of assets in all its projects.

Whatever makes one more asks here in its own transaction, so that of any number at once exactly as many are let through.
A limit of 0 is none; the operator's own account has none. Renders are counted by the day: see `limits`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import msgspec

from renderowl.db import quotas
from renderowl.db.database import Database
from renderowl.domain.errors import FieldError, QuotaExceeded, SpentQuota
from renderowl.domain.records import Tier
from renderowl.services import metrics
from renderowl.services.callers import BOOTSTRAP_USER
from renderowl.services.context import Context
from renderowl.settings import Settings

Kind = Literal["projects", "keys", "storage_bytes"]

_USED: Final[Mapping[Kind, Callable[[Database, str], Awaitable[int]]]] = {
    "projects": quotas.projects_of,
    "keys": quotas.keys_of,
    "storage_bytes": quotas.storage_bytes_of,
}
_WORDS: Final[Mapping[Kind, str]] = {"projects": "projects", "keys": "API keys", "storage_bytes": "bytes of assets"}


class Quota(msgspec.Struct, frozen=True):
    """How much there is of something, and how much there may be; None is without limit."""

    limit: int | None
    used: int


class Quotas(msgspec.Struct, frozen=True):
    """All of an account's; bytes are those of uploaded assets, films do not count."""

    projects: Quota
    keys: Quota
    storage_bytes: Quota


async def of_account(ctx: Context, user_id: str, tier: Tier) -> Quotas:
    """What an account of this tier has."""
    return Quotas(
        **{
            kind: Quota(_most(ctx.settings, kind, user_id, tier) or None, await count(ctx.db, user_id))
            for kind, count in _USED.items()
        }
    )


async def require(ctx: Context, user_id: str, kind: Kind, *, more: int = 1, at: str = "") -> None:
    """Let nobody else make more of it until the transaction around this ends. Raises QuotaExceeded, naming `at`."""
    tier = await quotas.lock_account(ctx.db, user_id)
    if tier is None or (most := _most(ctx.settings, kind, user_id, tier)) == 0:
        return
    used = await _USED[kind](ctx.db, user_id)
    if used + more <= most:
        return
    metrics.REFUSED.labels(kind).inc()
    told = f"the tier {tier} allows {most} {_WORDS[kind]}; the account has {used}, this would add {more}"
    raise QuotaExceeded(told, errors=[FieldError(at, told)] if at else [], quota=SpentQuota(kind, tier, most, used))


def _most(settings: Settings, kind: Kind, user_id: str, tier: Tier) -> int:
    """0 is without limit."""
    return 0 if user_id == BOOTSTRAP_USER else settings.of_tier(kind, tier)

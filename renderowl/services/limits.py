"""How often somebody may call, log in, register and render.

Calls are counted in Redis, per account or, without one, per address; renders in Postgres, with the render. A limit
of 0 is none. Without Redis calls are let through or refused, as RENDEROWL_LIMITS_WITHOUT_REDIS says.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog

from renderowl.db import quotas
from renderowl.domain.errors import RateLimited, SpentQuota, Unavailable
from renderowl.domain.records import Principal
from renderowl.limits.base import LimiterUnavailable, Standing, Window
from renderowl.services import metrics
from renderowl.services.context import Context
from renderowl.settings import Settings

log = structlog.get_logger(__name__)

MINUTE_S: Final = 60
LOGIN_S: Final = 300
REGISTRATION_S: Final = 3600
_AGAIN_S: Final = 1.0


class Allowance(msgspec.Struct, frozen=True):
    """What an account may do; None is without limit. `renders_today` are those since midnight UTC, counted if limited."""

    requests_per_minute: int | None
    renders_per_day: int | None
    renders_today: int | None


def requests_per_minute(settings: Settings, principal: Principal) -> int:
    """How many requests a minute the caller's account may make; 0 is without limit, as the operator's own token is."""
    return 0 if principal.kind == "bootstrap" else settings.of_tier("requests_per_minute", principal.tier)


def renders_per_day(settings: Settings, principal: Principal) -> int:
    """How many renders a day the caller's account may make; 0 is without limit."""
    return 0 if principal.kind == "bootstrap" else settings.of_tier("renders_per_day", principal.tier)


async def allowance(ctx: Context, principal: Principal) -> Allowance:
    """What the caller's account may do, and how much of it is done."""
    renders = renders_per_day(ctx.settings, principal) or None
    made = await quotas.renders_today(ctx.db, principal.user_id) if renders else None
    return Allowance(requests_per_minute(ctx.settings, principal) or None, renders, made)


async def count_request(ctx: Context, principal: Principal | None, address: str) -> Standing | None:
    """Count a request of this account, or of this address when nobody is known; None when it is not limited.

    It is not admitted when it is one too many: `refusal` says so. Raises Unavailable as the settings want it.
    """
    if principal is None:
        window = Window("anonymous", ctx.settings.requests_per_minute_anonymous, MINUTE_S)
        return await _hit(ctx, window, address)
    window = Window("requests", requests_per_minute(ctx.settings, principal), MINUTE_S)
    return await _hit(ctx, window, principal.user_id)


async def count_login(ctx: Context, email: str, address: str) -> None:
    """Count an attempt to log in, for its address and for the account it is about. Raises RateLimited."""
    await _require(ctx, Window("logins", ctx.settings.logins_per_address, LOGIN_S), address)
    await _require(ctx, _account_logins(ctx), _hidden(email))


async def forgive_logins(ctx: Context, email: str) -> None:
    """The account's owner came in: whoever tried before is forgotten. Leaves everything as it is without Redis."""
    window = _account_logins(ctx)
    if window.amount == 0:
        return
    try:
        await ctx.limiter.forget(window, _hidden(email))
    except LimiterUnavailable as error:
        log.warning("logins_not_forgiven", reason=str(error))


async def count_registration(ctx: Context, address: str) -> None:
    """Count an attempt to register. Raises RateLimited."""
    await _require(ctx, Window("registrations", ctx.settings.registrations_per_address, REGISTRATION_S), address)


async def take_render(ctx: Context, principal: Principal) -> None:
    """Charge the account for a render; it is taken back if the transaction around this is. Raises RateLimited."""
    limit = renders_per_day(ctx.settings, principal)
    if limit and not await quotas.take_render(ctx.db, principal.user_id, limit):
        metrics.REFUSED.labels("renders").inc()
        made = await quotas.renders_today(ctx.db, principal.user_id)
        now = datetime.now(UTC)
        tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        raise RateLimited(
            f"the tier {principal.tier} allows {limit} renders a day; the account has made {made} today,"
            f" and may make more from {tomorrow:%Y-%m-%d %H:%M} UTC on",
            retry_after_s=(tomorrow - now).total_seconds(),
            quota=SpentQuota("renders_per_day", principal.tier, limit, made, tomorrow),
        )


def refusal(standing: Standing, principal: Principal | None = None) -> RateLimited:
    """The error for one too many, of the caller's account if they are known."""
    window = standing.window
    told = f"at most {window.amount} {_WORDS[window.name]} within {window.seconds} s"
    if principal is None:
        return RateLimited(told, retry_after_s=standing.reset_s)
    renews_at = datetime.now(UTC) + timedelta(seconds=standing.reset_s)
    return RateLimited(
        f"{told}: that is what the tier {principal.tier} allows",
        retry_after_s=standing.reset_s,
        quota=SpentQuota("requests_per_minute", principal.tier, window.amount, window.amount, renews_at),
    )


_WORDS: Final = {
    "requests": "requests of one account",
    "anonymous": "requests without a good credential from one address",
    "logins": "attempts to log in from one address",
    "account_logins": "failed attempts to log in to one account",
    "registrations": "registrations from one address",
}


async def _require(ctx: Context, window: Window, whose: str) -> None:
    standing = await _hit(ctx, window, whose)
    if standing is not None and not standing.admitted:
        raise refusal(standing)


async def _hit(ctx: Context, window: Window, whose: str) -> Standing | None:
    if window.amount == 0:
        return None
    try:
        standing = await ctx.limiter.hit(window, whose)
    except LimiterUnavailable as error:
        if ctx.settings.limits_without_redis == "closed":
            raise Unavailable("requests cannot be counted now", retry_after_s=_AGAIN_S) from error
        metrics.UNCOUNTED.inc()
        return None
    if not standing.admitted:
        metrics.REFUSED.labels(window.name).inc()
    return standing


def _account_logins(ctx: Context) -> Window:
    return Window("account_logins", ctx.settings.logins_per_account, LOGIN_S)


def _hidden(email: str) -> str:
    """Redis is told no addresses of people."""
    return hashlib.sha256(email.strip().lower().encode(errors="surrogatepass")).hexdigest()

"""Accounts: users and their passwords, API keys, tokens for browsers, tickets for sockets. `callers` tells who is calling."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from renderowl.db import accounts
from renderowl.db.database import Database
from renderowl.domain.errors import (
    Conflict,
    FieldError,
    Forbidden,
    NotFound,
    Unauthenticated,
    ValidationFailed,
)
from renderowl.domain.ids import is_id, new_id
from renderowl.domain.records import ApiKey, Principal, Scope, User
from renderowl.security.keys import new_key
from renderowl.security.passwords import hash_password, password_problem, verify_password
from renderowl.security.tokens import Claims, new_ticket
from renderowl.services import limits, projects, quotas
from renderowl.services.callers import still_good
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut

TICKET_TTL_S: Final = 30
MAX_TOKEN_TTL_S: Final = 24 * 3600
ROTATION_GRACE_S: Final = 24 * 3600
MAX_ROTATION_GRACE_S: Final = 30 * 24 * 3600

_EMAIL: Final = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]{1,190}\.[^@\s\x00.]{2,63}")


class CreatedKey(msgspec.Struct, frozen=True):
    """A new key with its plaintext, which is shown this once."""

    key: ApiKey
    plaintext: str


class Ticket(msgspec.Struct, frozen=True):
    ticket: str
    expires_at: float


class _Ticketed(msgspec.Struct, frozen=True):
    """What a ticket stands for. Redis keeps it signed: who can write there can still make no principal of their own."""

    principal: Principal
    project_id: str
    origin: str | None
    expires_at: float


async def redeem_ticket(ctx: Context, ticket: str, *, project_id: str, origin: str | None) -> Principal:
    """Who a one-time ticket stands for, once, for its project and from its origin. Raises Unauthenticated.

    A ticket is worth no more than the credential that asked for it: it dies with it.
    """
    kept = await ctx.bus.take_ticket(ticket)
    if kept is None or not _is_ticket(ctx, ticket, kept):
        raise Unauthenticated("the ticket is not valid, was used or has expired")
    value = msgspec.json.decode(kept["value"], type=_Ticketed)
    if value.expires_at < datetime.now(UTC).timestamp():
        raise Unauthenticated("the ticket has expired")
    if value.project_id != project_id or value.origin not in (None, origin):
        raise Unauthenticated("the ticket is for another project or origin")
    principal = value.principal
    if not await still_good(ctx, principal):
        raise Unauthenticated("the credential that asked for the ticket was revoked or has ended")
    return principal


# --- users ---------------------------------------------------------------------------------------------------------


async def register(ctx: Context, *, email: str, password: str, address: str) -> User:
    """Make a user. Raises Conflict when the address is taken, RateLimited when too many come from `address`."""
    problems = []
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        problems.append(FieldError("/email", "is not an e-mail address"))
    if problem := password_problem(password):
        problems.append(FieldError("/password", problem))
    if problems:
        raise ValidationFailed(errors=problems)
    await limits.count_registration(ctx, address)
    password_hash = await asyncio.to_thread(hash_password, password)
    user = await accounts.insert_user(ctx.db, user_id=new_id("usr"), email=email, password_hash=password_hash)
    if user is None:
        raise Conflict("there is an account with this address")
    return user


async def login(ctx: Context, *, email: str, password: str, address: str) -> tuple[str, Claims]:
    """A session token for address and password. The answer takes as long whether or not the address is known.

    Raises RateLimited before it looks at the password when too many were tried from `address` or for this account.
    """
    await limits.count_login(ctx, email, address)
    user = await accounts.find_user(ctx.db, email)
    stored = None if user is None else user.password_hash
    good, outdated = await asyncio.to_thread(verify_password, password, stored)
    if user is None or not good:
        raise Unauthenticated("address or password is wrong")
    await limits.forgive_logins(ctx, email)
    if outdated:
        await accounts.set_password_hash(ctx.db, user.id, await asyncio.to_thread(hash_password, password))
    scopes = ["read", "write", "admin"] if user.role == "admin" else ["read", "write"]
    return ctx.tokens.mint(user.id, scopes, ttl_s=ctx.settings.session_ttl_s)


async def logout(ctx: Context, principal: Principal) -> None:
    """End the session or token that the caller used."""
    if principal.kind in ("session", "token") and principal.expires_at is not None:
        ends = datetime.fromtimestamp(principal.expires_at, UTC)
        await accounts.revoke_token(ctx.db, principal.credential_id, ends)


async def end_session(ctx: Context, token: str) -> None:
    """End the session of this token, if it is one: who logs in anew keeps no older session in the same browser."""
    try:
        claims = ctx.tokens.read(token)
    except Unauthenticated:
        return
    await accounts.revoke_token(ctx.db, claims.jti, datetime.fromtimestamp(claims.exp, UTC))


async def me(ctx: Context, principal: Principal) -> User:
    """The caller's user."""
    user = await accounts.get_user(ctx.db, principal.user_id)
    if user is None:
        raise Unauthenticated("the account is gone")
    return user


# --- keys, tokens, tickets -----------------------------------------------------------------------------------------


async def create_key(
    ctx: Context, principal: Principal, *, name: str, scopes: list[Scope], expires_at: datetime | None
) -> CreatedKey:
    """Make a key of the caller's with at most the caller's own scopes; one made by a key does not outlive it."""
    _require_account(principal)
    await _require_lasting(ctx, principal)
    wanted: frozenset[Scope] = frozenset(scopes)
    if not wanted <= projects.implied(principal.scopes):
        raise Forbidden(f"a key cannot have more than your own scopes: {', '.join(sorted(principal.scopes))}")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise ValidationFailed(errors=[FieldError("/expires_at", "lies in the past")])
    if principal.kind == "key" and principal.expires_at is not None:
        own_end = datetime.fromtimestamp(principal.expires_at, UTC)
        expires_at = own_end if expires_at is None else min(expires_at, own_end)
    async with ctx.db.transaction():
        await quotas.require(ctx, principal.user_id, "keys")
        return await make_key(ctx.db, principal.user_id, name=name, scopes=sorted(wanted), expires_at=expires_at)


async def make_key(
    db: Database, user_id: str, *, name: str, scopes: list[Scope], expires_at: datetime | None = None
) -> CreatedKey:
    """Draw a key, store its hash and return its plaintext."""
    drawn = new_key()
    stored = await accounts.insert_key(
        db,
        key_id=new_id("key"),
        user_id=user_id,
        name=name,
        key_hash=drawn.sha256,
        last_four=drawn.last_four,
        scopes=scopes,
        expires_at=expires_at,
    )
    return CreatedKey(stored, drawn.plaintext)


async def list_keys(ctx: Context, principal: Principal, page: PageRequest) -> Page[ApiKey]:
    """The caller's keys, newest first."""
    _require_account(principal)
    found = await accounts.list_keys(ctx.db, principal.user_id, before_id=page.before_id("key"), limit=page.limit + 1)
    return cut(found, page.limit, [key.id for key in found])


async def revoke_key(ctx: Context, principal: Principal, key_id: str) -> ApiKey:
    """End a key of the caller's at once, and with it the tokens it made. One with more scopes than the caller is safe."""
    key = await own_key(ctx, principal, key_id)
    if principal.kind == "key" and not frozenset(key.scopes) <= projects.implied(principal.scopes):
        raise Forbidden("a key cannot be revoked by one with fewer scopes")
    await accounts.revoke_key(ctx.db, principal.user_id, key_id)
    return key


async def rotate_key(ctx: Context, principal: Principal, key_id: str, *, grace_s: int = ROTATION_GRACE_S) -> CreatedKey:
    """Make a key like this one; the old one, and the tokens it made, live on for `grace_s`."""
    old = await own_key(ctx, principal, key_id)
    await _require_lasting(ctx, principal)
    if not frozenset(old.scopes) <= projects.implied(principal.scopes):
        raise Forbidden("a key cannot be rotated by one with fewer scopes")
    ends_at = principal.expires_at if principal.kind == "key" else None
    if ends_at is not None and (old.expires_at is None or old.expires_at.timestamp() > ends_at):
        raise Forbidden("a key cannot be rotated by one that ends before it")
    if not await accounts.good_keys(ctx.db, [key_id]):
        raise Conflict("the key was revoked or has expired; make a new one")
    async with ctx.db.transaction():
        await accounts.revoke_key(ctx.db, principal.user_id, key_id, grace_s=grace_s)
        await quotas.require(ctx, principal.user_id, "keys")
        return await make_key(ctx.db, principal.user_id, name=old.name, scopes=old.scopes, expires_at=old.expires_at)


async def mint_token(
    ctx: Context, principal: Principal, project_id: str, *, scopes: list[Scope], ttl_s: int
) -> tuple[str, Claims]:
    """A short token for one project with at most the caller's scopes: what an editor's backend hands its browser.

    It ends with the key or session that made it. A project token makes no others: it would live for ever.
    """
    await projects.get(ctx, principal, project_id)
    if principal.project_id is not None:
        raise Forbidden("a project token makes no other tokens")
    wanted: frozenset[Scope] = frozenset(scopes)
    if "admin" in wanted or not wanted <= projects.implied(principal.scopes):
        raise Forbidden("a project token has at most read and write, and no more than your own scopes")
    if principal.expires_at is not None:
        ttl_s = min(ttl_s, int(principal.expires_at - datetime.now(UTC).timestamp()))
    return ctx.tokens.mint(
        principal.user_id,
        sorted(wanted),
        ttl_s=ttl_s,
        project_id=project_id,
        key_id=principal.credential_id if principal.kind == "key" else None,
        session_id=principal.credential_id if principal.kind == "session" else None,
    )


async def issue_ticket(ctx: Context, principal: Principal, project_id: str, origin: str | None) -> Ticket:
    """A ticket that opens one socket of one project within 30 s, from the origin that asked for it."""
    await projects.get(ctx, principal, project_id)
    ticket = new_ticket()
    value = _Ticketed(principal, project_id, origin, datetime.now(UTC).timestamp() + TICKET_TTL_S)
    text = msgspec.json.encode(value).decode()
    signature = ctx.keyring.sign("tickets", _ticket_message(ticket, text))
    await ctx.bus.put_ticket(ticket, {"value": text, "signature": signature}, TICKET_TTL_S)
    return Ticket(ticket, value.expires_at)


async def own_key(ctx: Context, principal: Principal, key_id: str) -> ApiKey:
    """One key of the caller's, whatever became of it. Raises NotFound, Forbidden for a token of one project."""
    _require_account(principal)
    key = await accounts.get_key(ctx.db, principal.user_id, key_id) if is_id(key_id, "key") else None
    if key is None:
        raise NotFound(f"you have no key {key_id!r}")
    return key


def _is_ticket(ctx: Context, ticket: str, kept: dict[str, Any]) -> bool:
    """Whether we have signed what is kept for this ticket."""
    return ctx.keyring.verify("tickets", _ticket_message(ticket, kept["value"]), kept["signature"])


def _ticket_message(ticket: str, value: str) -> bytes:
    return f"{ticket}.{value}".encode()


async def _require_lasting(ctx: Context, principal: Principal) -> None:
    """A key that was rotated makes no other: whoever took it would live on in that one when its grace is over."""
    if principal.kind == "key" and (await own_key(ctx, principal, principal.credential_id)).revoked_at is not None:
        raise Forbidden("this key was rotated and makes no others; use the one that was made in its place")


def _require_account(principal: Principal) -> None:
    """Keys are a matter of the whole account: a token for one project may not touch them."""
    if principal.project_id is not None:
        raise Forbidden("this token is for one project only")
    projects.require(principal, "write")

"""Who is calling: credentials become principals, many at a time, and principals are found to have lost them."""

import hmac
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from renderowl.db import accounts
from renderowl.db.database import Database
from renderowl.domain.errors import RenderOwlError, Unauthenticated
from renderowl.domain.records import ALL_SCOPES, ApiKey, Principal, Scope, User
from renderowl.security.keys import PREFIX, parse_key
from renderowl.security.tokens import Claims
from renderowl.services.context import Context

BOOTSTRAP_USER: Final = "usr_00000000000000000000000000"
"""The administrator behind RENDEROWL_AUTH_TOKEN and `renderowl keys create` without an address."""
BOOTSTRAP_EMAIL: Final = "admin@renderowl.invalid"

_BAD_KEY: Final = "the API key is not valid, was revoked or has expired"


async def authenticate(ctx: Context, credential: str) -> Principal:
    """Find out who holds this API key, token or bootstrap token. Raises Unauthenticated."""
    [found] = await authenticate_all(ctx, [credential])
    if isinstance(found, RenderOwlError):
        raise found
    return found


async def authenticate_all(ctx: Context, credentials: Sequence[str]) -> list[Principal | RenderOwlError]:
    """The same for many in a handful of queries: a principal or an Unauthenticated for each."""
    found: dict[str, Principal | RenderOwlError] = {}
    keys: dict[str, str] = {}
    claims: dict[str, Claims] = {}
    for credential in set(credentials):
        try:
            if _is_bootstrap(ctx, credential):
                found[credential] = await _bootstrap(ctx)
            elif credential.startswith(PREFIX):
                keys[credential] = _hash_of(credential)
            else:
                claims[credential] = ctx.tokens.read(credential)
        except Unauthenticated as error:
            found[credential] = error
    found |= await _with_keys(ctx, keys)
    found |= await _with_tokens(ctx, claims)
    return [found[credential] for credential in credentials]


async def lost(ctx: Context, principals: Collection[Principal]) -> set[Principal]:
    """Those whose credential, or the key or session it was made with, was revoked; its own end does not count."""
    revocable = [one for one in principals if one.kind != "bootstrap"]
    key_ids = {id for one in revocable if (id := key_of(one)) is not None}
    token_ids = {id for one in revocable for id in _tokens_of(one)}
    left = await accounts.unrevoked_keys(ctx.db, list(key_ids)) if key_ids else set()
    revoked = await accounts.revoked_among(ctx.db, list(token_ids)) if token_ids else set()
    return {one for one in revocable if key_of(one) in key_ids - left or not revoked.isdisjoint(_tokens_of(one))}


async def still_good(ctx: Context, principal: Principal) -> bool:
    """Tell whether the credential of somebody who is connected has been revoked or has ended since."""
    if principal.expires_at is not None and principal.expires_at < datetime.now(UTC).timestamp():
        return False
    return not await is_revoked(ctx, principal)


async def is_revoked(ctx: Context, principal: Principal) -> bool:
    """Tell whether the credential, or the key or session it was made with, was revoked; its own end does not count."""
    return bool(await lost(ctx, [principal]))


async def ensure_bootstrap_user(db: Database) -> User:
    """The administrator that owns what the bootstrap token makes; made at its first use."""
    user = await accounts.get_user(db, BOOTSTRAP_USER)
    if user is None:
        await accounts.insert_user(
            db,
            user_id=BOOTSTRAP_USER,
            email=BOOTSTRAP_EMAIL,
            password_hash=None,
            role="admin",
            tier="enterprise",
        )
        user = await accounts.get_user(db, BOOTSTRAP_USER)
    assert user is not None
    return user


def _is_bootstrap(ctx: Context, credential: str) -> bool:
    bootstrap = ctx.settings.auth_token
    return bool(bootstrap) and hmac.compare_digest(credential.encode(), bootstrap.encode())


async def _bootstrap(ctx: Context) -> Principal:
    await ensure_bootstrap_user(ctx.db)
    return Principal(
        user_id=BOOTSTRAP_USER,
        scopes=ALL_SCOPES,
        kind="bootstrap",
        credential_id="bootstrap",
        is_admin=True,
        tier="enterprise",
    )


async def _with_keys(ctx: Context, hashes: dict[str, str]) -> dict[str, Principal | RenderOwlError]:
    """By credential, whose hashes these are."""
    if not hashes:
        return {}
    known = await accounts.find_keys(ctx.db, list(hashes.values()))
    await accounts.touch_keys(ctx.db, [key for key, _ in known.values()])
    return {
        credential: _of_key(*known[key_hash]) if key_hash in known else Unauthenticated(_BAD_KEY)
        for credential, key_hash in hashes.items()
    }


async def _with_tokens(ctx: Context, claims: dict[str, Claims]) -> dict[str, Principal | RenderOwlError]:
    """By credential, which say this."""
    if not claims:
        return {}
    users = await accounts.get_users(ctx.db, list({one.sub for one in claims.values()}))
    found: dict[str, Principal | RenderOwlError] = {
        credential: _of_token(one, users[one.sub]) if one.sub in users else Unauthenticated("the account is gone")
        for credential, one in claims.items()
    }
    gone = await lost(ctx, _principals(found.values()))
    return {
        credential: Unauthenticated("the token, or the key or session that made it, was revoked")
        if one in gone
        else one
        for credential, one in found.items()
    }


def _principals(found: Iterable[Principal | RenderOwlError]) -> list[Principal]:
    return [one for one in found if isinstance(one, Principal)]


def _hash_of(plaintext: str) -> str:
    key_hash = parse_key(plaintext)
    if key_hash is None:
        raise Unauthenticated(_BAD_KEY)
    return key_hash


def _of_key(key: ApiKey, user: User) -> Principal:
    return Principal(
        user_id=user.id,
        scopes=frozenset(key.scopes),
        kind="key",
        credential_id=key.id,
        is_admin=user.role == "admin" and "admin" in key.scopes,
        expires_at=None if key.expires_at is None else key.expires_at.timestamp(),
        tier=user.tier,
    )


def _of_token(claims: Claims, user: User) -> Principal:
    scopes = msgspec.convert(claims.scopes, frozenset[Scope])
    return Principal(
        user_id=user.id,
        scopes=scopes,
        kind="session" if claims.project_id is None else "token",
        credential_id=claims.jti,
        project_id=claims.project_id,
        is_admin=user.role == "admin" and "admin" in scopes,
        expires_at=float(claims.exp),
        key_id=claims.key_id,
        session_id=claims.session_id,
        tier=user.tier,
    )


def key_of(principal: Principal) -> str | None:
    """The API key that the caller has, or had the token made with."""
    return principal.credential_id if principal.kind == "key" else principal.key_id


def _tokens_of(principal: Principal) -> list[str]:
    if principal.kind == "key":
        return []
    return [principal.credential_id, *([principal.session_id] if principal.session_id else [])]

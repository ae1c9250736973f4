"""Users, API keys and revoked tokens in Postgres. No secret is stored, only hashes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from piccolo.columns.combination import WhereRaw
from piccolo.query.functions import Lower

from renderowl.db.database import Database
from renderowl.db.tables.accounts import ApiKeys, Users
from renderowl.domain.records import ApiKey, Role, Tier, User

_KEY_NAMES = ApiKey.__struct_fields__
_USER_NAMES = User.__struct_fields__
_KEY_FIELDS = [getattr(ApiKeys, name) for name in _KEY_NAMES]
_USER_FIELDS = [getattr(Users, name) for name in _USER_NAMES]
_TOUCHED_FOR = timedelta(minutes=1)
_UNREVOKED = "(revoked_at IS NULL OR revoked_at > now())"
_GOOD = f"{_UNREVOKED} AND (expires_at IS NULL OR expires_at > now())"


async def insert_user(
    db: Database,
    *,
    user_id: str,
    email: str,
    password_hash: str | None,
    role: Role = "user",
    tier: Tier = "free",
) -> User | None:
    """Store a user; None when the address, or the id, is taken."""
    made = await db.execute(
        "INSERT INTO users (id, email, password_hash, role, tier) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        user_id,
        email,
        password_hash,
        role,
        tier,
    )
    return await get_user(db, user_id) if made else None


async def get_user(db: Database, user_id: str) -> User | None:
    """One user by id."""
    return _user(await db.run(Users.select(*_USER_FIELDS).where(Users.id == user_id)))


async def get_users(db: Database, user_ids: Sequence[str]) -> dict[str, User]:
    """Users by id."""
    rows = await db.run(Users.select(*_USER_FIELDS).where(Users.id.is_in(list(user_ids))))
    return {row["id"]: User(**row) for row in rows}


async def find_user(db: Database, email: str) -> User | None:
    """One user by address, in any case."""
    return _user(await db.run(Users.select(*_USER_FIELDS).where(Lower(Users.email) == email.lower())))


async def set_password_hash(db: Database, user_id: str, password_hash: str) -> None:
    """Store a new hash, after the parameters of hashing grew."""
    await db.execute("UPDATE users SET password_hash = $2, updated_at = now() WHERE id = $1", user_id, password_hash)


async def list_users(
    db: Database, *, before_id: str | None, limit: int, email: str | None = None, tier: Tier | None = None
) -> list[User]:
    """All users, newest first; those whose address contains `email` in any case, those of one tier."""
    query = Users.select(*_USER_FIELDS).order_by(Users.id, ascending=False)
    if before_id is not None:
        query = query.where(Users.id < before_id)
    if tier is not None:
        query = query.where(Users.tier == tier)
    if email is not None:
        query = query.where(WhereRaw("strpos(lower(email), {}) > 0", email.lower()))
    return [User(**row) for row in await db.run(query.limit(limit))]


async def set_tier(db: Database, user_id: str, tier: Tier) -> None:
    """Put a user on a tier."""
    await db.execute("UPDATE users SET tier = $2, updated_at = now() WHERE id = $1", user_id, tier)


async def insert_key(
    db: Database,
    *,
    key_id: str,
    user_id: str,
    name: str,
    key_hash: str,
    last_four: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> ApiKey:
    """Store a key by the hash of its plaintext."""
    await db.execute(
        "INSERT INTO api_keys (id, user_id, name, key_hash, last_four, scopes, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key_id,
        user_id,
        name,
        key_hash,
        last_four,
        list(scopes),
        expires_at,
    )
    key = _key(await db.run(ApiKeys.select(*_KEY_FIELDS).where(ApiKeys.id == key_id)))
    assert key is not None
    return key


async def find_keys(db: Database, key_hashes: Sequence[str]) -> dict[str, tuple[ApiKey, User]]:
    """The keys among these hashes that may be used now, with their users, by hash."""
    keys, users = ", ".join(f"k.{name}" for name in _KEY_NAMES), ", ".join(f"u.{name}" for name in _USER_NAMES)
    rows = await db.fetch(
        f"SELECT k.key_hash, {keys}, {users} FROM api_keys k JOIN users u ON u.id = k.user_id"
        f" WHERE k.key_hash = ANY($1::text[]) AND {_GOOD}",
        list(key_hashes),
    )
    middle = 1 + len(_KEY_NAMES)
    return {row[0]: (ApiKey(*list(row)[1:middle]), User(*list(row)[middle:])) for row in rows}


async def touch_keys(db: Database, keys: Sequence[ApiKey]) -> None:
    """Note that these keys were used, at most once a minute."""
    now = datetime.now(UTC)
    stale = [key.id for key in keys if key.last_used_at is None or now - key.last_used_at > _TOUCHED_FOR]
    if stale:
        await db.execute(
            "UPDATE api_keys SET last_used_at = now() WHERE id = ANY($1::text[])"
            " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
            stale,
        )


async def good_keys(db: Database, key_ids: Sequence[str]) -> set[str]:
    """Those of these keys that may be used now."""
    rows = await db.fetch(f"SELECT id FROM api_keys WHERE id = ANY($1::text[]) AND {_GOOD}", list(key_ids))
    return {row["id"] for row in rows}


async def unrevoked_keys(db: Database, key_ids: Sequence[str]) -> set[str]:
    """Those of these keys that were not revoked, whether or not they have come to their own end."""
    rows = await db.fetch(f"SELECT id FROM api_keys WHERE id = ANY($1::text[]) AND {_UNREVOKED}", list(key_ids))
    return {row["id"] for row in rows}


async def get_key(db: Database, user_id: str, key_id: str) -> ApiKey | None:
    """One key of a user's, whatever became of it."""
    return _key(await db.run(ApiKeys.select(*_KEY_FIELDS).where(ApiKeys.id == key_id, ApiKeys.user_id == user_id)))


async def list_keys(db: Database, user_id: str, *, before_id: str | None, limit: int) -> list[ApiKey]:
    """A user's keys, newest first, the revoked ones too."""
    query = ApiKeys.select(*_KEY_FIELDS).where(ApiKeys.user_id == user_id).order_by(ApiKeys.id, ascending=False)
    if before_id is not None:
        query = query.where(ApiKeys.id < before_id)
    return [ApiKey(**row) for row in await db.run(query.limit(limit))]


async def revoke_key(db: Database, user_id: str, key_id: str, *, grace_s: float = 0.0) -> ApiKey | None:
    """End a key in `grace_s` seconds; None when the user has no such key."""
    changed = await db.execute(
        "UPDATE api_keys SET revoked_at = least(coalesce(revoked_at, 'infinity'), now() + make_interval(secs => $3))"
        " WHERE id = $1 AND user_id = $2",
        key_id,
        user_id,
        grace_s,
    )
    return _key(await db.run(ApiKeys.select(*_KEY_FIELDS).where(ApiKeys.id == key_id))) if changed else None


async def revoke_token(db: Database, jti: str, expires_at: datetime) -> None:
    """Refuse a token from now on; the row is dropped when the token would have expired."""
    await db.execute("DELETE FROM revoked_tokens WHERE expires_at < now()")
    await db.execute(
        "INSERT INTO revoked_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", jti, expires_at
    )


async def revoked_among(db: Database, jtis: Sequence[str]) -> set[str]:
    """Those of these tokens that were revoked."""
    rows = await db.fetch("SELECT jti FROM revoked_tokens WHERE jti = ANY($1::text[])", list(jtis))
    return {row["jti"] for row in rows}


def _user(rows: list[dict[str, Any]]) -> User | None:
    return User(**rows[0]) if rows else None


def _key(rows: list[dict[str, Any]]) -> ApiKey | None:
    return ApiKey(**rows[0]) if rows else None

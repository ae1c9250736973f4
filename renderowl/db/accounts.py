"""Users, API keys and revoked tokens in Postgres. No secret is stored, only hashes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from piccolo.query.functions import Lower

from renderowl.db.database import Database
from renderowl.db.tables import ApiKeys, Users
from renderowl.domain.records import ApiKey, Role, User

_KEY_FIELDS = [getattr(ApiKeys, name) for name in ApiKey.__struct_fields__]
_USER_FIELDS = [getattr(Users, name) for name in User.__struct_fields__]


async def insert_user(
    db: Database, *, user_id: str, email: str, password_hash: str | None, role: Role = "user"
) -> User | None:
    """Store a user; None when the address is taken."""
    made = await db.execute(
        "INSERT INTO users (id, email, password_hash, role) VALUES ($1, $2, $3, $4) ON CONFLICT (lower(email)) DO NOTHING",
        user_id,
        email,
        password_hash,
        role,
    )
    return await get_user(db, user_id) if made else None


async def get_user(db: Database, user_id: str) -> User | None:
    """One user by id."""
    return _user(await db.run(Users.select(*_USER_FIELDS).where(Users.id == user_id)))


async def find_user(db: Database, email: str) -> User | None:
    """One user by address, in any case."""
    return _user(await db.run(Users.select(*_USER_FIELDS).where(Lower(Users.email) == email.lower())))


async def set_password_hash(db: Database, user_id: str, password_hash: str) -> None:
    """Store a new hash, after the parameters of hashing grew."""
    await db.execute("UPDATE users SET password_hash = $2, updated_at = now() WHERE id = $1", user_id, password_hash)


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


async def find_key(db: Database, key_hash: str) -> tuple[ApiKey, User] | None:
    """A key that may be used now, with its user."""
    row = await db.fetch_one(
        "SELECT id, user_id FROM api_keys WHERE key_hash = $1 AND (revoked_at IS NULL OR revoked_at > now())"
        " AND (expires_at IS NULL OR expires_at > now())",
        key_hash,
    )
    if row is None:
        return None
    key = _key(await db.run(ApiKeys.select(*_KEY_FIELDS).where(ApiKeys.id == row["id"])))
    user = await get_user(db, row["user_id"])
    return None if key is None or user is None else (key, user)


async def touch_key(db: Database, key_id: str) -> None:
    """Note that a key was used, at most once a minute."""
    await db.execute(
        "UPDATE api_keys SET last_used_at = now() WHERE id = $1"
        " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        key_id,
    )


async def key_is_good(db: Database, key_id: str) -> bool:
    """Tell whether a key that was good earlier may still be used."""
    return bool(
        await db.fetch_value(
            "SELECT 1 FROM api_keys WHERE id = $1 AND (revoked_at IS NULL OR revoked_at > now())"
            " AND (expires_at IS NULL OR expires_at > now())",
            key_id,
        )
    )


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


async def any_revoked(db: Database, jtis: Sequence[str]) -> bool:
    """Tell whether one of these tokens was revoked."""
    return bool(await db.fetch_value("SELECT 1 FROM revoked_tokens WHERE jti = ANY($1::text[]) LIMIT 1", list(jtis)))


def _user(rows: list[dict[str, Any]]) -> User | None:
    return User(**rows[0]) if rows else None


def _key(rows: list[dict[str, Any]]) -> ApiKey | None:
    return ApiKey(**rows[0]) if rows else None

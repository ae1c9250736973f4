"""What accounts have: the renders of each day (UTC), projects, keys and bytes, counted by whoever makes one more."""

from renderowl.db.database import Database
from renderowl.domain.records import Tier

_TODAY = "(now() AT TIME ZONE 'UTC')::date"


async def take_render(db: Database, user_id: str, limit: int) -> bool:
    """Count one render of today; False, and nothing is counted, when the user has made `limit` already.

    The user's row is locked until the transaction ends: of any number at once exactly `limit` are let through.
    """
    counted = await db.execute(
        f"INSERT INTO render_days (id, user_id, day, renders) VALUES ($1 || ':' || {_TODAY}, $1, {_TODAY}, 1)"
        " ON CONFLICT (id) DO UPDATE SET renders = render_days.renders + 1 WHERE render_days.renders < $2",
        user_id,
        limit,
    )
    return bool(counted)


async def renders_today(db: Database, user_id: str) -> int:
    """How many renders of today were counted."""
    found: int | None = await db.fetch_value(
        f"SELECT renders FROM render_days WHERE user_id = $1 AND day = {_TODAY}", user_id
    )
    return found or 0


async def forget(db: Database, *, older_than_days: int) -> int:
    """Drop what nobody asks for any more and return how many rows that were."""
    return await db.execute(f"DELETE FROM render_days WHERE day < {_TODAY} - $1::int", older_than_days)


async def lock_account(db: Database, user_id: str) -> Tier | None:
    """The user's tier. Whoever asks for the same user's waits until this transaction ends."""
    tier: Tier | None = await db.fetch_value("SELECT tier FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
    return tier


async def projects_of(db: Database, user_id: str) -> int:
    """How many projects the user owns."""
    found: int = await db.fetch_value(
        "SELECT count(*) FROM projects WHERE owner_id = $1 AND status <> 'deleting'", user_id
    )
    return found


async def keys_of(db: Database, user_id: str) -> int:
    """How many good keys the user has; one that ends because it was rotated is not counted."""
    found: int = await db.fetch_value(
        "SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > now())",
        user_id,
    )
    return found


async def storage_bytes_of(db: Database, user_id: str) -> int:
    """The bytes of the assets in the user's projects, also of those announced; what several assets share counts once."""
    found: int = await db.fetch_value(
        "SELECT coalesce(sum(size_bytes), 0)::bigint FROM (SELECT DISTINCT ON (a.storage_key) a.size_bytes FROM assets a"
        " JOIN projects p ON p.id = a.project_id WHERE p.owner_id = $1 AND p.status <> 'deleting') AS stored",
        user_id,
    )
    return found

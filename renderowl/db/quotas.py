"""How many renders accounts have made on each day (UTC), counted in the transaction that makes the render."""

from renderowl.db.database import Database

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

"""How often API keys were used, by day (UTC) and route."""

from collections.abc import Sequence
from datetime import date

import msgspec

from renderowl.db.database import Database


class RouteUse(msgspec.Struct, frozen=True):
    """Requests of a day to a route; `errors` of them were answered with a status of 400 or more."""

    day: date
    route: str
    requests: int
    errors: int


async def add(db: Database, uses: Sequence[tuple[str, RouteUse]]) -> None:
    """Add these to what is counted by key id, in one statement; keys that are gone are left out.

    Rows are locked in one order, so that processes that add at the same time do not lock each other out.
    """
    await db.execute(
        "INSERT INTO key_usage AS known (id, key_id, day, route, requests, errors)"
        " SELECT concat_ws(':', key_id, day, route), key_id, day, route, requests, errors"
        " FROM unnest($1::text[], $2::date[], $3::text[], $4::bigint[], $5::bigint[])"
        " AS new(key_id, day, route, requests, errors) JOIN api_keys ON api_keys.id = key_id ORDER BY 1"
        " ON CONFLICT (id) DO UPDATE SET requests = known.requests + EXCLUDED.requests,"
        " errors = known.errors + EXCLUDED.errors",
        [key_id for key_id, _ in uses],
        [use.day for _, use in uses],
        [use.route for _, use in uses],
        [use.requests for _, use in uses],
        [use.errors for _, use in uses],
    )


async def of_key(db: Database, key_id: str, first: date, last: date) -> list[RouteUse]:
    """What a key was used for from `first` to `last`, by day and then the most used route first."""
    rows = await db.fetch(
        "SELECT day, route, requests, errors FROM key_usage WHERE key_id = $1 AND day BETWEEN $2 AND $3"
        " ORDER BY day, requests DESC, route",
        key_id,
        first,
        last,
    )
    return [RouteUse(**dict(row)) for row in rows]


async def forget(db: Database, *, older_than_days: int) -> int:
    """Drop what nobody asks for any more and return how many rows that were."""
    return await db.execute(
        "DELETE FROM key_usage WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int", older_than_days
    )

"""Errands in Postgres: what was sent to a remote endpoint. A row is committed before anything is sent, and sent once.

Locks are taken in the order: render row, step rows, errand rows.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.lifecycle import LIVE_STEP
from renderowl.domain.records import Errand

_COLUMNS = ", ".join(
    "extract(epoch FROM errands.expires_at - now())::float AS left_s" if name == "left_s" else f"errands.{name}"
    for name in Errand.__struct_fields__
)
_STEP_LIVES = (
    "EXISTS (SELECT 1 FROM steps WHERE steps.id = errands.step_id AND steps.render_attempt = errands.render_attempt"
    f" AND steps.status IN ({', '.join(repr(status) for status in sorted(LIVE_STEP))}))"
)


class DayCost(msgspec.Struct, frozen=True):
    """What the errands that ended on a day took together."""

    day: date
    submissions: int
    execution_s: float
    cost: float


async def insert(db: Database, errand: Errand, blueprint: Mapping[str, Any]) -> None:
    """Record what is about to be sent. The same errand again is no error: the answer to a commit may have been lost."""
    await db.execute(
        "INSERT INTO errands (id, step_id, step_attempt, token, render_id, render_attempt, project_id, key_id,"
        " price_per_s, expires_at, held_by, blueprint) VALUES"
        " ($1,$2,$3,$4,$5,$6,$7,$8,$9, now() + make_interval(secs => $10), $3, $11::jsonb)"
        " ON CONFLICT (id) DO NOTHING",
        errand.id,
        errand.step_id,
        errand.step_attempt,
        errand.token,
        errand.render_id,
        errand.render_attempt,
        errand.project_id,
        errand.key_id,
        errand.price_per_s,
        errand.left_s,
        to_json(blueprint),
    )


async def get(db: Database, errand_id: str) -> Errand | None:
    """One errand."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM errands WHERE id = $1", errand_id)
    return None if row is None else _errand(row)


async def get_blueprint(db: Database, errand_id: str) -> dict[str, Any] | None:
    """What an errand that has not ended is to make."""
    found: dict[str, Any] | None = from_json(
        await db.fetch_value("SELECT blueprint FROM errands WHERE id = $1", errand_id)
    )
    return found


async def set_submitted(db: Database, errand_id: str, remote_id: str) -> None:
    """Note what the endpoint calls an errand; one that was given up meanwhile stays so, and can now be called back."""
    await db.execute(
        "UPDATE errands SET remote_id = coalesce(remote_id, $2), submitted_at = coalesce(submitted_at, now()),"
        " status = CASE status WHEN 'recorded' THEN 'submitted' ELSE status END, look_at = now()"
        " WHERE id = $1 AND status <> 'ended'",
        errand_id,
        remote_id,
    )


async def take_over(db: Database, step_id: str, attempt: int) -> Errand | None:
    """Give the submitted errand of a step to the claim of this attempt, if there is one.

    Those of which it is not known whether they were sent are given up: nothing is sent twice.
    """
    await db.execute(
        "UPDATE errands SET status = 'lost', look_at = now() WHERE step_id = $1 AND step_attempt < $2"
        " AND status = 'recorded'",
        step_id,
        attempt,
    )
    row = await db.fetch_one(
        f"UPDATE errands SET held_by = $2 WHERE step_id = $1 AND status = 'submitted' RETURNING {_COLUMNS}",
        step_id,
        attempt,
    )
    return None if row is None else _errand(row)


async def give_up(db: Database, errand_id: str) -> None:
    """Nobody waits for an errand any more; it is called back when it is found."""
    await db.execute(
        "UPDATE errands SET status = 'lost', look_at = now() WHERE id = $1 AND status IN ('recorded', 'submitted')",
        errand_id,
    )


async def end(db: Database, errand_id: str, outcome: str) -> bool:
    """Note how an errand ended; what it was to make is not kept. False when it had ended already."""
    return bool(
        await db.execute(
            "UPDATE errands SET status = 'ended', outcome = $2, ended_at = now(), blueprint = NULL"
            " WHERE id = $1 AND status <> 'ended'",
            errand_id,
            outcome,
        )
    )


async def set_times(db: Database, errand: Errand, delay_s: float, execution_s: float) -> None:
    """Note what an errand took, and what its render took at the endpoint altogether; the same again changes nothing."""
    await db.execute("SELECT 1 FROM renders WHERE id = $1 FOR UPDATE", errand.render_id)
    await db.execute("UPDATE errands SET delay_s = $2, execution_s = $3 WHERE id = $1", errand.id, delay_s, execution_s)
    await db.execute(
        "UPDATE renders SET remote = (SELECT jsonb_build_object('submissions', count(*),"
        " 'execution_s', round(sum(execution_s)::numeric, 3),"
        " 'cost', round(sum(execution_s * price_per_s)::numeric, 6))"
        " FROM errands WHERE render_id = $1 AND execution_s IS NOT NULL) WHERE id = $1",
        errand.render_id,
    )


async def hint(db: Database, errand_id: str, remote_id: str | None) -> bool:
    """Note that there is news of an errand, and what the endpoint calls it if that was not known: so it was submitted.

    True while somebody waits for what it makes.
    """
    wanted = await db.fetch_value(
        "UPDATE errands SET hinted_at = now(), look_at = least(look_at, now()), remote_id = coalesce(remote_id, $2),"
        " status = CASE WHEN status = 'recorded' AND $2::text IS NOT NULL THEN 'submitted' ELSE status END"
        f" WHERE id = $1 AND status <> 'ended' RETURNING status IN ('recorded', 'submitted') AND {_STEP_LIVES}",
        errand_id,
        remote_id,
    )
    return bool(wanted)


async def take_hints(db: Database, errand_ids: Sequence[str]) -> list[str]:
    """Those of these errands of which there is news, once."""
    rows = await db.fetch(
        "UPDATE errands SET hinted_at = NULL WHERE id = ANY($1::text[]) AND hinted_at IS NOT NULL RETURNING id",
        list(errand_ids),
    )
    return [row["id"] for row in rows]


async def is_wanted(db: Database, errand_id: str) -> bool:
    """Whether somebody waits for what this errand makes."""
    found = await db.fetch_value(
        f"SELECT 1 FROM errands WHERE id = $1 AND status IN ('recorded', 'submitted') AND {_STEP_LIVES}", errand_id
    )
    return found is not None


async def is_awaited(db: Database, step_id: str, step_attempt: int) -> bool:
    """Whether somebody waits, or will, for the errand that this attempt of a step submitted."""
    found = await db.fetch_value(
        "SELECT 1 FROM errands WHERE step_id = $1 AND step_attempt = $2 AND status IN ('recorded', 'submitted')"
        f" AND {_STEP_LIVES}",
        step_id,
        step_attempt,
    )
    return found is not None


async def claim_strays(db: Database, *, lease_s: float, limit: int = 20) -> list[Errand]:
    """Take errands that nobody waits for and that have not ended, for `lease_s`."""
    rows = await db.fetch(
        "WITH due AS (SELECT id FROM errands WHERE status <> 'ended' AND look_at <= now()"
        f" AND (status = 'lost' OR NOT {_STEP_LIVES}) ORDER BY look_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        " UPDATE errands SET status = 'lost', look_at = now() + make_interval(secs => $1) FROM due"
        f" WHERE errands.id = due.id RETURNING {_COLUMNS}",
        lease_s,
        limit,
    )
    return [_errand(row) for row in rows]


async def costs_of_key(db: Database, key_id: str, first: date, last: date) -> list[DayCost]:
    """What errands of renders of a key took, by the day (UTC) they ended on."""
    rows = await db.fetch(
        "SELECT (ended_at AT TIME ZONE 'UTC')::date AS day, count(*)::int AS submissions,"
        " sum(execution_s) AS execution_s, sum(execution_s * price_per_s) AS cost FROM errands"
        " WHERE key_id = $1 AND execution_s IS NOT NULL AND (ended_at AT TIME ZONE 'UTC')::date BETWEEN $2 AND $3"
        " GROUP BY 1 ORDER BY 1",
        key_id,
        first,
        last,
    )
    return [DayCost(**dict(row)) for row in rows]


async def forget(db: Database, *, older_than_days: int) -> int:
    """Drop what ended so long ago and return how many rows that were."""
    return await db.execute(
        "DELETE FROM errands WHERE status = 'ended' AND ended_at < now() - make_interval(days => $1)", older_than_days
    )


def _errand(row: asyncpg.Record) -> Errand:
    return Errand(**dict(row))

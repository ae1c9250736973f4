"""Dispatches in Postgres: steps that were given to a worker which has not begun them, a narrow row each.

The step's own row says `queued` meanwhile: writing it is what an admission would cost (decision 37). A dispatch holds
while its step is queued and its attempt is the step's next; each comes to its end with a change of the step, which is
begun, ended, or put back with the attempt counted. So a number is given once, and what does not hold never will again.

Locks are taken in the order: step rows, dispatches.
"""

from collections.abc import Sequence
from typing import Final

import asyncpg

from renderowl.db.database import Database
from renderowl.domain.records import Claim, Step

HOLDS: Final = "steps.id = dispatches.step_id AND steps.status = 'queued' AND steps.attempt = dispatches.attempt - 1"
"""SQL: what makes a dispatch good for its step. `LIMIT 1` around it has Postgres look the steps up one by one: it
cannot know how few there are in a table that fills and empties all the time, and would read all steps for them."""

HELD: Final = f"""(
    SELECT id, project_id, key_id, priority_class, worker_id FROM steps WHERE status IN ('dispatched', 'running')
    UNION ALL
    SELECT step.id, step.project_id, step.key_id, step.priority_class, dispatches.worker_id FROM dispatches
    CROSS JOIN LATERAL (SELECT id, project_id, key_id, priority_class FROM steps WHERE {HOLDS} LIMIT 1) step
)"""
"""SQL: the steps that workers hold, begun or not. A step whose row says `dispatched` was given by a scheduler of the
version before, which may run beside this one."""

_COLUMNS: Final = ", ".join(f"steps.{name}" for name in Step.__struct_fields__)

OF_STEP: Final = f"LEFT JOIN dispatches ON {HOLDS}"
_GIVEN: Final = {
    "status": "CASE WHEN dispatches.step_id IS NULL THEN steps.status ELSE 'dispatched' END",
    "attempt": "coalesce(dispatches.attempt, steps.attempt)",
    "token": "coalesce(dispatches.token, steps.token)",
    "worker_id": "coalesce(dispatches.worker_id, steps.worker_id)",
    "started_at": "CASE WHEN dispatches.step_id IS NULL THEN steps.started_at END",
}


def columns(names: Sequence[str]) -> str:
    """SQL: these columns of steps joined by `OF_STEP`, as they are for whoever looks: dispatched where a dispatch holds."""
    return ", ".join(f"{_GIVEN[name]} AS {name}" if name in _GIVEN else f"steps.{name}" for name in names)


async def start(db: Database, claim: Claim, *, lease_s: float) -> asyncpg.Record | None:
    """Take up a dispatched step: its row says `running` and holds the claim from here on. None when it is not good.

    It may be bad because the step was cancelled, put back or begun before.
    """
    lease = "started_at = now(), lease_expires_at = now() + make_interval(secs => $5)"
    row = await db.fetch_one(
        "WITH taken AS (UPDATE steps SET status = 'running', attempt = dispatches.attempt, token = dispatches.token,"
        f" worker_id = dispatches.worker_id, {lease} FROM dispatches WHERE {HOLDS} AND dispatches.step_id = $1"
        f" AND dispatches.attempt = $2 AND dispatches.token = $3 AND dispatches.worker_id = $4 RETURNING {_COLUMNS}),"
        " begun AS (DELETE FROM dispatches USING taken WHERE dispatches.step_id = taken.id)"
        " SELECT * FROM taken",
        claim.step_id,
        claim.attempt,
        claim.token,
        claim.worker_id,
        lease_s,
    )
    if row is not None:
        return row
    return await db.fetch_one(  # given by a scheduler of the version before
        f"UPDATE steps SET status = 'running', {lease}"
        f" WHERE id = $1 AND attempt = $2 AND token = $3 AND worker_id = $4 AND status = 'dispatched' RETURNING {_COLUMNS}",
        claim.step_id,
        claim.attempt,
        claim.token,
        claim.worker_id,
        lease_s,
    )


async def renew(db: Database, worker_id: str, tokens: Sequence[str], *, lease_s: float) -> set[str]:
    """Renew a worker's dispatches and return the tokens that hold; waits for nobody, as `steps.renew` does."""
    rows = await db.fetch(
        "WITH given AS MATERIALIZED (SELECT step_id, dispatches.token FROM dispatches"
        f" CROSS JOIN LATERAL (SELECT 1 FROM steps WHERE {HOLDS} LIMIT 1) step"
        " WHERE worker_id = $1 AND dispatches.token = ANY($2::text[])),"
        " free AS (SELECT step_id FROM dispatches JOIN given USING (step_id, token) FOR UPDATE OF dispatches SKIP LOCKED),"
        " renewed AS (UPDATE dispatches SET lease_expires_at = now() + make_interval(secs => $3) FROM free"
        " WHERE dispatches.step_id = free.step_id)"
        " SELECT token FROM given",
        worker_id,
        list(tokens),
        lease_s,
    )
    return {row["token"] for row in rows}


async def take_back(db: Database, tokens: Sequence[str]) -> int:
    """Put back what was given but could not be sent."""
    return await _put_back(db, "dispatches.token = ANY($1::text[])", list(tokens))


async def release(db: Database, worker_id: str) -> int:
    """Put back what a worker was given but has not begun, free of charge; leaves alone what it is just beginning."""
    return await _put_back(db, "dispatches.worker_id = $1", worker_id)


async def expire(db: Database) -> int:
    """Put back what was not begun in time; returns how many that were. What a cancelled step left behind is removed.

    Such is left by an admission at the moment of the cancellation, which sees the step queued and commits after it.
    """
    put_back = await _put_back(db, "dispatches.lease_expires_at < now()")
    await db.execute(
        "DELETE FROM dispatches WHERE step_id IN (SELECT step_id FROM dispatches WHERE lease_expires_at < now()"
        f" AND (SELECT 1 FROM steps WHERE {HOLDS} LIMIT 1) IS NULL FOR UPDATE SKIP LOCKED)"
    )
    return put_back


async def _put_back(db: Database, which: str, *args: object) -> int:
    """Queue steps again whose dispatches hold, with the attempt counted: arq drops a number that it knows.

    Waits for nobody: who holds a step ends its dispatch, or leaves it to run out.
    """
    return await db.execute(
        f"WITH free AS (SELECT step.id FROM dispatches CROSS JOIN LATERAL (SELECT id FROM steps WHERE {HOLDS} LIMIT 1"
        f" FOR UPDATE SKIP LOCKED) step WHERE {which}),"
        " ended AS (DELETE FROM dispatches USING free WHERE dispatches.step_id = free.id)"
        " UPDATE steps SET attempt = attempt + 1, queued_at = now() FROM free WHERE steps.id = free.id",
        *args,
    )


async def cancel(db: Database, step_ids: Sequence[str]) -> list[Claim]:
    """End the dispatches of steps whose rows the caller has locked and ended; returns the claims that were out."""
    rows = await db.fetch(
        "WITH ended AS (DELETE FROM dispatches WHERE step_id = ANY($1::text[])"
        " RETURNING step_id, attempt, token, worker_id),"
        " counted AS (UPDATE steps SET attempt = ended.attempt FROM ended"
        " WHERE steps.id = ended.step_id AND steps.attempt = ended.attempt - 1)"
        " SELECT * FROM ended",
        list(step_ids),
    )
    return [Claim(row["step_id"], row["attempt"], row["token"], row["worker_id"]) for row in rows]

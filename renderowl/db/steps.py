"""Steps in Postgres: their life from queued to the end, leases. Every worker's write names (step, attempt, token).

Locks are taken in one order everywhere: render row, step rows, dispatches, project row. A step that is dispatched says
`queued` in its row (`db.dispatches`); one that says `dispatched` was given by a scheduler of the version before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from renderowl.db import dispatches
from renderowl.db.admission import next_vtime
from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import HIGHEST_BY_AGE, LIVE_STEP, StepKind, StepStatus
from renderowl.domain.records import Claim, Render, Step, StepTimes

_COLUMNS = ", ".join(f"steps.{name}" for name in Step.__struct_fields__)
_CLAIMED = "id = $1 AND attempt = $2 AND token = $3 AND status = 'running'"
_AS_PLANNED = "array_position(ARRAY['prepare','segment','audio','assemble'], kind), ordinal"


class NewStep(msgspec.Struct, frozen=True):
    """A step to be stored: `blocked` waits for others, `queued` may be admitted at once.

    `requires` is what a worker must offer besides the labels that its render requires.
    """

    id: str
    kind: StepKind
    ordinal: int
    status: StepStatus
    cost: float
    weight: float = 0.0
    requires: tuple[str, ...] = ()
    params: dict[str, Any] = {}


class Cancelled(msgspec.Struct, frozen=True):
    """What cancelling a render's steps ended: the claims workers hold, and the cost by class of what was never begun."""

    held: list[Claim]
    unspent: dict[int, float]


class Lapsed(msgspec.Struct, frozen=True):
    """A claim whose lease ran out. `started` is False when the worker never took it up."""

    step: Step
    started: bool


class Running(msgspec.Struct, frozen=True):
    """A step at work, with its render's plan (none while it is being prepared) and stored progress."""

    step: Step
    plan: dict[str, Any] | None
    progress: Progress


async def insert(
    db: Database, render: Render, priority_class: int, steps: Sequence[NewStep], *, ageing_s: float
) -> None:
    """Store steps of a render's present attempt; queued ones get their place in the queue, and age from now on."""
    for step in steps:
        queued = step.status == "queued"
        vtime = await next_vtime(db, render.project_id, priority_class, step.cost) if queued else 0.0
        await db.execute(
            "INSERT INTO steps (id, render_id, project_id, render_attempt, kind, ordinal, status, priority_class, vtime,"
            " cost, weight, requires, params, key_id, ages_at) VALUES"
            " ($1,$2,$3,$4,$5,$6,$7,$8::int,$9,$10,$11,$12,$13::jsonb,$14,"
            f" CASE WHEN $7 = 'queued' THEN {_ages_at('$8', '$15')} END)",
            step.id,
            render.id,
            render.project_id,
            render.attempt,
            step.kind,
            step.ordinal,
            step.status,
            priority_class,
            vtime,
            step.cost,
            step.weight,
            [*step.requires, *render.requires],
            to_json(step.params),
            render.key_id,
            ageing_s,
        )


def _ages_at(priority_class: str, ageing_s: str) -> str:
    """SQL: when a step of a class that is queued now is to be raised; never when that class is the highest, or for 0 s."""
    return (
        f"CASE WHEN {priority_class}::int > {HIGHEST_BY_AGE} AND {ageing_s}::float > 0"
        f" THEN now() + make_interval(secs => {ageing_s}) END"
    )


async def unblock(db: Database, render_id: str, render_attempt: int, *, ageing_s: float) -> bool:
    """Queue the blocked assemble step if nothing before it is left; the caller holds the render's row.

    It goes into the best class that one of the others had reached by waiting. Returns True when it became queued.
    """
    row = await db.fetch_one(
        "SELECT id, project_id, cost, (SELECT min(priority_class) FROM steps other WHERE other.render_id = $1"
        " AND other.render_attempt = $2) AS priority_class FROM steps WHERE render_id = $1 AND render_attempt = $2"
        " AND status = 'blocked' AND NOT EXISTS (SELECT 1 FROM steps other WHERE other.render_id = $1"
        " AND other.render_attempt = $2 AND other.kind <> 'assemble' AND other.status <> 'completed')",
        render_id,
        render_attempt,
    )
    if row is None:
        return False
    vtime = await next_vtime(db, row["project_id"], row["priority_class"], row["cost"])
    return bool(
        await db.execute(
            "UPDATE steps SET status = 'queued', vtime = $2, priority_class = $3::int, queued_at = now(),"
            f" ages_at = {_ages_at('$3', '$4')} WHERE id = $1 AND status = 'blocked'",
            row["id"],
            vtime,
            row["priority_class"],
            ageing_s,
        )
    )


async def start(db: Database, claim: Claim, *, lease_s: float) -> Step | None:
    """Take up a dispatched step; None when the claim is no longer good (cancelled, given to another, started twice)."""
    row = await dispatches.start(db, claim, lease_s=lease_s)
    return None if row is None else _step(row)


async def render_of(db: Database, step_id: str) -> str | None:
    """The id of the render that a step is of."""
    found: str | None = await db.fetch_value("SELECT render_id FROM steps WHERE id = $1", step_id)
    return found


async def get_claimed(db: Database, claim: Claim) -> Step | None:
    """The running step of this claim, if it still holds."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM steps WHERE {_CLAIMED}",
        claim.step_id,
        claim.attempt,
        claim.token,
    )
    return None if row is None else _step(row)


async def get_running(db: Database, step_id: str, attempt: int) -> Running | None:
    """The step of a claim that holds, or whose errand another claim has taken over, and what its reports are a part of."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS}, renders.progress, CASE WHEN steps.kind <> 'prepare' THEN renders.plan END AS plan"
        " FROM steps JOIN renders ON renders.id = steps.render_id AND renders.attempt = steps.render_attempt"
        " WHERE steps.id = $1 AND steps.status = 'running' AND renders.status = 'processing' AND (steps.attempt = $2"
        " OR EXISTS (SELECT 1 FROM errands WHERE errands.step_id = $1 AND errands.step_attempt = $2"
        " AND errands.held_by = steps.attempt AND errands.status = 'submitted'))",
        step_id,
        attempt,
    )
    if row is None:
        return None
    return Running(_step(row), from_json(row["plan"]), msgspec.convert(from_json(row["progress"]), Progress))


async def finish(
    db: Database, claim: Claim, status: StepStatus, *, result: object = None, error: object = None
) -> bool:
    """End a running step as `completed` or `failed` if the claim still holds; False means fenced."""
    return bool(
        await db.execute(
            "UPDATE steps SET status = $4, finished_at = now(), result = $5::jsonb, error = $6::jsonb,"
            f" lease_expires_at = NULL WHERE {_CLAIMED}",
            claim.step_id,
            claim.attempt,
            claim.token,
            status,
            None if result is None else to_json(result),
            None if error is None else to_json(error),
        )
    )


async def requeue(
    db: Database,
    step_id: str,
    token: str,
    *,
    delay_s: float = 0.0,
    failed: bool = False,
    lost: bool = False,
    error: Mapping[str, Any] | None = None,
) -> bool:
    """Put a claimed step back; `failed` and `lost` count against it, an interruption costs nothing.

    Its virtual time is kept, so that it goes before what came after it, and so is its age, but for the time it ran.
    """
    return bool(
        await db.execute(
            "UPDATE steps SET status = 'queued', token = NULL, worker_id = NULL, lease_expires_at = NULL, queued_at = now(),"
            " ages_at = ages_at + (now() - coalesce(started_at, now())),"
            " not_before = CASE WHEN $3 > 0 THEN now() + make_interval(secs => $3) END,"
            " failures = failures + $4, lost = CASE WHEN $5 THEN lost + 1 WHEN $4 > 0 THEN 0 ELSE lost END,"
            " error = coalesce($6::jsonb, error)"
            " WHERE id = $1 AND token = $2 AND status IN ('dispatched', 'running')",
            step_id,
            token,
            delay_s,
            1 if failed else 0,
            lost,
            None if error is None else to_json(error),
        )
    )


async def fail(db: Database, step_id: str, token: str, error: Mapping[str, Any]) -> bool:
    """End a claimed step as failed from outside its worker."""
    return bool(
        await db.execute(
            "UPDATE steps SET status = 'failed', finished_at = now(), lease_expires_at = NULL, error = $3::jsonb"
            " WHERE id = $1 AND token = $2 AND status IN ('dispatched', 'running')",
            step_id,
            token,
            to_json(error),
        )
    )


async def cancel_all(db: Database, render_id: str) -> Cancelled:
    """Cancel every live step of a render; the caller stops the workers and gives back what was never begun."""
    rows = await db.fetch(
        "WITH held AS (SELECT id, attempt, token, worker_id, status, priority_class, cost FROM steps"
        " WHERE render_id = $1 AND status = ANY($2::text[]) ORDER BY id FOR UPDATE)"
        " UPDATE steps SET status = 'cancelled', finished_at = now(), lease_expires_at = NULL FROM held"
        " WHERE steps.id = held.id RETURNING held.id, held.attempt, held.token, held.worker_id, held.status,"
        " held.priority_class, held.cost",
        render_id,
        list(LIVE_STEP),
    )
    queued = [row["id"] for row in rows if row["status"] == "queued"]
    # a statement of its own: it sees what was committed while the first one waited for the steps
    given = await dispatches.cancel(db, queued) if queued else []
    given_ids = {claim.step_id for claim in given}
    unspent: dict[int, float] = {}
    for row in rows:
        if row["status"] == "queued" and row["attempt"] == 0 and row["id"] not in given_ids:
            unspent[row["priority_class"]] = unspent.get(row["priority_class"], 0.0) + row["cost"]
    held = [
        Claim(row["id"], row["attempt"], row["token"], row["worker_id"]) for row in rows if row["token"] is not None
    ]
    return Cancelled(held + given, unspent)


async def renew(db: Database, worker_id: str, tokens: Sequence[str], *, lease_s: float) -> set[str]:
    """Renew a worker's leases in one statement; the tokens that are not returned are lost or cancelled.

    It waits for nobody: who ends a render holds one step and then asks for the others, so that waiting here for the first
    while holding the others would be a ring. A claim that another transaction has in its hands keeps its lease as it
    is, and the next heartbeat sees what became of it.
    """
    rows = await db.fetch(
        "WITH held AS MATERIALIZED (SELECT id, token FROM steps WHERE worker_id = $1 AND token = ANY($2::text[])"
        " AND status IN ('dispatched', 'running')),"
        " free AS (SELECT steps.id FROM steps JOIN held USING (id) WHERE steps.token = held.token"
        " AND steps.status IN ('dispatched', 'running') FOR UPDATE OF steps SKIP LOCKED),"
        " renewed AS (UPDATE steps SET lease_expires_at = now() + make_interval(secs => $3) FROM free"
        " WHERE steps.id = free.id)"
        " SELECT token FROM held",
        worker_id,
        list(tokens),
        lease_s,
    )
    return {row["token"] for row in rows}


async def lapsed(db: Database, *, limit: int = 100) -> list[Lapsed]:
    """Claims whose lease has run out. Read without a lock: each is then dealt with under its render's lock."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS}, steps.started_at FROM steps WHERE status IN ('dispatched', 'running')"
        " AND lease_expires_at < now() ORDER BY lease_expires_at LIMIT $1",
        limit,
    )
    return [Lapsed(_step(row), row["started_at"] is not None) for row in rows]


async def overdue(db: Database, *, deadline_s: float, limit: int = 100) -> list[Step]:
    """Steps that have run for longer than `deadline_s`; none when that is 0. Read without a lock, as `lapsed` does."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM steps WHERE $1::float > 0 AND status IN ('dispatched', 'running')"
        " AND started_at < now() - make_interval(secs => $1) ORDER BY started_at LIMIT $2",
        deadline_s,
        limit,
    )
    return [_step(row) for row in rows]


async def still_lapsed(db: Database, step_id: str, token: str) -> bool:
    """Ask again, under the render's lock, whether this claim's lease has run out."""
    return bool(
        await db.fetch_value(
            "SELECT 1 FROM steps WHERE id = $1 AND token = $2 AND status IN ('dispatched', 'running')"
            " AND lease_expires_at < now() FOR UPDATE",
            step_id,
            token,
        )
    )


async def list_of_render(db: Database, render_id: str, render_attempt: int) -> list[Step]:
    """The steps of one attempt, in the order they are planned."""
    rows = await db.fetch(
        f"SELECT {dispatches.columns(Step.__struct_fields__)} FROM steps {dispatches.OF_STEP}"
        f" WHERE render_id = $1 AND render_attempt = $2 ORDER BY {_AS_PLANNED}",
        render_id,
        render_attempt,
    )
    return [_step(row) for row in rows]


async def times_of_render(db: Database, render_id: str, render_attempt: int) -> list[StepTimes]:
    """When the steps of one attempt ran and where, in the order they are planned."""
    rows = await db.fetch(
        f"SELECT {dispatches.columns(StepTimes.__struct_fields__)} FROM steps {dispatches.OF_STEP}"
        f" WHERE render_id = $1 AND render_attempt = $2 ORDER BY {_AS_PLANNED}",
        render_id,
        render_attempt,
    )
    return [StepTimes(**dict(row)) for row in rows]


async def measured_speed(db: Database) -> float | None:
    """Cost a second of one slot over the last 200 encoded segments; None when there are none."""
    value: float | None = await db.fetch_value(
        "SELECT sum(cost) / nullif(extract(epoch FROM sum(finished_at - started_at)), 0)::float FROM ("
        "SELECT cost, started_at, finished_at FROM steps WHERE kind = 'segment' AND status = 'completed'"
        " ORDER BY finished_at DESC LIMIT 200) newest"
    )
    return value


async def spent(db: Database, render_id: str, render_attempt: int) -> dict[int, tuple[float, float]]:
    """What the completed steps of an attempt were charged and how many seconds of a slot they took, by class."""
    rows = await db.fetch(
        "SELECT priority_class, sum(cost) AS cost, extract(epoch FROM sum(finished_at - started_at))::float AS seconds"
        " FROM steps WHERE render_id = $1 AND render_attempt = $2 AND status = 'completed' GROUP BY 1",
        render_id,
        render_attempt,
    )
    return {row["priority_class"]: (row["cost"], row["seconds"]) for row in rows}


def _step(row: asyncpg.Record) -> Step:
    values = {name: row[name] for name in Step.__struct_fields__}
    values["params"] = from_json(values["params"])
    values["result"] = from_json(values["result"])
    return Step(**values)

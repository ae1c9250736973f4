"""Executions of automations as rows: written with what triggers them, claimed by one runner at a time, kept as a log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.automations import Execution, TriggerType
from renderowl.domain.ids import new_id

_NAMES = Execution.__struct_fields__
_COLUMNS = ", ".join(_NAMES)
_QUALIFIED = ", ".join(f"executions.{name}" for name in _NAMES)
_JSON = ("input", "actions", "results", "error")
_FENCE = "id = $1 AND attempts = $2 AND status = 'running'"
_MADE_BY = "automation:"


class Origin(msgspec.Struct, frozen=True):
    """What led to an execution: the automations before it, and the first execution of them all."""

    chain: list[str]
    root_id: str


def render_key(execution_id: str, index: int) -> str:
    """The Idempotency-Key of the render that an action of an execution makes: it makes one, however often it is tried."""
    return f"{_MADE_BY}{execution_id}:{index}"


async def origin_of_render(db: Database, render_id: str) -> Origin | None:
    """What led to a render, if an automation made it."""
    row = await db.fetch_one(
        "SELECT e.chain, e.root_id FROM renders r JOIN executions e ON e.project_id = r.project_id"
        f" AND e.id = split_part(r.idempotency_key, ':', 2) WHERE r.id = $1 AND r.idempotency_key LIKE '{_MADE_BY}%'",
        render_id,
    )
    return None if row is None else Origin(list(row["chain"]), row["root_id"])


async def count_following(db: Database, root_id: str) -> int:
    """How many executions followed from one, itself among them."""
    count: int = await db.fetch_value("SELECT count(*) FROM executions WHERE root_id = $1", root_id)
    return count


async def insert(
    db: Database,
    automation_id: str,
    occurrence: str,
    trigger_type: TriggerType,
    input: Mapping[str, Any],
    *,
    due_at: datetime | None = None,
    origin: Origin | None = None,
    skipped: Mapping[str, Any] | None = None,
) -> str | None:
    """Write down that an automation was triggered and return the execution's id; None when this occurrence is known.

    `skipped` is the error for which nothing will be done.
    """
    execution_id = new_id("exe")
    row = await db.fetch_one(
        "WITH made AS (INSERT INTO executions (id, automation_id, project_id, trigger_type, occurrence, status, input,"
        " actions, error, chain, root_id, due_at, finished_at) SELECT $1, a.id, a.project_id, $3, $4,"
        " CASE WHEN $8::jsonb IS NULL THEN 'queued' ELSE 'skipped' END, $5::jsonb, a.actions, $8::jsonb,"
        " $6::text[] || a.id, $7, $9, CASE WHEN $8::jsonb IS NOT NULL THEN now() END FROM automations a WHERE a.id = $2"
        " ON CONFLICT (automation_id, occurrence) DO NOTHING RETURNING automation_id, status),"
        " counted AS (UPDATE automations SET trigger_count = trigger_count + 1, last_triggered_at = now() FROM made"
        " WHERE automations.id = made.automation_id AND made.status = 'queued')"
        " SELECT 1 FROM made",
        execution_id,
        automation_id,
        trigger_type,
        occurrence,
        to_json(input),
        [] if origin is None else origin.chain,
        execution_id if origin is None else origin.root_id,
        None if skipped is None else to_json(skipped),
        due_at,
    )
    return None if row is None else execution_id


async def find(db: Database, automation_id: str, occurrence: str) -> Execution | None:
    """The execution of one occurrence."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM executions WHERE automation_id = $1 AND occurrence = $2", automation_id, occurrence
    )
    return None if row is None else _execution(row)


async def get(db: Database, execution_id: str) -> Execution | None:
    """One execution."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM executions WHERE id = $1", execution_id)
    return None if row is None else _execution(row)


async def list_page(
    db: Database, automation_id: str, *, before_id: str | None, limit: int, status: str | None
) -> list[Execution]:
    """An automation's executions, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM executions WHERE automation_id = $1 AND ($2::text IS NULL OR id < $2)"
        " AND ($3::text IS NULL OR status = $3) ORDER BY id DESC LIMIT $4",
        *(automation_id, before_id, status, limit),
    )
    return [_execution(row) for row in rows]


async def claim(db: Database, *, limit: int, per_project: int, busy: Sequence[str], lease_s: float) -> list[Execution]:
    """Take waiting executions to run them now, the longest waiting first and only a few of each project; not of busy ones.

    Each counts as tried. One whose runner dies waits again after `lease_s`.
    """
    rows = await db.fetch(
        "WITH due AS (SELECT id, project_id, next_attempt_at FROM executions WHERE status IN ('queued', 'running')"
        " AND next_attempt_at <= now() AND NOT project_id = ANY ($3) ORDER BY next_attempt_at, id LIMIT 500"
        " FOR UPDATE SKIP LOCKED),"
        " ranked AS (SELECT id, next_attempt_at, row_number() OVER"
        " (PARTITION BY project_id ORDER BY next_attempt_at, id) AS place FROM due),"
        " taken AS (SELECT id FROM ranked WHERE place <= $2 ORDER BY next_attempt_at, id LIMIT $1)"
        " UPDATE executions SET status = 'running', attempts = attempts + 1,"
        " next_attempt_at = now() + make_interval(secs => $4)"
        f" FROM taken WHERE executions.id = taken.id RETURNING {_QUALIFIED}",
        *(limit, per_project, list(busy), lease_s),
    )
    return [_execution(row) for row in rows]


async def set_results(db: Database, execution: Execution, results: Sequence[Mapping[str, Any]]) -> bool:
    """Note what came of the actions so far; False when this try does not hold any more."""
    return bool(
        await db.execute(
            f"UPDATE executions SET results = $3::jsonb WHERE {_FENCE}",
            *(execution.id, execution.attempts, to_json(results)),
        )
    )


async def put_off(db: Database, execution: Execution, delay_s: float) -> None:
    """Have it tried again later."""
    await db.execute(
        f"UPDATE executions SET next_attempt_at = now() + make_interval(secs => $3) WHERE {_FENCE}",
        *(execution.id, execution.attempts, delay_s),
    )


async def finish(db: Database, execution: Execution, error: Mapping[str, Any] | None) -> bool:
    """Note that it is at an end; False when this try does not hold any more."""
    return bool(
        await db.execute(
            "UPDATE executions SET status = CASE WHEN $3::jsonb IS NULL THEN 'completed' ELSE 'failed' END,"
            f" error = $3::jsonb, finished_at = now() WHERE {_FENCE}",
            *(execution.id, execution.attempts, None if error is None else to_json(error)),
        )
    )


async def skip_queued(db: Database, automation_id: str, error: Mapping[str, Any]) -> None:
    """Do nothing of what waits for an automation."""
    await db.execute(
        "UPDATE executions SET status = 'skipped', error = $2::jsonb, finished_at = now()"
        " WHERE automation_id = $1 AND status = 'queued'",
        *(automation_id, to_json(error)),
    )


async def forget(db: Database, *, older_than_s: float, limit: int = 5000) -> int:
    """Drop the log of what ended so long ago."""
    return await db.execute(
        "DELETE FROM executions WHERE id IN (SELECT id FROM executions WHERE status NOT IN ('queued', 'running')"
        " AND created_at < now() - make_interval(secs => $1) LIMIT $2)",
        *(older_than_s, limit),
    )


def _execution(row: asyncpg.Record) -> Execution:
    return Execution(**{**row, **{name: from_json(row[name]) for name in _JSON}})

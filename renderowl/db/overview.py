"""What operators look at: the backlog by class, the workers, the running steps. Read without a lock."""

from datetime import datetime

import msgspec

from renderowl.db.database import Database
from renderowl.db.dispatches import HELD, HOLDS, OF_STEP, columns
from renderowl.domain.lifecycle import CLASS_PRIORITY, Priority, RenderStatus, StepKind


class QueuedClass(msgspec.Struct, frozen=True):
    """A class of the backlog: `oldest_s` is how long its oldest step has waited, `later` waits for its next try."""

    priority: Priority
    steps: int = 0
    oldest_s: float = 0.0
    later: int = 0


class WorkerSeen(msgspec.Struct, frozen=True):
    """A worker that is not gone, and how many of its slots are taken."""

    id: str
    host: str
    pid: int
    status: str
    slots: int
    held: int
    silent_s: float
    offers: list[str]
    started_at: datetime


class StepSeen(msgspec.Struct, frozen=True):
    """A step that a worker holds, the longest running first."""

    id: str
    render_id: str
    project_id: str
    render_attempt: int
    attempt: int
    kind: StepKind
    ordinal: int
    status: str
    priority: Priority
    worker_id: str
    held_s: float


async def queued_classes(db: Database) -> list[QueuedClass]:
    """Every class, the most urgent first."""
    rows = await db.fetch(
        "SELECT priority_class, count(*) AS steps, extract(epoch FROM now() - min(queued_at))::float AS oldest_s,"
        " count(*) FILTER (WHERE not_before > now()) AS later FROM steps WHERE status = 'queued'"
        f" AND NOT EXISTS (SELECT 1 FROM dispatches WHERE {HOLDS}) GROUP BY 1"
    )
    found = {
        row["priority_class"]: QueuedClass(
            CLASS_PRIORITY[row["priority_class"]], row["steps"], max(0.0, row["oldest_s"]), row["later"]
        )
        for row in rows
    }
    return [found.get(number, QueuedClass(name)) for number, name in sorted(CLASS_PRIORITY.items())]


async def workers_seen(db: Database, *, limit: int = 500) -> list[WorkerSeen]:
    """The workers, the longest there first."""
    rows = await db.fetch(
        "SELECT w.id, w.host, w.pid, w.status, w.slots, w.offers, w.started_at, count(held.id) AS held,"
        " extract(epoch FROM now() - w.heartbeat_at)::float AS silent_s FROM workers w"
        f" LEFT JOIN {HELD} held ON held.worker_id = w.id"
        " WHERE w.status <> 'gone' GROUP BY w.id ORDER BY w.id LIMIT $1",
        limit,
    )
    return [WorkerSeen(**{name: row[name] for name in WorkerSeen.__struct_fields__}) for row in rows]


async def steps_seen(db: Database, *, limit: int = 200) -> list[StepSeen]:
    """The steps that workers hold."""
    names = ("id", "render_id", "project_id", "render_attempt", "attempt", "kind", "ordinal", "status", "worker_id")
    rows = await db.fetch(
        f"SELECT {columns(names)}, steps.priority_class, CASE WHEN dispatches.step_id IS NULL"
        " THEN extract(epoch FROM now() - coalesce(started_at, now()))::float ELSE 0.0 END AS held_s"
        f" FROM {HELD} held JOIN steps ON steps.id = held.id {OF_STEP}"
        " ORDER BY dispatches.step_id NULLS FIRST, started_at NULLS LAST, steps.id LIMIT $1",
        limit,
    )
    return [
        StepSeen(
            priority=CLASS_PRIORITY[row["priority_class"]],
            **{name: row[name] for name in StepSeen.__struct_fields__ if name != "priority"},
        )
        for row in rows
    ]


async def count_renders(db: Database, *, ended_within_s: float) -> dict[RenderStatus, int]:
    """How many renders are active, by status, and how many came to each end lately."""
    rows = await db.fetch(
        "SELECT status, count(*) AS n FROM renders WHERE status IN ('queued', 'processing') GROUP BY 1 UNION ALL"
        " SELECT status, count(*) FROM renders WHERE status IN ('completed', 'failed', 'cancelled')"
        " AND completed_at > now() - make_interval(secs => $1) GROUP BY 1",
        ended_within_s,
    )
    return {row["status"]: row["n"] for row in rows}

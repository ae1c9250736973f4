"""What operators look at: the backlog by class, the workers, the running steps. Read without a lock."""

from datetime import datetime

import msgspec

from renderowl.db.database import Database
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
        " count(*) FILTER (WHERE not_before > now()) AS later FROM steps WHERE status = 'queued' GROUP BY 1"
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
        "SELECT w.id, w.host, w.pid, w.status, w.slots, w.offers, w.started_at, count(s.id) AS held,"
        " extract(epoch FROM now() - w.heartbeat_at)::float AS silent_s FROM workers w"
        " LEFT JOIN steps s ON s.worker_id = w.id AND s.status IN ('dispatched', 'running')"
        " WHERE w.status <> 'gone' GROUP BY w.id ORDER BY w.id LIMIT $1",
        limit,
    )
    return [WorkerSeen(**{name: row[name] for name in WorkerSeen.__struct_fields__}) for row in rows]


async def steps_seen(db: Database, *, limit: int = 200) -> list[StepSeen]:
    """The steps that workers hold."""
    rows = await db.fetch(
        "SELECT id, render_id, project_id, render_attempt, attempt, kind, ordinal, status, priority_class, worker_id,"
        " extract(epoch FROM now() - coalesce(started_at, now()))::float AS held_s FROM steps"
        " WHERE status IN ('dispatched', 'running') ORDER BY started_at NULLS LAST, id LIMIT $1",
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

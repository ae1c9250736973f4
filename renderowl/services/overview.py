"""The whole installation at a glance, for `renderowl top`, for the dashboard and for Prometheus."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from renderowl.bus.base import Bus, BusUnavailable
from renderowl.db import overview, pauses
from renderowl.db.database import Database
from renderowl.db.overview import QueuedClass, StepSeen, WorkerSeen
from renderowl.db.pauses import Pause
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.records import Principal
from renderowl.services import metrics, users
from renderowl.services.context import Context

LATELY_S = 3600.0
FRESH_S = 5.0


class RunningStep(msgspec.Struct, frozen=True):
    """A step that a worker holds; `done` 0..1 of it, and its render's progress, as far as Redis knows them."""

    step: StepSeen
    done: float | None
    progress: Progress | None


class Overview(msgspec.Struct, frozen=True):
    """`renders` counts the active ones, and those that came to an end within the last hour."""

    at: datetime
    queue: list[QueuedClass]
    pauses: list[Pause]
    workers: list[WorkerSeen]
    running: list[RunningStep]
    renders: dict[RenderStatus, int]

    @property
    def slots(self) -> int:
        """The places of all workers that take steps."""
        return sum(worker.slots for worker in self.workers if worker.status == "active")

    @property
    def held(self) -> int:
        """How many places are taken."""
        return sum(worker.held for worker in self.workers)


async def look(db: Database, bus: Bus | None) -> Overview:
    """What Postgres knows, and how far the running steps are by Redis; without Redis that stays unknown."""
    seen = await overview.steps_seen(db)
    done: dict[str, float] = {}
    progress: dict[str, tuple[int, Progress]] = {}
    if bus is not None:
        try:
            done = await bus.newest_done([(step.render_id, step.id, step.attempt) for step in seen])
            progress = await bus.newest_progress(sorted({step.render_id for step in seen}))
        except BusUnavailable:
            pass
    newest = {render_id: found for render_id, (_, found) in progress.items()}
    return Overview(
        at=datetime.now(UTC),
        queue=await overview.queued_classes(db),
        pauses=await pauses.list_all(db),
        workers=await overview.workers_seen(db),
        running=[RunningStep(step, done.get(step.id), newest.get(step.render_id)) for step in seen],
        renders=await overview.count_renders(db, ended_within_s=LATELY_S),
    )


async def look_as(ctx: Context, principal: Principal) -> Overview:
    """The same for administrators. Raises Forbidden."""
    users.require_administrator(principal)
    return await look(ctx.db, ctx.bus)


class QueueGauges:
    """The metrics of the queue, read from Postgres at most every few seconds, however many ask for them."""

    def __init__(self, db: Database, *, alive_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._alive_s = alive_s
        self._clock = clock
        self._fresh_until = 0.0
        self._turn = asyncio.Lock()

    async def refresh(self) -> None:
        """Make them at most FRESH_S old. Raises Unavailable when Postgres cannot be asked."""
        async with self._turn:
            if self._clock() >= self._fresh_until:
                await observe_queue(self._db, alive_s=self._alive_s)
                self._fresh_until = self._clock() + FRESH_S


async def observe_queue(db: Database, *, alive_s: float) -> None:
    """Set the metrics of the queue to what Postgres says now; none of them is there when it cannot be asked."""
    try:
        queue = await overview.queued_classes(db)
        workers = [worker for worker in await overview.workers_seen(db) if worker.silent_s <= alive_s]
        in_force = await pauses.list_all(db)
    except BaseException:
        for gauge in (metrics.QUEUE_STEPS, metrics.QUEUE_AGE, metrics.QUEUE_PAUSES, metrics.WORKERS, metrics.SLOTS):
            gauge.clear()
        raise
    for one in queue:
        metrics.QUEUE_STEPS.labels(one.priority).set(one.steps)
        metrics.QUEUE_AGE.labels(one.priority).set(one.oldest_s)
    for kind in ("all", "class", "project"):
        metrics.QUEUE_PAUSES.labels(kind).set(sum(pause.scope.partition(":")[0] == kind for pause in in_force))
    for state in ("active", "full", "draining"):
        metrics.WORKERS.labels(state).set(sum(worker.status == state for worker in workers))
    metrics.SLOTS.labels("held").set(sum(worker.held for worker in workers))
    free = (max(0, worker.slots - worker.held) for worker in workers if worker.status == "active")
    metrics.SLOTS.labels("free").set(sum(free))

"""A backlog without media: projects, renders, workers and their steps, for tests of what Postgres decides."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from renderowl.bus.base import Bus, Control
from renderowl.db import projects, renders, steps, workers
from renderowl.db.database import Database
from renderowl.db.steps import NewStep
from renderowl.domain.events import Event, Progress
from renderowl.domain.ids import new_id
from renderowl.domain.lifecycle import PRIORITY_CLASS, Priority
from renderowl.domain.records import Claim, Render
from renderowl.queue.base import Dispatch
from renderowl.services import views
from renderowl.services.context import Context
from renderowl.services.steps import store_plan
from renderowl.settings import Settings


class MemoryQueue:
    """Keeps what was sent, by worker."""

    def __init__(self) -> None:
        self.sent: list[Dispatch] = []
        self.by_worker: dict[str, asyncio.Queue[Dispatch]] = defaultdict(asyncio.Queue)

    async def send(self, dispatches: list[Dispatch]) -> None:
        self.sent += dispatches
        for dispatch in dispatches:
            self.by_worker[dispatch.worker_id].put_nowait(dispatch)

    async def close(self) -> None:
        """Nothing is held."""


class SilentBus:
    """Hears what services say and does nothing with it: the part of `Bus` that services of steps use."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.controls_sent: list[tuple[str, Control]] = []

    async def publish_event(self, event: Event) -> None:
        self.events.append(event)

    async def wake_scheduler(self) -> None:
        """Nobody sleeps."""

    async def control(self, worker_id: str, message: Control) -> None:
        self.controls_sent.append((worker_id, message))


class Backlog:
    """Makes rows the way the services do."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.db = ctx.db
        self.queue = MemoryQueue()

    @property
    def bus(self) -> SilentBus:
        """The bus of the context, as what it is."""
        return cast(SilentBus, self.ctx.bus)

    async def project(self) -> str:
        """A project of a new user."""
        user_id, project_id = new_id("usr"), new_id("prj")
        await self.db.execute("INSERT INTO users (id, email) VALUES ($1, $1)", user_id)
        await projects.insert(
            self.db, project_id=project_id, owner_id=user_id, name="test", description=None, settings={}
        )
        return project_id

    async def render(
        self,
        project_id: str,
        *,
        priority: Priority = "normal",
        cost: float = 1.0,
        requires: Sequence[str] = (),
        key_id: str | None = None,
    ) -> str:
        """A queued render with its first step."""
        now = datetime.now(UTC)
        render = Render(
            id=new_id("rnd"),
            project_id=project_id,
            composition_id="timeline",
            status="queued",
            priority=priority,
            attempt=1,
            input_props={},
            output_settings={},
            progress=Progress(),
            output=None,
            error=None,
            cache={},
            metadata={},
            webhook_url=None,
            supersede_key=None,
            idempotency_key=None,
            request_hash=None,
            created_by="test",
            created_at=now,
            started_at=None,
            completed_at=None,
            updated_at=now,
            deadline_at=None,
            key_id=key_id,
        )
        await renders.insert(self.db, render)
        await self.prepare_step(render, cost=cost, requires=requires)
        return render.id

    async def prepare_step(self, render: Render, *, cost: float = 1.0, requires: Sequence[str] = ()) -> None:
        """The first step of a render's present attempt."""
        step = NewStep(new_id("stp"), "prepare", 0, "queued", cost, requires=tuple(requires))
        ageing_s = self.ctx.settings.ageing_s
        await steps.insert(self.db, render, PRIORITY_CLASS[render.priority], [step], ageing_s=ageing_s)

    async def worker(self, *, slots: int = 1, offers: Sequence[str] = ()) -> str:
        """A worker that lives."""
        worker_id = new_id("wrk")
        await workers.register(self.db, worker_id, host="test", pid=1, slots=slots, offers=offers)
        return worker_id

    async def plan(self, claim: Claim, *, segments: int = 2) -> None:
        """End a prepare step with a plan of so many segments, a sound track and their assembly."""
        new = [NewStep(new_id("stp"), "segment", n, "queued", 10.0) for n in range(segments)]
        new.append(NewStep(new_id("stp"), "audio", 0, "queued", 1.0))
        new.append(NewStep(new_id("stp"), "assemble", 0, "blocked", 1.0))
        await store_plan(
            self.ctx, claim, {}, new, cache=views.CacheView(segments=segments), progress=Progress(stage="encoding")
        )

    async def expire_leases(self) -> None:
        """Let every lease run out now, as if all the workers had been silent."""
        await self.db.execute("UPDATE steps SET lease_expires_at = now() - interval '1 s' WHERE token IS NOT NULL")
        await self.db.execute("UPDATE dispatches SET lease_expires_at = now() - interval '1 s'")

    async def end_dispatched(self) -> dict[str, str]:
        """End the steps that are dispatched, as if their workers had done them at once; their renders, by step."""
        rows = await self.db.fetch(
            "WITH ended AS (DELETE FROM dispatches RETURNING step_id, attempt)"
            " UPDATE steps SET status = 'completed', attempt = ended.attempt FROM ended WHERE id = step_id"
            " RETURNING id, render_id"
        )
        return {row["id"]: row["render_id"] for row in rows}

    async def due(self) -> None:
        """Let every step that waits for its next try be due now."""
        await self.db.execute("UPDATE steps SET not_before = NULL WHERE not_before IS NOT NULL")

    async def status(self, render_id: str) -> str:
        """Where a render is."""
        found = await renders.get(self.db, render_id)
        assert found is not None
        return found.status


def claim_of(dispatch: Dispatch) -> Claim:
    """The claim that a dispatch gives."""
    return Claim(dispatch.step_id, dispatch.attempt, dispatch.token, dispatch.worker_id)


@contextlib.asynccontextmanager
async def open_backlog(database_url: str, **settings: Any) -> AsyncIterator[Backlog]:
    """A backlog over a database, with a bus that says nothing, no storage and no secrets."""
    db = Database(database_url)
    await db.open()
    try:
        yield Backlog(
            Context(
                settings=Settings(database_url=database_url, **settings),
                db=db,
                storage=cast(Any, None),
                bus=cast(Bus, SilentBus()),
                tokens=cast(Any, None),
                limiter=cast(Any, None),
                outbound=cast(Any, None),
            )
        )
    finally:
        await db.close()

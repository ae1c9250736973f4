"""Callers, schedulers and workers without processes or media: what they do to renders, by the services, a call each."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from renderowl.db import projects
from renderowl.db.steps import NewStep
from renderowl.domain.errors import Conflict
from renderowl.domain.events import Progress
from renderowl.domain.ids import new_id
from renderowl.domain.records import Claim, Principal
from renderowl.services import renders, steps, views
from renderowl.services.asking import RenderRequest
from renderowl.services.context import Context
from renderowl.services.dispatching import dispatch
from renderowl.services.reaping import reap
from renderowl.services.steps import Fenced
from renderowl.testing import books
from renderowl.testing.backlog import MemoryQueue, claim_of
from renderowl.testing.books import Books, RenderRow

MOST_RENDERS: Final = 6
SPEC: Final = {
    "width": 64,
    "height": 36,
    "fps": 25,
    "tracks": [{"clips": [{"type": "color", "color": "#336699", "duration": 1}]}],
}


class Troupe:
    """All who take part, over a database that is theirs alone. `books` are those after the last act."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.queue = MemoryQueue()
        self.taken = 0
        self.claims: list[Claim] = []
        """Every claim that was ever given, the oldest first."""
        self.workers: list[str] = []
        self.slots: dict[str, int] = {}
        self.books = Books({}, {}, [], {})
        self.user_id, self.project_ids = new_id("usr"), [new_id("prj"), new_id("prj")]
        self.caller = Principal(self.user_id, frozenset({"read", "write"}), kind="key", credential_id="key_test")

    async def _begin(self) -> None:
        """Empty the database, make the projects and let two workers join."""
        await self.ctx.db.execute(
            "TRUNCATE users, projects, renders, steps, dispatches, events, workers, project_queues CASCADE"
        )
        await self.ctx.db.execute("UPDATE queue_classes SET vtime = 0")
        await self.ctx.db.execute("INSERT INTO users (id, email) VALUES ($1, $1)", self.user_id)
        for project_id in self.project_ids:
            await projects.insert(
                self.ctx.db, project_id=project_id, owner_id=self.user_id, name="m", description=None, settings={}
            )
        for _ in range(2):
            await self._join(2)
        self.books = await books.read(self.ctx.db)

    async def _join(self, slots: int) -> None:
        worker_id = new_id("wrk")
        await steps.register_worker(self.ctx, worker_id, host="test", pid=1, slots=slots, offers=())
        self.workers.append(worker_id)
        self.slots[worker_id] = slots

    def _render(self, n: int) -> RenderRow:
        return list(self.books.renders.values())[n % len(self.books.renders)]

    def _claim(self, n: int) -> Claim:
        return self.claims[-1 - n % len(self.claims)]

    def _running(self, n: int) -> Claim:
        running = [one for one in self.claims if self.books.is_running(one)]
        return running[n % len(running)]

    def _new_claims(self) -> list[Claim]:
        new = [claim_of(one) for one in self.queue.sent[self.taken :]]
        self.taken = len(self.queue.sent)
        self.claims += new
        return new

    async def _together(self, *work: Coroutine[Any, Any, Any]) -> None:
        """All at once; one that is fenced, or comes too late to be obeyed, has lost a race."""
        for result in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, Fenced | Conflict):
                raise result

    async def _admit(self, schedulers: int) -> None:
        await self._together(*(dispatch(self.ctx, self.queue) for _ in range(schedulers)))

    async def _cancel(self, render: RenderRow) -> bool:
        try:
            await renders.cancel(self.ctx, self.caller, render.project_id, render.id)
        except Conflict:
            return False
        return True

    async def _retry(self, render: RenderRow) -> None:
        await renders.retry(self.ctx, self.caller, render.project_id, render.id)

    async def _supersede(self, render: RenderRow) -> None:
        if len(self.books.renders) < MOST_RENDERS:
            request = RenderRequest("timeline", SPEC, supersede_key="a")
            await renders.submit(self.ctx, self.caller, render.project_id, request)

    async def _begin_all(self) -> None:
        now = await books.read(self.ctx.db)
        await self._together(*(steps.begin(self.ctx, claim) for claim in self.claims if now.is_dispatched(claim)))

    async def _finish_all(self, segments: int, percents: list[float]) -> None:
        running = [claim for claim in self.claims if self.books.is_running(claim)]
        await self._together(
            *(self._finish(claim, segments, percents[n % len(percents)]) for n, claim in enumerate(running))
        )

    async def _due(self) -> None:
        await self.ctx.db.execute("UPDATE steps SET not_before = NULL, ages_at = now() WHERE status = 'queued'")

    async def _lapse(self, claim: Claim | None = None) -> None:
        """The time of one claim's lease, or of all leases, is up."""
        for table, name in (("steps", "id"), ("dispatches", "step_id")):
            await self.ctx.db.execute(
                f"UPDATE {table} SET lease_expires_at = now() - interval '1 s'"
                f" WHERE lease_expires_at IS NOT NULL AND ($1::text IS NULL OR {name} = $1)",
                None if claim is None else claim.step_id,
            )

    async def _lapse_and_reap(self, claim: Claim) -> None:
        await self._lapse(claim)
        await reap(self.ctx)

    async def _finish(self, claim: Claim, segments: int, percent: float) -> None:
        kind = await self.ctx.db.fetch_value("SELECT kind FROM steps WHERE id = $1", claim.step_id)
        progress = Progress(percent=round(100 * percent, 1), stage="encoding")
        if kind == "prepare" and segments:
            new = [NewStep(new_id("stp"), "segment", n, "queued", 10.0) for n in range(segments)]
            new.append(NewStep(new_id("stp"), "audio", 0, "queued", 1.0))
            new.append(NewStep(new_id("stp"), "assemble", 0, "blocked", 1.0))
            started = Progress(stage="encoding")
            await steps.store_plan(self.ctx, claim, {}, new, cache=views.CacheView(segments=segments), progress=started)
        elif kind in ("prepare", "assemble"):
            done = Progress(percent=100.0, stage="completed")
            await steps.complete_render(self.ctx, claim, {"outputs": []}, done)
        else:
            await steps.complete_step(self.ctx, claim, {}, progress)

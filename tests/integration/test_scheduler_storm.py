"""A seeded storm: schedulers, reapers, workers that fail, vanish and come back, callers that cancel and retry.

Whatever the order, every render ends once in each attempt, in one end, and nothing of it is left alive. The pauses only
give the others a turn; nothing is waited for by time.
"""

import asyncio
import random

import pytest

from renderowl.db import renders
from renderowl.domain.errors import Interrupted, RenderOwlError, SourceUnavailable, Stalled
from renderowl.domain.events import Progress
from renderowl.domain.records import Claim
from renderowl.services.dispatching import dispatch
from renderowl.services.ending import end_render
from renderowl.services.reaping import reap
from renderowl.services.steps import Fenced, begin, complete_render, complete_step, fail_step, heartbeat
from renderowl.testing.backlog import Backlog, claim_of, open_backlog

RENDERS = 40
WORKERS = 4


class Storm:
    def __init__(self, backlog: Backlog, seed: int) -> None:
        self.backlog = backlog
        self.ctx = backlog.ctx
        self.random = random.Random(seed)
        self.zombies: list[tuple[Claim, str]] = []
        self.calm = False

    async def work(self, worker_id: str) -> None:
        """A worker that takes what it is sent and does something with it, now and then nothing."""
        while True:
            claim = claim_of(await self.backlog.queue.by_worker[worker_id].get())
            try:
                if not self.calm and self.random.random() < 0.1:
                    continue  # lost before it was begun
                work = await begin(self.ctx, claim)
                if not self.calm and self.random.random() < 0.15:
                    self.zombies.append((claim, work.step.kind))
                    continue  # a killed worker, or one that is only asleep
                await self.finish(claim, work.step.kind)
            except Fenced:
                continue

    async def finish(self, claim: Claim, kind: str) -> None:
        if not self.calm and self.random.random() < 0.25:
            errors: list[type[RenderOwlError]] = [SourceUnavailable, Stalled, Interrupted]
            await fail_step(self.ctx, claim, self.random.choice(errors)())
        elif kind == "prepare" and self.random.random() < 0.7:
            await self.backlog.plan(claim, segments=self.random.randint(1, 3))
        elif kind in ("prepare", "assemble"):
            await complete_render(self.ctx, claim, {"outputs": []}, Progress(percent=100))
        else:
            await complete_step(self.ctx, claim, {}, Progress(percent=50))

    async def schedule(self) -> None:
        while True:
            await dispatch(self.ctx, self.backlog.queue)
            await asyncio.sleep(0)

    async def reap(self) -> None:
        while True:
            if self.random.random() < 0.3:
                await self.backlog.expire_leases()
            await self.backlog.due()
            await reap(self.ctx)
            await asyncio.sleep(0)

    async def beat(self, worker_id: str) -> None:
        while True:
            tokens = [claim.token for claim, _ in self.zombies if claim.worker_id == worker_id]
            await heartbeat(self.ctx, worker_id, tokens)
            await asyncio.sleep(0.01)

    async def wake_zombies(self) -> None:
        """Those who slept come back and try to write."""
        while True:
            await asyncio.sleep(0.005)
            if self.zombies:
                claim, kind = self.zombies.pop(self.random.randrange(len(self.zombies)))
                try:
                    await self.finish(claim, kind)
                except Fenced:
                    continue

    async def meddle(self, render_ids: list[str]) -> None:
        """Callers who cancel and retry at any moment."""
        for _ in range(RENDERS * 2):
            await asyncio.sleep(0.005)
            render_id = self.random.choice(render_ids)
            async with self.backlog.db.transaction() as tx:
                render = await renders.get(self.backlog.db, render_id, lock=True)
                assert render is not None
                if render.status == "failed":
                    again = await renders.set_status(self.backlog.db, render_id, "queued", progress=Progress())
                    assert again is not None
                    await self.backlog.prepare_step(again)
                elif self.random.random() < 0.4:
                    cancelled = await renders.set_status(self.backlog.db, render_id, "cancelled")
                    if cancelled is not None:
                        await end_render(self.ctx, tx, cancelled)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_attempt_ends_once_whatever_happens(database_url: str, seed: int) -> None:
    async with open_backlog(database_url) as backlog:
        storm = Storm(backlog, seed)
        projects = [await backlog.project() for _ in range(3)]
        render_ids = [await backlog.render(storm.random.choice(projects)) for _ in range(RENDERS)]
        workers = [await backlog.worker(slots=4) for _ in range(WORKERS)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [group.create_task(storm.work(one)) for one in workers]
            tasks += [group.create_task(storm.beat(one)) for one in workers]
            tasks += [group.create_task(one) for one in (storm.schedule(), storm.schedule(), storm.reap())]
            tasks.append(group.create_task(storm.wake_zombies()))
            await storm.meddle(render_ids)
            storm.calm = True
            while await backlog.db.fetch_value(
                "SELECT 1 FROM renders WHERE status IN ('queued', 'processing') LIMIT 1"
            ):
                await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
        await _prove(backlog, render_ids)


async def _prove(backlog: Backlog, render_ids: list[str]) -> None:
    live = await backlog.db.fetch_value(
        "SELECT count(*) FROM steps WHERE status IN ('blocked', 'queued', 'dispatched', 'running')"
    )
    assert live == 0
    rows = await backlog.db.fetch(
        "SELECT render_id, attempt, array_agg(type ORDER BY seq) AS types FROM events GROUP BY 1, 2"
    )
    by_render: dict[str, dict[int, list[str]]] = {}
    for row in rows:
        by_render.setdefault(row["render_id"], {})[row["attempt"]] = row["types"]
    for render_id in render_ids:
        render = await renders.get(backlog.db, render_id)
        assert render is not None
        attempts = by_render[render_id]
        assert sorted(attempts) == list(range(1, render.attempt + 1))
        for attempt, types in attempts.items():
            ends = [one for one in types if one in ("render.completed", "render.failed", "render.cancelled")]
            expected = render.status if attempt == render.attempt else "failed"
            assert ends[-1:] == types[-1:], "nothing is told after the end"
            assert ends == [f"render.{expected}"]

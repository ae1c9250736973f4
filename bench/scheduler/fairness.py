"""What 50 small projects wait beside one that has queued 10,000 steps, against what they would wait alone."""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import paths  # noqa: F401 - makes bench/ importable
from house import SCHEDULER, WORKER, Ground, ground
from results import median, percentile, save

from renderowl.app import open_context
from renderowl.db import projects, renders, steps
from renderowl.db.steps import NewStep
from renderowl.domain.events import Progress
from renderowl.domain.ids import new_id
from renderowl.domain.lifecycle import PRIORITY_CLASS
from renderowl.domain.records import Render
from renderowl.services.callers import BOOTSTRAP_USER, ensure_bootstrap_user
from renderowl.services.context import Context
from renderowl.settings import load

GOAL: Final = 2.0
WORK_S: Final = "0.02"
SMALL: Final = 50
EACH: Final = 10


async def queue(ctx: Context, count: int) -> str:
    """A project with so many queued steps of one render, each given its place as services give it."""
    project_id, now = new_id("prj"), datetime.now(UTC)
    fields: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(Render) if field.required}
    fields |= {"id": new_id("rnd"), "project_id": project_id, "composition_id": "timeline", "priority": "normal"}
    fields |= {"status": "processing", "attempt": 1, "input_props": {}, "output_settings": {}, "progress": Progress()}
    fields |= {
        "cache": {},
        "metadata": {},
        "requires": [],
        "created_by": BOOTSTRAP_USER,
        "created_at": now,
        "updated_at": now,
    }
    render = Render(**fields)
    new = [NewStep(new_id("stp"), "segment", n, "queued", 1.0) for n in range(count)]
    async with ctx.db.transaction():
        await projects.insert(
            ctx.db, project_id=project_id, owner_id=BOOTSTRAP_USER, name="bench", description=None, settings={}
        )
        await renders.insert(ctx.db, render)
        await steps.insert(ctx.db, render, PRIORITY_CLASS[render.priority], new, ageing_s=0)
    return project_id


async def arrive(on: Ground, big: int) -> list[str]:
    """Queue the big project's steps, let it be served for a while, then queue those of the small ones."""
    async with open_context(load(on.environment)) as ctx:
        await ensure_bootstrap_user(ctx.db)
        if big:
            await queue(ctx, big)
            await ctx.bus.wake_scheduler()
            assert await asyncio.to_thread(on.until, 100, 60), "the big project is not served"
        small = [await queue(ctx, EACH) for _ in range(SMALL)]
        await ctx.bus.wake_scheduler()
        return small


def waits(on: Ground, big: int) -> list[float]:
    """Seconds that each step of the small projects waited until its start."""
    on.clear()
    with on.process(SCHEDULER), on.process(WORKER, BENCH_WORK_S=WORK_S):
        small = asyncio.run(arrive(on, big))
        ids = ",".join(f"'{project_id}'" for project_id in small)
        while on.sql(f"SELECT 1 FROM steps WHERE project_id IN ({ids}) AND started_at IS NULL LIMIT 1"):
            pass
        rows = on.sql(
            f"SELECT extract(epoch FROM started_at - queued_at)::float AS s FROM steps WHERE project_id IN ({ids})"
        )
    return [row["s"] for row in rows]


def measure(big: int, rounds: int) -> None:
    """Alone and beside the big one, in turns."""
    alone: list[float] = []
    beside: list[float] = []
    with ground() as on:
        for _ in range(rounds):
            alone += waits(on, 0)
            beside += waits(on, big)
    save(
        "scheduler_fairness",
        title=f"Waiting beside a project of {big:,} queued steps, against waiting alone",
        goal=GOAL,
        result=percentile(beside, 0.95) / percentile(alone, 0.95),
        unit="x",
        meaning=(
            f"p95 of the time from queued to started of {SMALL} projects with {EACH} steps of {WORK_S} s each, {rounds} rounds "
            "in turns, one worker of 10 slots; the big project had been served for a while when they came"
        ),
        alone_s={"p50": median(alone), "p95": percentile(alone, 0.95), "max": max(alone)},
        beside_s={"p50": median(beside), "p95": percentile(beside, 0.95), "max": max(beside)},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    measure(chosen.big, chosen.rounds)

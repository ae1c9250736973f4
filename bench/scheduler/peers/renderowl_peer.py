"""RenderOwl's own steps: a worker's agent whose steps do nothing but begin, wait and end, as rows and under leases.

`renderowl_peer.py worker` or `renderowl_peer.py enqueue <count>`; the scheduler is `renderowl scheduler`.
"""

import asyncio
import sys
from typing import Final

import redis.asyncio
from job import BEGUN, REDIS, RUNS, SLOTS, WORK_S

from renderowl import settings as settings_module
from renderowl.actors.worker_agent import WorkerAgent, run_until_signalled
from renderowl.app import open_context
from renderowl.db import projects
from renderowl.domain.ids import new_id
from renderowl.domain.records import Claim
from renderowl.queue.arq import ArqReceiver
from renderowl.services import logs, steps
from renderowl.services.callers import BOOTSTRAP_USER, ensure_bootstrap_user
from renderowl.services.stopping import StopSignal

RENDERS: Final = 50
client = redis.asyncio.Redis.from_url(REDIS)


async def run() -> None:
    settings = settings_module.load()
    logs.configure(settings)
    async with open_context(settings) as ctx:

        async def execute(claim: Claim, signal: StopSignal) -> None:
            work = await steps.begin(ctx, claim)
            if WORK_S:
                await client.incr(BEGUN)
                await asyncio.sleep(WORK_S)
            await client.hincrby(RUNS, work.step.id, 1)
            await steps.complete_step(ctx, claim, {}, None)

        worker_id = new_id("wrk")
        receiver = ArqReceiver(settings.redis_url, worker_id, slots=SLOTS)
        await run_until_signalled(
            WorkerAgent(ctx, worker_id, slots=SLOTS, offers=(), execute=execute, receiver=receiver)
        )


async def enqueue(count: int) -> None:
    """Queued segment steps of `RENDERS` renders in turns, in one transaction, and the hint that follows a commit."""
    async with open_context(settings_module.load()) as ctx:
        project_id = new_id("prj")
        await ensure_bootstrap_user(ctx.db)
        async with ctx.db.transaction():
            await projects.insert(
                ctx.db, project_id=project_id, owner_id=BOOTSTRAP_USER, name="bench", description=None, settings={}
            )
            await ctx.db.execute(
                "INSERT INTO renders (id, project_id, composition_id, status, input_props, output_settings, created_by)"
                " SELECT 'rnd_' || n, $1, 'timeline', 'processing', '{}', '{}', 'usr' FROM generate_series(0, $2 - 1) n",
                project_id,
                RENDERS,
            )
            await ctx.db.execute(
                "INSERT INTO steps (id, render_id, project_id, render_attempt, kind, ordinal, status, priority_class, vtime,"
                " cost) SELECT 'stp_' || n, 'rnd_' || n % $3, $1, 1, 'segment', n, 'queued', 2, n, 1"
                " FROM generate_series(0, $2 - 1) n",
                project_id,
                count,
                RENDERS,
            )
        await ctx.bus.wake_scheduler()


if __name__ == "__main__":
    asyncio.run(run() if sys.argv[1] == "worker" else enqueue(int(sys.argv[2])))

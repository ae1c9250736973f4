"""How long a queued step waits for a worker that has a free slot: from its row's commit to its start."""

import argparse
import asyncio
import random
from typing import Final

import paths  # noqa: F401 - makes bench/ importable
from house import SCHEDULER, WORKER, Ground, ground
from results import percentile, save

from renderowl.app import open_context
from renderowl.settings import load

GOAL_MS: Final = 100.0
EVERY_S: Final = 0.1
"""On average: at random times, so that no tick or poll is met by design."""


async def trickle(on: Ground, count: int) -> None:
    """Queue steps one at a time, each followed by the hint that follows a commit."""
    steps = await asyncio.to_thread(on.sql, "SELECT id FROM steps ORDER BY id")
    async with open_context(load(on.environment)) as ctx:
        for row in steps[:count]:
            await asyncio.sleep(random.uniform(0, 2 * EVERY_S))
            await ctx.db.execute("UPDATE steps SET status = 'queued', queued_at = now() WHERE id = $1", row["id"])
            await ctx.bus.wake_scheduler()


def measure(count: int) -> None:
    """Let steps become due one by one in front of an idle worker."""
    with ground() as on:
        on.run([*WORKER[:-1], "enqueue", str(count)])
        on.sql("UPDATE steps SET status = 'blocked'; ANALYZE")
        with on.process(SCHEDULER), on.process(WORKER):
            while not on.sql("SELECT 1 FROM workers"):
                pass
            asyncio.run(trickle(on, count))
            assert on.until(count, 30), f"{on.done()} of {count} were done"
        rows = on.sql("SELECT extract(epoch FROM started_at - queued_at)::float * 1000 AS ms FROM steps")
    waits = [row["ms"] for row in rows]
    save(
        "scheduler_latency",
        title="A row's commit to the worker's start of the step, p95, free slots",
        goal=GOAL_MS,
        result=percentile(waits, 0.95),
        unit="ms",
        meaning=(
            f"`started_at - queued_at` by Postgres' clock of {count} steps that became due at random times; on the way are "
            "the hint, the admission, arq and the worker's claim"
        ),
        p50_ms=percentile(waits, 0.5),
        p99_ms=percentile(waits, 0.99),
        waits_ms=waits,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    measure(parser.parse_args().steps)

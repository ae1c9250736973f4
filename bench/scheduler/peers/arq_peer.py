"""Plain arq: `arq_peer.py worker [poll delay in s]` or `arq_peer.py enqueue <count>`."""

import asyncio
import sys
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func
from job import BEGUN, REDIS, RUNS, SLOTS, WORK_S


async def work(ctx: dict[str, Any], n: int) -> None:
    if WORK_S:
        await ctx["redis"].incr(BEGUN)
        await asyncio.sleep(WORK_S)
    await ctx["redis"].hincrby(RUNS, n, 1)


async def enqueue(count: int) -> None:
    pool = await create_pool(RedisSettings.from_dsn(REDIS))
    for n in range(count):
        await pool.enqueue_job("work", n)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        delay = {"poll_delay": float(sys.argv[2])} if len(sys.argv) > 2 else {}
        Worker(
            [func(work, name="work")],
            redis_settings=RedisSettings.from_dsn(REDIS),
            max_jobs=SLOTS,
            keep_result=0,
            **delay,
        ).run()
    else:
        asyncio.run(enqueue(int(sys.argv[2])))

"""SAQ as it comes: `saq_peer.py worker` or `saq_peer.py enqueue <count>`."""

import asyncio
import sys
from typing import Any

import redis.asyncio
from job import BEGUN, REDIS, RUNS, SLOTS, WORK_S
from saq import Queue, Worker

client = redis.asyncio.Redis.from_url(REDIS)


async def work(ctx: dict[str, Any], *, n: int) -> None:
    if WORK_S:
        await client.incr(BEGUN)
        await asyncio.sleep(WORK_S)
    await client.hincrby(RUNS, n, 1)


async def enqueue(count: int) -> None:
    queue = Queue.from_url(REDIS)
    for n in range(count):
        await queue.enqueue("work", n=n)
    await queue.disconnect()


async def run() -> None:
    await Worker(Queue.from_url(REDIS), functions=[work], concurrency=SLOTS).start()


if __name__ == "__main__":
    asyncio.run(run() if sys.argv[1] == "worker" else enqueue(int(sys.argv[2])))

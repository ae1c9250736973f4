"""Dramatiq as it comes, threads for slots: `dramatiq dramatiq_peer` is its worker; `dramatiq_peer.py enqueue <count>`."""

import sys
import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from job import BEGUN, REDIS, RUNS, WORK_S

dramatiq.set_broker(RedisBroker(url=REDIS))
client = redis.Redis.from_url(REDIS)


@dramatiq.actor
def work(n: int) -> None:
    if WORK_S:
        client.incr(BEGUN)
        time.sleep(WORK_S)
    client.hincrby(RUNS, n, 1)


if __name__ == "__main__":
    for n in range(int(sys.argv[2])):
        work.send(n)

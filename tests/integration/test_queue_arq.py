"""The queue over arq on a real Valkey."""

import asyncio

import pytest
import redis.asyncio

from renderowl.queue.arq import ArqQueue, ArqReceiver, queue_name
from renderowl.queue.base import Dispatch, QueueUnavailable


def _dispatch(name: str, *, attempt: int = 1, worker_id: str = "wrk_a") -> Dispatch:
    return Dispatch(f"stp_{name}", attempt, f"token-{name}-{attempt}", worker_id)


class Inbox:
    """What a worker receives."""

    def __init__(self, redis_url: str, worker_id: str = "wrk_a") -> None:
        self.receiver = ArqReceiver(redis_url, worker_id, slots=2)
        self.arrived: asyncio.Queue[Dispatch] = asyncio.Queue()
        self.task = asyncio.create_task(self.receiver.receive(self.arrived.put))

    async def next(self) -> Dispatch:
        return await asyncio.wait_for(self.arrived.get(), 5)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_each_worker_gets_its_own_dispatches_once(redis_url: str) -> None:
    queue, first, second = ArqQueue(redis_url), Inbox(redis_url), Inbox(redis_url, "wrk_b")
    await queue.send([_dispatch("1"), _dispatch("2", worker_id="wrk_b"), _dispatch("1")])
    assert await first.next() == _dispatch("1")
    assert await second.next() == _dispatch("2", worker_id="wrk_b")
    await queue.send([_dispatch("1", attempt=2)])
    assert await first.next() == _dispatch("1", attempt=2)
    assert first.arrived.empty()
    for part in (first, second, queue):
        await part.close()


async def test_what_was_sent_before_the_worker_came_is_waiting_for_it(redis_url: str) -> None:
    queue = ArqQueue(redis_url)
    await queue.send([_dispatch(str(n)) for n in range(5)])
    inbox = Inbox(redis_url)
    assert {(await inbox.next()).step_id for _ in range(5)} == {f"stp_{n}" for n in range(5)}
    await inbox.close()
    await queue.close()


async def test_a_worker_whose_clock_is_hours_behind_gets_its_dispatch_at_once(redis_url: str) -> None:
    queue, client = ArqQueue(redis_url), redis.asyncio.Redis.from_url(redis_url)
    await queue.send([_dispatch("1")])
    ((_, score),) = await client.zrange(queue_name("wrk_a"), 0, -1, withscores=True)
    assert score <= 1000, "due long ago by any clock"
    assert 0 < await client.ttl(queue_name("wrk_a")) <= 3600
    await client.aclose()
    await queue.close()


async def test_nothing_is_left_in_redis_of_what_was_received_or_of_a_worker_that_left(redis_url: str) -> None:
    queue, inbox = ArqQueue(redis_url), Inbox(redis_url)
    await queue.send([_dispatch("1")])
    await inbox.next()
    client = redis.asyncio.Redis.from_url(redis_url)

    async def gone() -> None:
        while await client.keys("arq:job:*"):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(gone(), 5)
    await inbox.close()
    await inbox.receiver.forget()
    assert await client.keys("arq:*") == []
    await client.aclose()
    await queue.close()


async def test_messages_are_json(redis_url: str) -> None:
    queue, client = ArqQueue(redis_url), redis.asyncio.Redis.from_url(redis_url)
    await queue.send([_dispatch("1")])
    (key,) = await client.keys("arq:job:*")
    assert (await client.get(key)).startswith(b"{")
    await client.aclose()
    await queue.close()


async def test_without_redis_both_sides_say_so() -> None:
    nowhere = "redis://127.0.0.1:1/0"
    queue = ArqQueue(nowhere)
    with pytest.raises(QueueUnavailable):
        await queue.send([_dispatch("1")])
    with pytest.raises(QueueUnavailable):
        await Inbox(nowhere).task
    await queue.close()

"""The queue over arq: one Redis queue per worker, carrying dispatches and nothing else.

arq is a transport here: a job only hands its dispatch over and ends at once, so a killed worker leaves no job "in
progress", and retries, cancellation and results of arq are all switched off. Leases in Postgres do that work.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from renderowl.queue.base import Dispatch, QueueUnavailable

if TYPE_CHECKING:
    from arq.typing import WorkerCoroutine

POLL_S: Final = 0.5
"""A worker looks into its queue this often; a hint that something was sent makes it look at once."""
DISPATCH_TTL_S: Final = 60.0
"""A dispatch that lies longer is dropped; its lease in Postgres has run out long before."""
QUEUE_TTL_S: Final = 3600
"""A dead worker's queue disappears by itself."""

_FUNCTION: Final = "start_step"
_LONG_AGO: Final = datetime.fromtimestamp(1, UTC)
"""Every dispatch is due at once by any clock: arq compares the sender's with the worker's."""


def queue_name(worker_id: str) -> str:
    """The Redis key of a worker's own queue."""
    return f"arq:queue:w:{worker_id}"


def _hints_of(name: str) -> str:
    """The channel that says that something was put into a queue."""
    return f"{name}:hints"


def _connect(url: str) -> ArqRedis:
    pool = ConnectionPool.from_url(url, socket_connect_timeout=5.0, socket_timeout=10.0)
    return ArqRedis(pool, job_serializer=msgspec.json.encode, job_deserializer=msgspec.json.decode)


class ArqQueue:
    """Sends dispatches. Raises QueueUnavailable while Redis is away."""

    def __init__(self, url: str) -> None:
        self._redis = _connect(url)

    async def send(self, dispatches: list[Dispatch]) -> None:
        """Hand these dispatches to their workers' queues; one that is already there is not sent twice."""
        try:
            for dispatch in dispatches:
                await self._redis.enqueue_job(
                    _FUNCTION,
                    msgspec.to_builtins(dispatch),
                    _job_id=f"{dispatch.step_id}:{dispatch.attempt}",
                    _queue_name=queue_name(dispatch.worker_id),
                    _defer_until=_LONG_AGO,
                    _expires=DISPATCH_TTL_S,
                )
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in {queue_name(dispatch.worker_id) for dispatch in dispatches}:
                    pipe.expire(name, QUEUE_TTL_S)
                    pipe.publish(_hints_of(name), b"")
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue cannot be reached: {error}") from error

    async def close(self) -> None:
        """Free connections."""
        await self._redis.aclose(close_connection_pool=True)


class ArqReceiver:
    """The worker's side: hands over every dispatch that arrives in its own queue."""

    def __init__(self, url: str, worker_id: str, *, slots: int) -> None:
        self._url = url
        self._worker_id = worker_id
        self._slots = slots

    async def receive(self, deliver: Callable[[Dispatch], Awaitable[None]]) -> None:
        """Call `deliver` for each dispatch until cancelled. Raises QueueUnavailable when Redis goes away: call again."""
        redis = _connect(self._url)
        worker = _worker(redis, queue_name(self._worker_id), deliver, self._slots)
        try:
            await worker.main()
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue cannot be reached: {error}") from error
        finally:
            for task in worker.tasks.values():
                task.cancel()
            await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
            await redis.aclose(close_connection_pool=True)

    async def forget(self) -> None:
        """Remove the queue of a worker that has stopped; what lay in it has been given back in Postgres."""
        redis = _connect(self._url)
        name = queue_name(self._worker_id)
        with contextlib.suppress(RedisError, OSError):
            await redis.delete(name, f"{name}:health-check")
        await redis.aclose(close_connection_pool=True)


class _HintedWorker(Worker):
    """arq's worker, but it looks into its queue as soon as something was put there, and seldom otherwise."""

    async def main(self) -> None:
        """Hand over jobs until cancelled. In the place of arq's own loop, which sleeps between two looks.

        On Python 3.11 a cancellation can get lost in redis-py, in `asyncio.wait_for` around a write that has just
        succeeded: the task still knows of it.
        """
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        self.ctx["redis"] = self.pool
        async with self.pool.pubsub(ignore_subscribe_messages=True) as hints:
            await hints.subscribe(_hints_of(self.queue_name))
            while not task.cancelling():
                await self._poll_iteration()
                hint = await hints.get_message(timeout=POLL_S)
                while hint is not None:  # several say no more than one
                    hint = await hints.get_message(timeout=0.0)
        raise asyncio.CancelledError


def _worker(redis: ArqRedis, name: str, deliver: Callable[[Dispatch], Awaitable[None]], slots: int) -> Worker:
    async def start_step(_ctx: dict[Any, Any], message: dict[str, Any]) -> None:
        await deliver(msgspec.convert(message, Dispatch))

    return _HintedWorker(
        [func(cast("WorkerCoroutine", start_step), name=_FUNCTION)],
        queue_name=name,
        redis_pool=redis,
        handle_signals=False,
        max_jobs=slots,
        job_timeout=30,
        keep_result=0,
        max_tries=1,
        retry_jobs=False,
        allow_abort_jobs=False,
        log_results=False,
        job_serializer=msgspec.json.encode,
        job_deserializer=msgspec.json.decode,
    )

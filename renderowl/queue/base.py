"""The queue port: how a dispatched step reaches its worker. It carries and never decides; a loss costs only time."""

from typing import Protocol

import msgspec


class Dispatch(msgspec.Struct, frozen=True):
    """The message that tells a worker to start a step it was given by the scheduler's transaction.

    `trace` is the traceparent of that giving, when traces are collected.
    """

    step_id: str
    attempt: int
    token: str
    worker_id: str
    trace: str | None = None


class QueueUnavailable(ConnectionError):
    """The queue cannot be reached now; what was to be sent is dispatched again later."""


class Queue(Protocol):
    """Delivers dispatches to workers, each to its own, at least once while Redis lives."""

    async def send(self, dispatches: list[Dispatch]) -> None:
        """Hand these dispatches to their workers' queues; one that is already there is not sent twice.

        Raises QueueUnavailable.
        """
        ...

    async def close(self) -> None:
        """Free connections."""
        ...

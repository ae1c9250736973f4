"""Many questions of the same moment asked as one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

FREE: Final = 4
"""So many rounds may follow each other at once."""
GATHER_S: Final = 0.25
"""Further ones begin so far apart: after a deploy a thousand members come back one by one, within seconds."""

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")


class Batch(Generic[Question, Answer]):
    """Collects questions while the ones before are being answered; equal ones are asked once.

    A lone question is asked at once. When a thousand come, each round answers all that came meanwhile.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]]) -> None:
        self._answer = answer
        self._waiting: dict[Question, asyncio.Future[Answer]] = {}
        self._running: asyncio.Task[None] | None = None
        self._next_at = 0.0

    async def ask(self, question: Question) -> Answer:
        """The answer, from a round that begins after this call. Raises what stands for it, or what the round raised."""
        future = self._waiting.get(question)
        if future is None:
            future = self._waiting[question] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._pause_s())  # whoever comes in this turn of the loop comes along
                asked, self._waiting = self._waiting, {}
                await self._round(asked)
        finally:
            self._running = None

    def _pause_s(self) -> float:
        """How long the next round has to wait by the timetable, which it may be ahead of by some rounds."""
        now = asyncio.get_running_loop().time()
        begins_at = max(now, self._next_at)
        self._next_at = max(self._next_at, now - (FREE - 1) * GATHER_S) + GATHER_S
        return begins_at - now

    async def _round(self, asked: dict[Question, asyncio.Future[Answer]]) -> None:
        try:
            answers = await self._answer(list(asked))
        except Exception as error:
            answers = [error] * len(asked)
        for future, answer in zip(asked.values(), answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
                future.exception()  # nobody may be left who asks for it
            else:
                future.set_result(answer)

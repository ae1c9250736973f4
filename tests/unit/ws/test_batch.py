"""Many questions of the same moment asked as one."""

import asyncio
from collections.abc import Sequence

import pytest

from renderowl.domain.errors import NotFound, Unavailable
from renderowl.ws.batch import FREE, Batch


class Oracle:
    """Answers a number with its double, a negative one with NotFound; every round waits for `gate`."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def answer(self, asked: Sequence[int]) -> list[int | Exception]:
        self.rounds.append(sorted(asked))
        await self.gate.wait()
        if self.broken:
            raise Unavailable
        return [NotFound() if number < 0 else 2 * number for number in asked]


async def test_questions_that_come_together_are_one_round_and_equal_ones_are_one() -> None:
    oracle = Oracle()
    batch = Batch(oracle.answer)
    assert await asyncio.gather(*(batch.ask(number) for number in (1, 2, 1, 3))) == [2, 4, 2, 6]
    assert oracle.rounds == [[1, 2, 3]]


async def test_a_question_is_answered_by_a_round_that_begins_after_it() -> None:
    oracle = Oracle()
    batch = Batch(oracle.answer)
    oracle.gate.clear()
    first = asyncio.ensure_future(batch.ask(1))
    while not oracle.rounds:
        await asyncio.sleep(0)
    later = [asyncio.ensure_future(batch.ask(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    oracle.gate.set()
    assert [await first, *[await one for one in later]] == [2, 2, 4]
    assert oracle.rounds == [[1], [1, 2]]


async def test_a_refusal_is_its_own_and_a_failure_is_everybodys() -> None:
    oracle = Oracle()
    batch = Batch(oracle.answer)
    answers = await asyncio.gather(batch.ask(1), batch.ask(-1), return_exceptions=True)
    assert answers[0] == 2
    assert isinstance(answers[1], NotFound)
    oracle.broken = True
    with pytest.raises(Unavailable):
        await batch.ask(1)
    oracle.broken = False
    assert await batch.ask(1) == 2


async def test_who_stops_waiting_does_not_take_the_answer_from_others() -> None:
    oracle = Oracle()
    batch = Batch(oracle.answer)
    oracle.gate.clear()
    impatient, patient = asyncio.ensure_future(batch.ask(1)), asyncio.ensure_future(batch.ask(1))
    while not oracle.rounds:
        await asyncio.sleep(0)
    impatient.cancel()
    oracle.gate.set()
    assert await patient == 2


async def test_of_a_crowd_that_comes_one_by_one_many_are_asked_about_together() -> None:
    oracle = Oracle()
    batch = Batch(oracle.answer)
    for number in range(FREE):
        await batch.ask(number)
    crowd = []
    for number in range(FREE, 2 * FREE):
        crowd.append(asyncio.ensure_future(batch.ask(number)))
        await asyncio.sleep(0)
    assert await asyncio.gather(*crowd) == [2 * number for number in range(FREE, 2 * FREE)]
    assert oracle.rounds == [*([number] for number in range(FREE)), list(range(FREE, 2 * FREE))]

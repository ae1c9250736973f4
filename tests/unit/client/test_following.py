"""Moving between transports, with transports that are made up: nothing is lost, repeated or waited for in vain."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.client.commands import Command
from renderowl.client.credential import Credential
from renderowl.client.following import Following
from renderowl.client.inbox import LIMIT
from renderowl.client.ladder import RUNGS, End, Fault, Rung, Timing
from renderowl.client.link import Ended, Heard, Joined, Signal
from renderowl.client.messages import Ack, RoomMessage
from renderowl.client.problem import Problem
from renderowl.domain.events import Cursor
from renderowl.testing.signals import until

Mood = Literal["works", "unfit", "away", "mute", "breaks"]
MOODS: Final[tuple[Mood, ...]] = ("works", "unfit", "away", "mute", "breaks")
TIMING: Final = Timing(
    open_s=0.01,
    first_byte_s=0.01,
    silence_s=5.0,
    look_s=0.005,
    backoff_s=(0.0001, 0.001),
    climb_s=(0.002, 0.004),
    deploy_s=0.001,
)


class Network:
    """A room's history, and how each transport to it feels."""

    def __init__(self) -> None:
        self.moods: dict[Rung, Mood] = dict.fromkeys(RUNGS, "works")
        self.top = 0
        self.opened: list[Rung] = []
        self.given: list[str] = []
        self._generation = 0
        self._changed = asyncio.Condition()

    def open(self, rung: Rung, since: Cursor | None) -> "Wire":
        self.opened.append(rung)
        return Wire(self, rung, since)

    async def publish(self) -> None:
        self.top += 1
        await self._notify()

    async def drop(self) -> None:
        self._generation += 1
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def hear(self, rung: Rung, since: Cursor | None) -> AsyncGenerator[Signal]:
        match self.moods[rung]:
            case "unfit":
                raise Ended(End(Fault.UNFIT, "no upgrade"))
            case "away":
                raise Ended(End(Fault.AWAY, "502"))
            case "mute":
                await asyncio.Event().wait()
        generation = self._generation
        yield Joined()
        if self.moods[rung] == "breaks":
            raise Ended(End(Fault.BROKEN, "reset"))
        if since is None:
            yield Heard(RoomMessage("snapshot", seq=self.top), "e")
        seq = self.top if since is None else since.seq
        while True:
            while seq < self.top:
                seq += 1
                yield Heard(RoomMessage("render.queued", seq=seq), "e")
            async with self._changed:
                await self._changed.wait_for(lambda seq=seq: seq < self.top or self._generation != generation)
            if self._generation != generation:
                raise Ended(End(Fault.BROKEN, "reset"))

    async def perform(self, command: Command) -> None:
        self.given.append(command.ref)
        command.done(Ack(command.ref, "rnd_1", "queued"))


class Wire:
    """One transport."""

    def __init__(self, network: Network, rung: Rung, since: Cursor | None) -> None:
        self._signals = network.hear(rung, since)

    def signals(self) -> AsyncGenerator[Signal]:
        return self._signals


def follow(network: Network) -> tuple[Following, asyncio.Task[None]]:
    following = Following(
        network.open, cursor=None, credential=Credential("key"), over_http=network.perform, timing=TIMING
    )
    return following, asyncio.create_task(following.run())


async def hear(following: Following, up_to: int) -> list[RoomMessage]:
    told: list[RoomMessage] = []
    async with asyncio.timeout(20):
        while not told or (told[-1].seq or 0) < up_to:
            item = await following.inbox.next()
            told += [] if item.message is None else [item.message]
    return told


async def reaches(condition: Callable[[], bool]) -> None:
    async def look() -> bool:
        return condition()

    await until(look, every_s=0.001)


Step = tuple[Literal["publish", "drop", "wait"], None] | tuple[Rung, Mood]
steps = st.one_of(
    st.sampled_from([("publish", None), ("drop", None), ("wait", None)]),
    st.tuples(st.sampled_from(RUNGS), st.sampled_from(MOODS)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=25))
def test_any_weather_tells_each_event_once_and_in_order(schedule: list[Step]) -> None:
    async def run() -> None:
        network = Network()
        following, task = follow(network)
        (snapshot,) = await hear(following, 0)
        for what, mood in schedule:
            match what:
                case "publish":
                    await network.publish()
                case "drop":
                    await network.drop()
                case "wait":
                    await asyncio.sleep(0.003)  # weather: time in which a better transport may be tried
                case _:
                    assert mood is not None
                    network.moods[what] = mood
        network.moods = dict.fromkeys(RUNGS, "works")
        await network.publish()
        assert [message.seq for message in await hear(following, network.top)] == list(range(1, network.top + 1))
        assert snapshot.type == "snapshot"
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())


@pytest.mark.parametrize("mood", ["unfit", "mute", "breaks"])
async def test_the_best_transport_is_used_again_when_it_heals(mood: Mood) -> None:
    network = Network()
    network.moods["socket"] = network.moods["stream"] = mood
    following, task = follow(network)
    await hear(following, 0)
    network.moods["socket"] = "works"
    await reaches(lambda: following.link is not None and following.link.rung == "socket")
    await network.publish()
    assert [message.seq for message in await hear(following, 1)] == [1]
    task.cancel()
    await asyncio.wait([task])


async def test_a_command_waits_for_a_connection_and_is_given_over_it() -> None:
    network = Network()
    network.moods = dict.fromkeys(RUNGS, "away")
    following, task = follow(network)
    asked = asyncio.create_task(following.ask(Command("render.create", "k1", data={})))
    await reaches(lambda: len(network.opened) >= 5)
    network.moods["socket"] = "works"
    assert (await asked).render_id == "rnd_1"
    assert network.given == ["k1"]
    task.cancel()
    await asyncio.wait([task])


async def test_a_reader_that_does_not_read_holds_the_connection_and_loses_nothing() -> None:
    network = Network()
    following, task = follow(network)
    await hear(following, 0)
    for _ in range(LIMIT + 50):
        await network.publish()
    await reaches(lambda: following.link is not None and following.link.reader_waits)
    assert [message.seq for message in await hear(following, network.top)] == list(range(1, network.top + 1))
    assert network.opened == ["socket"]
    task.cancel()
    await asyncio.wait([task])


async def test_what_ends_the_room_is_told_to_the_reader_and_to_whoever_waits() -> None:
    problem = Problem({"status": 403, "code": "forbidden"})

    asked_for = asyncio.Event()

    class Refusing:
        async def signals(self) -> AsyncGenerator[Signal]:
            await asked_for.wait()
            raise Ended(End(Fault.REFUSED, "4403", problem))
            yield Joined()

    network = Network()
    following = Following(
        lambda rung, since: Refusing(),
        cursor=None,
        credential=Credential("key"),
        over_http=network.perform,
        timing=TIMING,
    )
    task = asyncio.create_task(following.run())
    asked = asyncio.create_task(following.ask(Command("render.create", "k1", data={})))
    asked_for.set()
    for waiting in (following.inbox.next(), asked):
        with pytest.raises(Problem) as told:
            await waiting
        assert told.value is problem
    await task

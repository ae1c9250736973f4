"""The actor: order, answers, ticks, bounded mailbox, an end that leaves nobody waiting."""

import asyncio

import msgspec
import pytest

from renderowl.actors.actor import Actor, ActorStopped, MailboxFull, Request
from renderowl.testing.clock import TurnableClock, settle


class Say(msgspec.Struct, frozen=True):
    word: str


class Words(msgspec.Struct, Request[list[str]], frozen=True):
    pass


class Hang(msgspec.Struct, Request[None], frozen=True):
    pass


class Scribe(Actor[Say]):
    mailbox_size = 4

    def __init__(self, clock: TurnableClock | None = None, tick_s: float | None = None) -> None:
        super().__init__("scribe", clock=clock)
        self.tick_s = tick_s
        self.words: list[str] = []
        self.ticks = 0
        self.ended = 0

    async def handle(self, message: Say | Words | Hang) -> object:
        match message:
            case Words():
                return list(self.words)
            case Hang():
                await asyncio.Event().wait()
            case Say("boom"):
                raise RuntimeError("boom")
            case Say(word):
                self.words.append(word)
        return None

    async def tick(self) -> None:
        self.ticks += 1

    async def stopped(self) -> None:
        self.ended += 1


async def test_messages_are_handled_in_order_and_asking_sees_those_before() -> None:
    actor = Scribe()
    running = asyncio.create_task(actor.run())
    actor.tell(Say("a"))
    actor.tell(Say("b"))
    assert await actor.ask(Words()) == ["a", "b"]
    actor.stop()
    await running
    assert actor.ended == 1


async def test_a_full_mailbox_refuses_instead_of_growing() -> None:
    actor = Scribe()
    for word in "abcd":
        actor.tell(Say(word))
    with pytest.raises(MailboxFull):
        actor.tell(Say("e"))


async def test_stopping_answers_everybody_who_waits() -> None:
    actor = Scribe()
    waiting = [asyncio.create_task(actor.ask(Words())) for _ in range(3)]
    await settle()
    actor.stop()
    await actor.run()
    for task in waiting:
        with pytest.raises(ActorStopped):
            await task
    with pytest.raises(ActorStopped):
        await actor.ask(Words())


async def test_cancelling_answers_the_one_in_hand_and_those_behind() -> None:
    actor = Scribe()
    running = asyncio.create_task(actor.run())
    waiting = [asyncio.create_task(actor.ask(Hang())), asyncio.create_task(actor.ask(Words()))]
    await settle()
    running.cancel()
    for task in waiting:
        with pytest.raises(ActorStopped):
            await task
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_error_goes_to_the_one_who_asked_and_the_actor_lives_on() -> None:
    class Refusing(Scribe):
        async def handle(self, message: Say | Words | Hang) -> object:
            if isinstance(message, Words):
                raise ValueError("no")
            return await super().handle(message)

    actor = Refusing()
    running = asyncio.create_task(actor.run())
    with pytest.raises(ValueError, match="no"):
        await actor.ask(Words())
    assert not running.done()
    actor.stop()
    await running


async def test_a_failing_handler_ends_the_run_and_the_next_run_finds_the_mailbox() -> None:
    actor = Scribe()
    actor.tell(Say("boom"))
    actor.tell(Say("kept"))
    with pytest.raises(ExceptionGroup):
        await actor.run()
    running = asyncio.create_task(actor.run())
    assert await actor.ask(Words()) == ["kept"]
    actor.stop()
    await running


async def test_ticks_come_by_the_clock_and_do_not_pile_up() -> None:
    clock = TurnableClock()
    actor = Scribe(clock, tick_s=1.0)
    running = asyncio.create_task(actor.run())
    await clock.until_sleeping()
    await clock.advance(3.5)
    assert actor.ticks == 3
    actor.stop()
    await running


async def test_ticks_during_a_long_message_become_one() -> None:
    gate = asyncio.Event()

    class Slow(Scribe):
        async def handle(self, message: Say | Words | Hang) -> object:
            await gate.wait()
            return None

    clock = TurnableClock()
    actor = Slow(clock, tick_s=1.0)
    running = asyncio.create_task(actor.run())
    await clock.until_sleeping()
    actor.tell(Say("slow"))
    await clock.advance(10)
    gate.set()
    await settle()
    assert actor.ticks == 1
    actor.stop()
    await running


async def test_helpers_end_with_the_actor_and_their_failure_is_its_own() -> None:
    cancelled = asyncio.Event()

    class WithHelper(Scribe):
        async def starting(self) -> None:
            self.spawn(self._help())

        async def _help(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    actor = WithHelper()
    running = asyncio.create_task(actor.run())
    await settle()
    actor.stop()
    await running
    assert cancelled.is_set()

    class WithBrokenHelper(Scribe):
        async def starting(self) -> None:
            self.spawn(self._break())

        async def _break(self) -> None:
            raise RuntimeError("helper broke")

    with pytest.raises(ExceptionGroup):
        await WithBrokenHelper().run()

"""Commands over connections that come and go."""

import asyncio

import pytest

from renderowl.client.commands import Command, Commands
from renderowl.client.messages import RoomMessage
from renderowl.client.problem import Problem


def answer(type: str, ref: str, **fields: object) -> RoomMessage:
    return RoomMessage(type, body={"type": type, "ref": ref, **fields})


class Connection:
    """Notes what is given over it."""

    def __init__(self, commands: Commands) -> None:
        self.given: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._giving = asyncio.create_task(commands.give(self._say))

    async def _say(self, command: Command) -> None:
        self.given.put_nowait(command.message)

    async def drop(self) -> None:
        self._giving.cancel()
        await asyncio.gather(self._giving, return_exceptions=True)


async def test_a_command_is_given_again_over_a_new_connection_until_it_is_answered() -> None:
    commands = Commands()
    command = Command("render.cancel", "k1", render_id="rnd_1")
    asked = asyncio.create_task(commands.ask(command))
    for _ in range(2):
        connection = Connection(commands)
        assert await connection.given.get() == {"type": "render.cancel", "ref": "k1", "render_id": "rnd_1"}
        await connection.drop()
    assert commands.hear(answer("ack", "k1", render_id="rnd_1", status="cancelled"))
    assert (await asked).status == "cancelled"
    assert command.times_given == 2
    assert commands.hear(answer("ack", "k1", render_id="rnd_1", status="cancelled")), "a late answer is none's message"


async def test_a_refusal_is_the_answer() -> None:
    commands = Commands()
    asked = asyncio.create_task(commands.ask(Command("render.create", "k1", data={})))
    await asyncio.sleep(0)
    commands.hear(answer("error", "k1", code="forbidden", message="lacks write", retryable=False))
    with pytest.raises(Problem, match="lacks write"):
        await asked


async def test_other_messages_are_no_answers() -> None:
    commands = Commands()
    assert not commands.hear(answer("render.queued", "k1"))
    assert not commands.hear(RoomMessage("error", body={"type": "error"}))


async def test_whoever_waits_is_told_that_there_will_be_no_connection() -> None:
    commands = Commands()
    asked = asyncio.create_task(commands.ask(Command("render.create", "k1", data={})))
    await asyncio.sleep(0)
    commands.fail(ConnectionError("gone"))
    with pytest.raises(ConnectionError):
        await asked
    with pytest.raises(ConnectionError):
        await commands.ask(Command("render.create", "k2", data={}))


async def test_two_commands_of_one_name_are_a_mistake() -> None:
    commands = Commands()
    first = asyncio.create_task(commands.ask(Command("render.create", "k1", data={})))
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="k1"):
        await commands.ask(Command("render.create", "k1", data={}))
    first.cancel()

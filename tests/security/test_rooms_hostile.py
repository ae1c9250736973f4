"""What one member of a room may do to the others, and to the process."""

import pytest

from renderowl.bus.base import RoomMessage
from renderowl.testing.serving import World
from renderowl.testing.signals import until


@pytest.mark.parametrize("hz", ["1e-310", "1e-300", "0.05"])
async def test_a_rate_that_is_next_to_none_is_refused_before_anybody_waits_for_it(world: World, hz: str) -> None:
    async with world.room() as socket:
        await socket.send(f'{{"type":"hello","filter":{{"max_hz":{hz}}}}}')
        await socket.wait_closed()
        assert socket.close_code == 4400


async def test_a_failure_of_one_room_costs_the_others_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, heard = world.hub, list[str]()

    def hear(message: RoomMessage) -> None:
        heard.append(message.kind)
        raise OverflowError("a bug")

    async with world.room() as socket:
        await socket.send('{"type":"hello"}')
        await world.members(1)
        monkeypatch.setattr(hub, "_hear", hear)
        await world.progress(0.1)

        async def failed() -> bool:
            return bool(heard)

        await until(failed)
        monkeypatch.undo()
        await world.progress(0.2)
        while '"percent":20.0' not in str(await socket.recv()):
            pass
        assert hub.connected

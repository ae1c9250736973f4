"""Many members: limits on connections, what coming back costs, and who is present over several API processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import redis.asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from renderowl.domain.events import Cursor
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.services import accounts
from renderowl.services.publishing import record
from renderowl.testing.serving import World, serve
from renderowl.testing.signals import until

CROWD = 60


async def heard(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next message, of one of these types if any are named."""
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = msgspec.json.decode(await socket.recv())
            if not kinds or message["type"] in kinds:
                return message


async def join(socket: ClientConnection, **hello: Any) -> dict[str, Any]:
    await socket.send(msgspec.json.encode({"type": "hello", **hello}).decode())
    return await heard(socket, "welcome", "error")


def recovering(world: World, seq: int) -> str:
    return str(Cursor(world.project.event_epoch, seq))


# --- limits --------------------------------------------------------------------------------------------------------


async def test_the_sixth_connection_of_a_principal_to_a_project_is_told_when_to_come_back(world: World) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(5):
            await join(await stack.enter_async_context(world.room()))
        async with world.room() as sixth:
            error = await heard(sixth)
            assert (error["code"], error["retry_after_s"]) == ("rate_limited", 5)
            with pytest.raises(ConnectionClosed):
                await sixth.recv()
            assert sixth.close_code == 4429
        token, _ = await accounts.mint_token(world.ctx, world.principal, world.project.id, scopes=["read"], ttl_s=600)
        async with world.room(key=token) as another:
            assert (await join(another))["type"] == "welcome"
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {world.key}"}) as http:
            answer = await http.get(f"{world.http_url}/projects/{world.project.id}/events")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    async with world.room() as again:
        await world.members(0)
        assert (await join(again))["type"] == "welcome"


async def test_a_key_has_so_many_connections_to_all_projects_together(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with (
        serve(database_url, redis_url, storage_dir, room_connections_per_key=2) as world,
        world.room() as one,
        world.room() as two,
        world.room() as three,
    ):
        assert [(await join(one))["type"], (await join(two))["type"]] == ["welcome", "welcome"]
        assert (await heard(three))["code"] == "rate_limited"


async def test_a_server_that_is_full_refuses_the_handshake(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with serve(database_url, redis_url, storage_dir, room_connections=1) as world:
        async with world.room() as only:
            await join(only)
            with pytest.raises(InvalidStatus) as refused:
                await world.room()
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["retry-after"] == "5"
            assert msgspec.json.decode(refused.value.response.body)["code"] == "unavailable"
        await until(world_is_empty(world))
        async with world.room() as next_one:
            assert (await join(next_one))["type"] == "welcome"


def world_is_empty(world: World) -> Any:
    async def empty() -> bool:
        return not world.hub.door.full

    return empty


# --- coming back ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def crowded(database_url: str, redis_url: str, storage_dir: Path) -> AsyncIterator[World]:
    """A world in which one key may have as many connections as it likes."""
    many: dict[str, Any] = {"room_connections_per_key": 10_000, "room_connections_per_principal": 10_000}
    async with serve(database_url, redis_url, storage_dir, **many) as world:
        yield world


async def test_a_crowd_that_comes_back_is_answered_from_memory(crowded: World) -> None:
    for _ in range(4):
        await crowded.happen("render.retrying")
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(crowded.room())
        await join(first, since=recovering(crowded, 2))
        rooms = [await stack.enter_async_context(crowded.room()) for _ in range(CROWD)]
        await until(lambda: everybody_is_known(crowded, CROWD + 1))
        before = crowded.ctx.db.statements
        welcomes = await asyncio.gather(
            *(join(room, since=recovering(crowded, number % 5)) for number, room in enumerate(rooms))
        )
        assert crowded.ctx.db.statements == before
        assert {(welcome["recovered"], welcome["seq"]) for welcome in welcomes} == {(True, 4)}
        for number, room in enumerate(rooms):
            missed = range(number % 5 + 1, 5)
            assert [(await heard(room))["seq"] for _ in missed] == list(missed)


async def everybody_is_known(world: World, count: int) -> bool:
    return sum(guest.principal is not None for guest in world.hub.guests) == count


async def test_a_crowd_costs_few_statements_however_many_they_are(crowded: World) -> None:
    await crowded.happen("render.retrying")
    before = crowded.ctx.db.statements

    async def come() -> dict[str, Any]:
        async with crowded.room() as room:
            return await join(room, since=recovering(crowded, 0))

    welcomes = await asyncio.gather(*(come() for _ in range(CROWD)))
    assert all(welcome["recovered"] for welcome in welcomes)
    assert crowded.ctx.db.statements - before < 2 * CROWD


async def test_a_cursor_ahead_of_this_process_is_not_mistaken_for_one_that_is_none(world: World) -> None:
    async with world.room() as slow, world.room() as other:
        await join(slow)
        for _ in range(3):
            await world.happen("render.retrying", publish=False)
        welcome = await join(other, since=recovering(world, 2))
        assert (welcome["recovered"], (await heard(other))["seq"]) == (True, 3)
        assert [(await heard(slow, "render.retrying"))["seq"] for _ in range(3)] == [1, 2, 3]


async def test_a_member_that_reads_nothing_for_a_while_misses_nothing(world: World) -> None:
    """More than its buffers hold, less than what makes it too slow."""
    async with world.room() as reader, world.room() as sleeper:
        await join(reader)
        await join(sleeper)
        sleeper.transport.pause_reading()
        count = 40
        for _ in range(count):
            async with world.ctx.db.transaction() as tx:
                await _happen_at_length(world, tx)
        assert [(await heard(reader, "render.retrying"))["seq"] for _ in range(count)] == list(range(1, count + 1))
        sleeper.transport.resume_reading()
        seen: list[int] = []
        with contextlib.suppress(ConnectionClosed):
            while len(seen) < count:
                seen.append((await heard(sleeper, "render.retrying"))["seq"])
        assert seen == list(range(1, len(seen) + 1))
        assert len(seen) == count or sleeper.close_code == 1013


async def _happen_at_length(world: World, tx: Any) -> None:
    await record(world.ctx, tx, world.project.id, "render.retrying", {"x": "x" * 20_000}, render_id="rnd_1", attempt=1)


# --- who is here ---------------------------------------------------------------------------------------------------


async def test_who_asked_is_told_who_is_here_and_who_comes_and_goes(world: World) -> None:
    async with world.room() as ada:
        welcome = await join(ada, presence=True, name="Ada")
        [me] = welcome["members"]
        assert (me["connection"], me["name"], me["user_id"]) == (
            welcome["connection"], "Ada", world.principal.user_id
        )  # fmt: skip
        await settle(ada)
        async with world.room(subprotocols=()):
            news = await heard(ada, "presence")
            assert (news["count"], len(news["joined"]), news["left"]) == (2, 1, [])
        news = await heard(ada, "presence")
        assert (news["count"], news["joined"], len(news["left"])) == (1, [], 1)


async def settle(room: ClientConnection) -> None:
    """Hear the first news, of oneself."""
    news = await heard(room, "presence")
    assert len(news["joined"]) == news["count"]


async def test_who_did_not_ask_is_not_told(world: World) -> None:
    async with world.room() as quiet, world.room() as curious, world.room(subprotocols=()) as plain:
        welcome = await join(quiet)
        assert (welcome["members"], welcome["count"]) == (None, None)
        await join(curious, presence=True)
        assert (await heard(curious, "presence"))["count"] == 3
        await world.happen("render.retrying")
        assert (await heard(plain))["type"] == "render.retrying"
        await heard(quiet, "snapshot")
        assert (await heard(quiet))["type"] == "render.retrying"


async def test_presence_reaches_over_processes_and_outlives_a_flush_of_redis(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with (
        serve(database_url, redis_url, storage_dir) as here,
        serve(database_url, redis_url, storage_dir) as there,
        redis.asyncio.Redis.from_url(redis_url) as server,
    ):
        async with there.room(here.project.id, key=here.key) as bob:
            await join(bob, name="Bob")
            there.hub.attendance.repeat()
            await until(lambda: server.exists(f"renderowl:presence:{here.project.id}"))
            async with here.room() as ada:
                welcome = await join(ada, presence=True, name="Ada")
                assert {member["name"] for member in welcome["members"]} == {"Ada", "Bob"}
                await settle(ada)
                await server.flushall()
                there.hub.attendance.repeat()
                await until(lambda: server.exists(f"renderowl:presence:{here.project.id}"))
                async with there.room(here.project.id, key=here.key) as eve:
                    await join(eve, name="Eve")
                    news = await heard(ada, "presence")
                    assert [member["name"] for member in news["joined"]] == ["Eve"]
                    assert news["count"] == 3
            await bob.close()
        await until(lambda: nobody(server, here.project.id))


async def nobody(server: Any, project_id: str) -> bool:
    rosters = await server.hgetall(f"renderowl:presence:{project_id}")
    return all(msgspec.json.decode(roster)["count"] == 0 for roster in rosters.values())


async def test_without_redis_the_members_of_ones_own_process_are_still_seen(
    database_url: str, tmp_path: Path, storage_dir: Path
) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        async with serve(database_url, valkey.url, storage_dir) as world, world.room() as ada:
            valkey.stop()
            assert (await join(ada, presence=True))["count"] == 1
            await settle(ada)
            async with world.room() as bob:
                await join(bob, name="Bob")
                assert [member["name"] for member in (await heard(ada, "presence"))["joined"]] == ["Bob"]

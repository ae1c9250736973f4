"""The client's rooms through a gateway that spoils transports: over real renders, each durable event once and in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from renderowl.client import Client, Problem, RoomFilter, Timing, Watching
from renderowl.client.ladder import Rung
from renderowl.client.room import Room
from renderowl.db import events
from renderowl.services import accounts
from renderowl.testing.gateway import HURRIED, Gateway
from renderowl.testing.history import faults
from renderowl.testing.serving import World, serve
from renderowl.testing.signals import until
from renderowl.ws.protocol import Close

FILM: Final = {
    "composition_id": "timeline",
    "input_props": {
        "width": 320,
        "height": 180,
        "tracks": [{"clips": [{"type": "color", "color": "#204060", "start": 0, "duration": 2}]}],
    },
    "output_settings": {"preset": "ultrafast"},
}
LONGER_FILM: Final = {
    "composition_id": "timeline",
    "input_props": {
        "width": 640,
        "height": 360,
        "tracks": [{"clips": [{"type": "color", "color": "#204060", "duration": 10, "fade_in": 10}]}],
    },
    "output_settings": {"preset": "medium"},
}
"""Encoded for longer than the pause between two polls: what is over by the next poll is not told."""


class Listening:
    """A client's iteration over the room, in a task of its own, and all it was told."""

    def __init__(self, world: World, room: Room) -> None:
        self.room = room
        self.told: list[dict[str, Any]] = []
        self._world = world
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self.room:
            self.told.append(message.body)

    async def until(self, condition: Callable[[], bool]) -> None:
        async def look() -> bool:
            if self._task.done():
                self._task.result()
            return condition()

        await until(look, timeout_s=30)

    async def over(self, rung: Rung) -> None:
        """Wait until the room is heard over this transport."""
        await self.until(lambda: self.room.transport == rung)

    async def up_to_date(self) -> None:
        """Wait until everything that has happened was told, and that exactly once and in order."""
        happened = await events.read_after(self._world.ctx.db, self._world.project.id, 0, limit=10_000)
        await self.until(lambda: self.room.cursor is not None and self.room.cursor.seq >= happened[-1].seq)
        assert faults(self.told, happened) == []

    def types(self) -> list[str]:
        return [message["type"] for message in self.told]

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@contextlib.asynccontextmanager
async def listening(world: World, client: Client, **options: Any) -> AsyncIterator[Listening]:
    listener = Listening(world, client.room(world.project.id, **options))
    try:
        yield listener
    finally:
        await listener.end()


# --- transports ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(
    ("upgrades", "streams", "rung"), [(True, True, "socket"), (False, True, "stream"), (False, False, "poll")]
)
async def test_a_render_is_heard_whole_over_whatever_the_gateway_lets_through(
    world: World, client: Client, gateway: Gateway, upgrades: bool, streams: bool, rung: Rung
) -> None:
    gateway.upgrades, gateway.streams = upgrades, streams
    async with listening(world, client) as listener:
        await listener.over(rung)
        await client.render(world.project.id, LONGER_FILM)
        await listener.up_to_date()
        assert listener.types()[0] == "snapshot"
        heard = set(listener.types())
        assert {"render.queued", "render.started", "render.progress", "render.completed"} <= heard
        assert listener.room.transport == rung


@pytest.mark.usefixtures("workers")
async def test_a_gateway_that_gets_worse_and_heals_costs_no_event(
    world: World, client: Client, gateway: Gateway
) -> None:
    async with listening(world, client) as listener:
        await listener.over("socket")
        rendering = asyncio.gather(*(client.render(world.project.id, FILM) for _ in range(3)))
        await listener.until(lambda: "render.started" in listener.types())
        gateway.upgrades = False
        gateway.cut("socket")
        await listener.over("stream")
        await world.happen()
        gateway.streams = False
        gateway.cut("stream")
        await listener.over("poll")
        await world.happen()
        gateway.streams = True
        await listener.over("stream")
        await world.happen()
        gateway.upgrades = True
        await listener.over("socket")
        await rendering
        await listener.up_to_date()
        assert listener.types().count("snapshot") == 1


async def test_a_gateway_that_kills_sockets_is_given_the_stream(world: World, client: Client, gateway: Gateway) -> None:
    async with listening(world, client) as listener:
        await listener.over("socket")
        for sockets in (1, 2):
            await world.happen()
            await listener.up_to_date()
            assert (gateway.counts["socket"], gateway.counts["stream"]) == (sockets, 0)
            gateway.cut("socket")
        await listener.until(lambda: gateway.counts["stream"] > 0)
        await world.happen()
        await listener.up_to_date()


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("rung", ["socket", "stream", "poll"])
async def test_a_server_that_is_replaced_in_the_middle_costs_no_event(
    world: World, client: Client, gateway: Gateway, rung: Rung, database_url: str, redis_url: str, storage_dir: Path
) -> None:
    gateway.upgrades, gateway.streams = rung == "socket", rung != "poll"
    async with listening(world, client) as listener:
        await listener.over(rung)
        rendering = asyncio.create_task(client.render(world.project.id, FILM))
        await listener.until(lambda: "render.started" in listener.types())
        gateway.target_port = 1  # where nobody listens
        await world.hub.drain()
        gateway.cut()
        await world.happen()
        async with serve(database_url, redis_url, storage_dir) as other:
            gateway.target_port = urlsplit(other.http_url).port or 0
            await rendering
            await listener.up_to_date()
            await listener.end()


async def test_a_connection_that_says_nothing_is_left(world: World, gateway: Gateway) -> None:
    timing = Timing(silence_s=0.5, look_s=0.1, open_s=0.5, backoff_s=(0.01, 0.1))
    async with (
        gateway.serve() as url,
        Client(url, world.key, timing=timing) as client,
        listening(world, client) as listener,
    ):
        await listener.over("socket")
        gateway.silent = True
        await world.happen()
        await listener.until(lambda: gateway.counts["socket"] > 1)
        gateway.silent = False
        await listener.up_to_date()


async def test_a_client_goes_on_another_time_over_another_transport(
    world: World, client: Client, gateway: Gateway
) -> None:
    async with contextlib.aclosing(aiter(room := client.room(world.project.id))) as messages:
        assert (await anext(messages)).type == "snapshot"
        await world.happen()
        assert (await anext(messages)).seq == 1
    for _ in range(2):
        await world.happen()
    gateway.upgrades = False
    async with contextlib.aclosing(aiter(client.room(world.project.id, since=str(room.cursor)))) as messages:
        assert [(await anext(messages)).seq for _ in range(2)] == [2, 3]


async def test_history_that_was_replaced_is_told_as_a_snapshot(world: World, client: Client) -> None:
    async with listening(world, client) as listener:
        await listener.over("socket")
        await world.happen()
        await listener.until(lambda: "render.queued" in listener.types())
        await world.ctx.db.execute("DELETE FROM events WHERE project_id = $1", world.project.id)
        await world.ctx.db.execute(
            "UPDATE projects SET event_epoch = 'another', event_seq = 0 WHERE id = $1", world.project.id
        )
        await world.happen("render.started")
        await listener.until(lambda: listener.types().count("snapshot") == 2)
        await world.happen("render.completed")
        await listener.until(lambda: str(listener.room.cursor) == "another.2")


@pytest.mark.parametrize("upgrades", [True, False])
async def test_a_room_that_may_not_be_heard_is_a_problem(client: Client, gateway: Gateway, upgrades: bool) -> None:
    gateway.upgrades = upgrades
    with pytest.raises(Problem, match="not_found") as refused:
        await anext(aiter(client.room("prj_of_somebody_else")))
    assert refused.value.status == 404


async def test_who_watches_is_told_to_those_who_ask(world: World, client: Client) -> None:
    async with listening(world, client, watching=Watching("Ada")) as ada:
        await ada.until(lambda: "presence" in ada.types())
        async with listening(world, client, watching=Watching("Bob")) as bob:
            await bob.over("socket")
            await ada.until(lambda: ada.told[-1]["type"] == "presence" and ada.told[-1]["count"] == 2)
            assert [member["name"] for member in ada.told[-1]["members"]] == ["Ada", "Bob"]


# --- tokens --------------------------------------------------------------------------------------------------------


class Minting:
    """An editor's backend: mints tokens, after the ones it was given to begin with."""

    def __init__(self, world: World, *first: str, ttl_s: int = 600) -> None:
        self.given: list[str] = []
        self._world = world
        self._first = list(first)
        self._ttl_s = ttl_s

    async def __call__(self) -> str:
        if self._first:
            token = self._first.pop(0)
        else:
            world = self._world
            scopes: Any = ["read", "write"]
            token, _ = await accounts.mint_token(
                world.ctx, world.principal, world.project.id, scopes=scopes, ttl_s=self._ttl_s + len(self.given)
            )
        self.given.append(token)
        return token


@pytest.mark.usefixtures("workers")
async def test_a_token_that_ends_soon_is_refreshed_on_the_same_connection(world: World, gateway: Gateway) -> None:
    tokens = Minting(world, ttl_s=600)
    short, _ = await accounts.mint_token(
        world.ctx, world.principal, world.project.id, scopes=["read", "write"], ttl_s=30
    )
    tokens._first.append(short)
    async with (
        gateway.serve() as url,
        Client(url, tokens, timing=HURRIED) as client,
        listening(world, client) as listener,
    ):
        await listener.until(lambda: len(tokens.given) == 2)
        await client.render(world.project.id, FILM)
        await listener.up_to_date()
        await listener.until(lambda: listener.room.transport == "socket")
        assert len(tokens.given) == 2
        assert listener.types().count("snapshot") == 1


@pytest.mark.parametrize("upgrades", [True, False])
async def test_a_token_that_was_refused_is_replaced_and_the_room_goes_on(
    world: World, gateway: Gateway, upgrades: bool
) -> None:
    gateway.upgrades = upgrades
    tokens = Minting(world, "a.bad.token")
    async with (
        gateway.serve() as url,
        Client(url, tokens, timing=HURRIED) as client,
        listening(world, client) as listener,
    ):
        await listener.over("socket" if upgrades else "stream")
        assert len(tokens.given) == 2
        if upgrades:
            world.hub.rooms[world.project.id].close(Close(4401, "the token has expired"))
            await listener.until(lambda: len(tokens.given) == 3)
        await world.happen()
        await listener.up_to_date()


async def test_a_source_that_has_no_other_token_ends_the_room(world: World, gateway: Gateway) -> None:
    async with gateway.serve() as url, Client(url, lambda: "a.bad.token", timing=HURRIED) as client:
        with pytest.raises(Problem, match="unauthenticated"):
            await anext(aiter(client.room(world.project.id)))


# --- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upgrades", [True, False])
async def test_commands_are_carried_out_with_and_without_a_socket(
    world: World, client: Client, gateway: Gateway, upgrades: bool
) -> None:
    gateway.upgrades = upgrades
    async with client.room(world.project.id) as room:
        made = await room.create(FILM, ref="k1")
        again = await room.create(FILM, ref="k1")
        assert (made.status, again.render_id) == ("queued", made.render_id)
        assert (await room.cancel(made.render_id)).status == "cancelled"
        with pytest.raises(Problem, match="conflict"):
            await room.cancel(made.render_id)
        with pytest.raises(Problem, match="/output_settings/sharpness") as refused:
            await room.create({**FILM, "output_settings": {"sharpness": 11}})
        assert refused.value.code == "validation_failed"
        heard = []
        async for message in room:
            heard.append(message.type)
            if message.type == "render.cancelled":
                break
        assert heard[-2:] == ["render.queued", "render.cancelled"]


async def test_a_command_whose_answer_was_lost_is_carried_out_once(world: World, gateway: Gateway) -> None:
    timing = Timing(silence_s=0.5, look_s=0.1, open_s=0.5, backoff_s=(0.01, 0.1))
    async with (
        gateway.serve() as url,
        Client(url, world.key, timing=timing) as client,
        client.room(world.project.id) as room,
    ):
        made = await room.create(FILM)
        gateway.silent = True
        cancelling = asyncio.create_task(room.cancel(made.render_id))

        async def cancelled_and_left() -> bool:
            return gateway.counts["socket"] > 1 and (await _status(world, made.render_id)) == "cancelled"

        await until(cancelled_and_left)
        gateway.silent = False
        ack = await cancelling
        assert (ack.render_id, ack.status, ack.deduplicated) == (made.render_id, "cancelled", True)


@pytest.mark.parametrize("upgrades", [True, False])
async def test_a_filter_can_be_changed_without_a_gap(
    world: World, client: Client, gateway: Gateway, upgrades: bool
) -> None:
    gateway.upgrades = upgrades
    async with client.room(world.project.id, filter=RoomFilter(render_ids=["rnd_1"])) as room:
        messages = aiter(room)
        assert (await anext(messages)).type == "snapshot"
        await world.happen("render.queued", "rnd_2")
        await world.happen("render.queued", "rnd_1")
        assert (await anext(messages)).render_id == "rnd_1"
        await room.subscribe(RoomFilter(render_ids=["rnd_2"]))
        await world.members(1)
        await until(_filtered(world, "rnd_2"))
        await world.happen("render.started", "rnd_1")
        await world.happen("render.started", "rnd_2")
        assert (await anext(messages)).seq == 4


def _filtered(world: World, render_id: str) -> Any:
    async def look() -> bool:
        room = world.hub.rooms.get(world.project.id)
        return room is not None and [member.filter.render_ids for member in room.members] == [frozenset({render_id})]

    return look


async def _status(world: World, render_id: str) -> str:
    status: str = await world.ctx.db.fetch_value("SELECT status FROM renders WHERE id = $1", render_id)
    return status

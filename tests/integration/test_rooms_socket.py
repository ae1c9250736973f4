"""Rooms over real sockets: uvicorn, Postgres and Valkey, and the `websockets` client as a member."""

import asyncio
import base64
import contextlib
import gc
import os
import signal
import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from renderowl.client import Client, Problem
from renderowl.domain.events import Cursor
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.services import accounts
from renderowl.testing.serving import ORIGIN, World, make_account, serve
from renderowl.testing.signals import until
from renderowl.ws.link import LinkedProtocol
from renderowl.ws.protocol import Close


async def heard(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    async with asyncio.timeout(10):
        return msgspec.json.decode(await socket.recv())


async def closed(socket: ClientConnection) -> tuple[int, list[dict[str, Any]]]:
    """The code the server closes with, and what it said before."""
    said = []
    while True:
        try:
            said.append(await heard(socket))
        except ConnectionClosed as error:
            return (0 if error.rcvd is None else error.rcvd.code), said


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(msgspec.json.encode(message).decode())


async def join(socket: ClientConnection, **hello: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Say hello and return the welcome and, unless recovered, the snapshot."""
    await say(socket, type="hello", **hello)
    welcome = await heard(socket)
    assert welcome["type"] == "welcome", welcome
    return welcome, None if welcome["recovered"] else await heard(socket)


# --- who is calling ------------------------------------------------------------------------------------------------


async def test_a_header_opens_the_room_with_a_welcome_and_a_snapshot(world: World) -> None:
    async with world.room() as socket:
        assert socket.subprotocol == "renderowl.v1"
        welcome, snapshot = await join(socket)
        assert (welcome["epoch"], welcome["seq"], welcome["ping_s"]) == (world.project.event_epoch, 0, 25)
        assert snapshot == {"type": "snapshot", "seq": 0, "renders": [], "more": False}
        assert socket.protocol.extensions == []  # the client offers permessage-deflate


async def test_a_token_in_the_subprotocol_opens_the_room_and_only_the_protocol_is_echoed(world: World) -> None:
    token, _ = await accounts.mint_token(world.ctx, world.principal, world.project.id, scopes=["read"], ttl_s=600)
    bearer = "base64url.bearer." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    async with world.room(key=None, subprotocols=("renderowl.v1", bearer), origin=ORIGIN) as socket:
        assert socket.subprotocol == "renderowl.v1"
        welcome, _ = await join(socket)
        assert welcome["token_expires_at"] is not None


async def test_a_first_message_opens_the_room(world: World) -> None:
    async with world.room(key=None) as socket:
        await say(socket, type="auth", token=world.key)
        await join(socket)


async def test_a_ticket_opens_the_room_once(world: World) -> None:
    ticket = await accounts.issue_ticket(world.ctx, world.principal, world.project.id, ORIGIN)
    async with world.room(key=None, query=f"?ticket={ticket.ticket}", origin=ORIGIN) as socket:
        await join(socket)
    async with world.room(key=None, query=f"?ticket={ticket.ticket}", origin=ORIGIN) as socket:
        code, [error] = await closed(socket)
        assert (code, error["code"]) == (4401, "unauthenticated")


async def test_a_token_in_the_url_is_refused(world: World) -> None:
    async with world.room(query=f"?token={world.key}") as socket:
        assert (await closed(socket))[0] == 4401


@pytest.mark.parametrize("key", ["nonsense", "ro_live_" + "a" * 40])
async def test_a_bad_credential_is_told_so_before_the_close(world: World, key: str) -> None:
    async with world.room(key=key) as socket:
        code, [error] = await closed(socket)
        assert (code, error["type"], error["code"]) == (4401, "error", "unauthenticated")


async def test_another_tenants_room_does_not_exist(world: World) -> None:
    _, key = await make_account(world.ctx, ["read", "write", "admin"])
    async with world.room(key=key) as socket:
        code, [error] = await closed(socket)
        assert (code, error["code"]) == (4404, "not_found")


async def test_a_foreign_page_is_refused_even_with_a_good_key(world: World) -> None:
    async with world.room(origin="https://evil.example") as socket:
        code, [error] = await closed(socket)
        assert (code, error["code"]) == (4403, "forbidden")


# --- what is told --------------------------------------------------------------------------------------------------


async def test_events_and_progress_arrive_live(world: World) -> None:
    async with world.room() as socket:
        await join(socket)
        await world.happen("render.started")
        assert await heard(socket) == {
            "type": "render.started", "seq": 1, "data": {"status": "x"}, "render_id": "rnd_1", "attempt": 1
        }  # fmt: skip
        await world.progress(0.5)
        message = await heard(socket)
        assert (message["type"], message["data"]["percent"], message["data"]["stage"]) == (
            "render.progress", 50.0, "segment"
        )  # fmt: skip


async def test_a_plain_member_hears_exactly_the_source_documents_messages(world: World) -> None:
    async with world.room(subprotocols=()) as socket:
        assert socket.subprotocol is None
        await world.members(1)
        await world.happen("asset.ready", render_id=None)
        await world.progress(0.455)
        assert await heard(socket) == {
            "type": "render.progress",
            "render_id": "rnd_1",
            "data": {"percent": 45.5, "current_frame": 450, "total_frames": 990},
        }
        await world.happen("render.completed")
        assert await heard(socket) == {"type": "render.completed", "render_id": "rnd_1", "data": {"status": "x"}}


async def test_a_member_that_comes_back_gets_what_it_missed_once_and_in_order(world: World) -> None:
    async with world.room() as socket:
        await join(socket)
        await world.happen("render.queued")
        seen = (await heard(socket))["seq"]
    for _ in range(3):
        await world.happen("render.retrying")
    async with world.room() as socket:
        welcome, snapshot = await join(socket, since=str(Cursor(world.project.event_epoch, seen)))
        assert (welcome["recovered"], welcome["seq"], snapshot) == (True, 4, None)
        await world.happen("render.started")
        assert [(await heard(socket))["seq"] for _ in range(4)] == [2, 3, 4, 5]


@pytest.mark.parametrize("since", ["e000000.0", "nonsense", "future"])
async def test_a_cursor_that_cannot_be_replayed_gives_a_snapshot(world: World, since: str) -> None:
    if since == "future":
        since = f"{world.project.event_epoch}.99"
    async with world.room() as socket:
        welcome, snapshot = await join(socket, since=since)
        assert not welcome["recovered"]
        assert snapshot is not None


async def test_a_filter_hides_other_renders_and_kinds(world: World) -> None:
    async with world.room() as socket:
        await join(socket, filter={"render_ids": ["rnd_2"], "types": ["state"]})
        await world.happen("render.queued", "rnd_1")
        await world.progress(0.5, "rnd_2")
        await world.happen("render.queued", "rnd_2")
        assert ((message := await heard(socket))["seq"], message["render_id"]) == (2, "rnd_2")
        await say(socket, type="subscribe", filter={"render_ids": ["rnd_1"]})
        await say(socket, type="pong")
        await _until(lambda: any("rnd_1" in (m.filter.render_ids or ()) for m in _room(world).members))
        await world.happen("render.completed", "rnd_1")
        assert (await heard(socket))["seq"] == 3


@pytest.mark.parametrize("text", ["no json", "[]", '{"type":"dance"}', '{"type":"hello","sinse":"x"}', "x" * 70_000])
async def test_a_malformed_message_ends_the_connection_with_a_reason(world: World, text: str) -> None:
    async with world.room() as socket:
        await socket.send(text)
        code, [error] = await closed(socket)
        assert (code, error["code"]) == (4400, "malformed_request")


async def test_a_deploy_is_announced(world: World) -> None:
    async with world.room() as socket:
        await join(socket)
        await world.hub.drain()
        assert (await closed(socket))[0] == 1012


async def test_a_refresh_with_another_subject_ends_the_connection(world: World) -> None:
    _, other = await make_account(world.ctx, ["read"])
    async with world.room() as socket:
        await join(socket)
        await say(socket, type="auth.refresh", token=world.key)
        await say(socket, type="auth.refresh", token=other)
        assert (await closed(socket))[0] in (4401, 4404)


# --- commands ------------------------------------------------------------------------------------------------------

FILM = {
    "composition_id": "timeline",
    "input_props": {"tracks": [{"clips": [{"type": "color", "color": "#ff0000", "start": 0, "duration": 1}]}]},
}


async def test_a_render_is_created_once_and_cancelled_over_the_socket(world: World) -> None:
    async with world.room() as socket:
        await join(socket, filter={"types": ["progress"]})
        for deduplicated in (False, True):
            await say(socket, type="render.create", ref="k1", data=FILM)
            ack = await heard(socket)
            assert (ack["type"], ack["ref"], ack["status"], ack["deduplicated"]) == (
                "ack", "k1", "queued", deduplicated
            ), ack  # fmt: skip
        await say(socket, type="render.cancel", ref="k2", render_id=ack["render_id"])
        assert (await heard(socket))["status"] == "cancelled"
        await say(socket, type="render.cancel", ref="k3", render_id=ack["render_id"])
        error = await heard(socket)
        assert (error["type"], error["ref"], error["code"]) == ("error", "k3", "conflict")


async def test_a_wrong_render_is_told_where_it_is_wrong_and_the_connection_goes_on(world: World) -> None:
    async with world.room() as socket:
        await join(socket)
        await say(socket, type="render.create", ref="k1", data={"compositionid": "timeline"})
        error = await heard(socket)
        assert (error["ref"], error["code"]) == ("k1", "validation_failed")
        assert "/data/compositionid" in [one["path"] for one in error["errors"]]
        wrong = {"composition_id": "timeline", "priority": "soon", "input_props": {"fps": 0}, "requires": [""]}
        await say(socket, type="render.create", ref="k2", data=wrong)
        told = {one["path"] for one in (await heard(socket))["errors"]}
        assert told == {"/data/priority", "/data/requires", "/data/input_props/fps", "/data/input_props/tracks"}
        await world.happen()
        assert (await heard(socket))["seq"] == 1


async def test_a_reader_may_not_give_commands(world: World) -> None:
    token, _ = await accounts.mint_token(world.ctx, world.principal, world.project.id, scopes=["read"], ttl_s=600)
    async with world.room(key=token) as socket:
        await join(socket)
        await say(socket, type="render.create", ref="k1", data=FILM)
        assert (await heard(socket))["code"] == "forbidden"


async def test_a_revoked_key_gives_no_more_commands(world: World) -> None:
    principal, key = world.principal, world.key
    async with world.room(key=key) as socket:
        await join(socket)
        await accounts.revoke_key(world.ctx, principal, principal.credential_id)
        await say(socket, type="render.create", ref="k1", data=FILM)
        assert (await closed(socket))[0] == 4403


# --- without Redis -------------------------------------------------------------------------------------------------


async def test_an_event_that_nobody_published_is_found(world: World) -> None:
    async with world.room() as socket:
        await join(socket)
        await world.happen("render.queued", publish=False)
        await world.happen("render.started")
        assert [(await heard(socket))["seq"] for _ in range(2)] == [1, 2]


async def test_the_death_and_return_of_redis_loses_nothing(
    database_url: str, tmp_path: Path, storage_dir: Path
) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        async with serve(database_url, valkey.url, storage_dir) as world, world.room() as socket:
            await join(socket)
            await world.happen()
            os.kill(valkey.pid, signal.SIGKILL)
            await world.happen()
            assert [(await heard(socket))["seq"] for _ in range(2)] == [1, 2]
            async with world.room() as late:
                welcome, _ = await join(late)
                assert [(await heard(late))["seq"] for _ in range(2 - welcome["seq"])] == [1, 2][welcome["seq"] :]
            valkey.stop()
            valkey.start()
            await world.happen()
            await _until(lambda: world.hub.connected)
            await world.happen()
            assert [(await heard(socket))["seq"] for _ in range(2)] == [3, 4]
            await world.progress(0.1)
            assert (await heard(socket))["type"] == "render.progress"


async def test_a_flush_of_redis_loses_nothing(world: World) -> None:
    async with world.room() as socket, redis.asyncio.Redis.from_url(world.ctx.settings.redis_url) as server:
        await join(socket)
        await world.happen()
        await server.flushall()
        await world.happen(publish=False)
        await world.happen()
        assert [(await heard(socket))["seq"] for _ in range(3)] == [1, 2, 3]


# --- the client ----------------------------------------------------------------------------------------------------


async def test_the_client_resumes_after_a_broken_connection_without_losing_or_repeating(world: World) -> None:
    async with Client(world.http_url, world.key) as client:
        room = client.room(world.project.id)
        async with contextlib.aclosing(aiter(room)) as messages:
            assert (await anext(messages)).type == "snapshot"
            for seq in range(1, 4):
                await world.happen("render.retrying")
                assert (await anext(messages)).seq == seq
                _room(world).close(Close(1013, "go away for a moment"))
                await world.members(0)
            assert str(room.cursor) == f"{world.project.event_epoch}.3"


async def test_the_client_does_not_come_back_to_a_room_that_is_not_its_own(world: World) -> None:
    async with Client(world.http_url, world.key) as client:
        with pytest.raises(Problem, match="not_found") as refused:
            await anext(aiter(client.room("prj_of_somebody_else")))
        assert refused.value.status == 404


def _room(world: World) -> Any:
    return world.hub.rooms[world.project.id]


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


# --- what is left of a connection ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["it closes", "it is cut off", "it is sent away"])
async def test_a_connection_that_has_ended_leaves_nothing_for_the_garbage_collector(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Else all its objects stay until the collector walks through every socket that lives (decision 36)."""
    held: list[weakref.ref[object]] = []
    handle_connect = LinkedProtocol.handle_connect

    def noted(link: LinkedProtocol, event: Request) -> None:
        held.extend([weakref.ref(link), weakref.ref(link.conn)])  # a session that is left holds its link
        handle_connect(link, event)

    async def gone() -> bool:
        return all(one() is None for one in held)

    monkeypatch.setattr(LinkedProtocol, "handle_connect", noted)
    gc.disable()
    try:
        async with world.room() as socket:
            await join(socket)
            assert not await gone()
            if how == "it is cut off":
                socket.transport.abort()
            elif how == "it is sent away":
                await say(socket, type="hello")  # a second one
                assert (await closed(socket))[0] == 4400
        await until(gone, timeout_s=30)
    finally:
        gc.enable()

"""Listeners that stop listening: a hub that Redis throws out, a client process that is suspended, tokens that end."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from renderowl.services import accounts
from renderowl.testing.deployment import Deployment, open_deployment
from renderowl.testing.history import faults
from renderowl.testing.listening import PATIENCE_S, Listener, ending, hear_log, hear_polls, hear_socket, hear_stream
from renderowl.testing.serving import make_account
from renderowl.testing.signals import until
from renderowl.testing.tcp_proxy import TcpProxy

CLIENT = """
import asyncio, sys, msgspec
from renderowl.client.http import Client

async def listen():
    async with Client(*sys.argv[1:3]) as client:
        async for message in client.room(sys.argv[3]):
            print(msgspec.json.encode(message).decode(), flush=True)

asyncio.run(listen())
"""


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as opened:
        yield opened


async def test_a_hub_that_redis_throws_out_for_being_slow_makes_up_for_what_it_missed(deployment: Deployment) -> None:
    api, port = await deployment.api()
    listeners = [Listener(name) for name in ("socket", "stream", "poll")]
    server = redis.asyncio.Redis.from_url(deployment.ctx.settings.redis_url)
    limit = "client-output-buffer-limit"
    before = (await server.config_get(limit))[limit]
    async with ending(*listeners), server:
        for listener, hear in zip(listeners, (hear_socket, hear_stream, hear_polls), strict=True):
            listener.begin(hear(listener, f"http://127.0.0.1:{port}", await deployment.token(), deployment.project_id))
            await listener.reaches(0)
        api.send(signal.SIGSTOP)
        await deployment.happen(300)
        try:
            await server.config_set(limit, "pubsub 65536 65536 1")
            while await server.client_list(_type="pubsub"):
                await server.publish(f"renderowl:room:{deployment.project_id}", b"x" * 65536)
        finally:
            await server.config_set(limit, before)
        await deployment.happen(300)
        api.send(signal.SIGCONT)
        await deployment.happen(1)
        await _all_told(deployment, listeners)
        assert listeners[0].closes == []


@pytest.mark.parametrize(("missed", "snapshots"), [(450, 1), (900, 2)])
async def test_a_suspended_client_process_goes_on_where_it_was(
    deployment: Deployment, missed: int, snapshots: int
) -> None:
    """Suspended, with words on their way to it, until the server has closed its connection."""
    _, port = await deployment.api()
    proxy, listener = TcpProxy(port), Listener("client process")
    async with proxy.serve() as proxied_port, ending(listener):
        url = f"http://127.0.0.1:{proxied_port}"
        client = await deployment.run("-c", CLIENT, url, await deployment.token(), deployment.project_id)
        listener.begin(hear_log(listener, client))
        await listener.reaches(0)
        await deployment.happen(5)
        await listener.reaches(5)
        client.send(signal.SIGSTOP)
        await deployment.happen(missed // 3)
        proxy.hold()
        await deployment.happen(missed // 3)
        proxy.cut()
        await deployment.happen(missed // 3)
        proxy.release()
        client.send(signal.SIGCONT)
        await deployment.happen(1)
        await _all_told(deployment, [listener])
        assert [one["type"] for one in listener.told].count("snapshot") == snapshots


async def test_tokens_that_end_are_told_so_and_a_revoked_key_is_sent_away(deployment: Deployment) -> None:
    _, port = await deployment.api()
    owner, key = await make_account(deployment.ctx, ["read", "write"])
    await deployment.ctx.db.execute(
        "UPDATE projects SET owner_id = $1 WHERE id = $2", owner.user_id, deployment.project_id
    )
    short, _ = await accounts.mint_token(deployment.ctx, owner, deployment.project_id, scopes=["read"], ttl_s=3)
    longer, _ = await accounts.mint_token(deployment.ctx, owner, deployment.project_id, scopes=["read"], ttl_s=600)
    revoked = await accounts.make_key(deployment.ctx.db, owner.user_id, name="r", scopes=["read"])
    url = f"ws://127.0.0.1:{port}/ws/projects/{deployment.project_id}/renders"

    told: dict[str, list[dict[str, Any]]] = {name: [] for name in ("forgetful", "refreshing", "robbed", "keyed")}

    async def stay(name: str, credential: str, refresh: str | None = None) -> int:
        """Listen until the render is completed or the server closes, refreshing when it is time; the close code."""
        async with connect(
            url,
            additional_headers={"Authorization": f"Bearer {credential}"},
            subprotocols=[Subprotocol("renderowl.v1")],
        ) as socket:
            await socket.send('{"type":"hello"}')
            try:
                while True:
                    message = msgspec.json.decode(await socket.recv())
                    told[name].append(message)
                    if message["type"] == "auth.expiring" and refresh is not None:
                        await _say(socket, type="auth.refresh", token=refresh)
                    if message["type"] == "ping":
                        await _say(socket, type="pong")
                    if message["type"] == "render.completed":
                        return 0
            except ConnectionClosed as closed:
                return 0 if closed.rcvd is None else closed.rcvd.code

    forgetful, refreshing, robbed, keyed = (
        asyncio.create_task(stay(*one))
        for one in (("forgetful", short), ("refreshing", short, longer), ("robbed", revoked.plaintext), ("keyed", key))
    )

    async def all_in() -> bool:
        return all(len(messages) >= 2 for messages in told.values())

    await until(all_in, timeout_s=PATIENCE_S)
    await accounts.revoke_key(deployment.ctx, owner, revoked.key.id)
    assert await asyncio.wait_for(forgetful, PATIENCE_S) == 4401
    assert await asyncio.wait_for(robbed, PATIENCE_S) == 4403
    await deployment.happen(1, "render.completed")
    assert await asyncio.wait_for(refreshing, PATIENCE_S) == 0
    assert await asyncio.wait_for(keyed, PATIENCE_S) == 0
    assert _types(told["forgetful"]) == ["welcome", "snapshot", "auth.expiring", "error"]
    assert _types(told["refreshing"]) == ["welcome", "snapshot", "auth.expiring", "render.completed"]


def _types(told: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in told if one["type"] != "ping"]


async def _say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(msgspec.json.encode(message).decode())


async def _all_told(deployment: Deployment, listeners: list[Listener]) -> None:
    happened = await deployment.happened()
    for listener in listeners:
        await listener.reaches(happened[-1].seq)
        assert faults(listener.told, happened) == [], listener.name

"""API processes are killed, drained and replaced under their members: whoever comes back has lost and repeated nothing."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from renderowl.client.http import Client
from renderowl.testing.deployment import Deployment, open_deployment
from renderowl.testing.history import faults
from renderowl.testing.listening import Listener, ending, hear_polls, hear_socket, hear_stream
from renderowl.testing.signals import until
from renderowl.testing.tcp_proxy import TcpProxy

FILM = {"tracks": [{"clips": [{"type": "color", "color": "#ff0000", "duration": 1}]}]}
TRANSPORTS = {"socket": hear_socket, "stream": hear_stream, "poll": hear_polls}


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as opened:
        yield opened


@contextlib.asynccontextmanager
async def listening(deployment: Deployment, port: int) -> AsyncIterator[list[Listener]]:
    """A listener of each transport behind this port."""
    listeners = [Listener(name) for name in TRANSPORTS]
    async with ending(*listeners):
        for listener, hear in zip(listeners, TRANSPORTS.values(), strict=True):
            listener.begin(hear(listener, f"http://127.0.0.1:{port}", await deployment.token(), deployment.project_id))
            await listener.reaches(0)
        yield listeners


async def judge(deployment: Deployment, listeners: list[Listener]) -> None:
    """Wait until everybody was told everything, and find no fault with how."""
    happened = await deployment.happened()
    for listener in listeners:
        await listener.reaches(happened[-1].seq)
    for listener in listeners:
        assert faults(listener.told, happened) == [], listener.name


async def submit_and_cancel(client: Client, project_id: str) -> None:
    """Let two things happen."""
    render = await client.create_render(project_id, "timeline", FILM)
    await client.cancel_render(project_id, render.id)


async def test_the_relay_publishes_what_a_killed_process_had_only_committed(deployment: Deployment) -> None:
    redis_port = httpx.URL(deployment.ctx.settings.redis_url).port
    assert redis_port is not None
    proxy = TcpProxy(redis_port)
    async with proxy.serve() as proxied_port:
        redis_url = deployment.ctx.settings.redis_url.replace(f":{redis_port}/", f":{proxied_port}/")
        await deployment.scheduler()
        doomed, doomed_port = await deployment.api(redis_url=redis_url)
        _, port = await deployment.api()
        async with listening(deployment, port) as listeners, deployment.client(doomed_port) as client:
            proxy.hold()
            request = asyncio.ensure_future(client.create_render(deployment.project_id, "timeline", FILM))
            await until(deployment.happened, timeout_s=30)
            await doomed.kill()
            with pytest.raises(httpx.TransportError):
                await request
            await judge(deployment, listeners)

            async def published() -> bool:
                return not await deployment.ctx.db.fetch_value("SELECT 1 FROM events WHERE published_at IS NULL")

            await until(published)


async def test_members_of_two_processes_hear_both_and_those_of_a_draining_one_go_on_at_the_other(
    deployment: Deployment,
) -> None:
    (first, first_port), (_, second_port) = await asyncio.gather(deployment.api(), deployment.api())
    balancer = TcpProxy(first_port, second_port)
    project_id = deployment.project_id
    async with (
        balancer.serve() as port,
        listening(deployment, port) as moving,
        listening(deployment, second_port) as staying,
        deployment.client(first_port) as first_client,
        deployment.client(second_port) as second_client,
    ):
        for client in (first_client, second_client, first_client):
            await submit_and_cancel(client, project_id)
        await judge(deployment, [*moving, *staying])
        assert moving[0].closes == []
        first.send(signal.SIGTERM)
        ended = asyncio.ensure_future(first.ended())
        while not ended.done():
            await submit_and_cancel(second_client, project_id)
        assert await ended == 0
        await submit_and_cancel(second_client, project_id)
        await judge(deployment, [*moving, *staying])
        assert (set(moving[0].closes), staying[0].closes) == ({1012}, [])
        assert [one["type"] for listener in (*moving, *staying) for one in listener.told].count("snapshot") == 6


async def test_two_hundred_members_resume_over_a_deploy(deployment: Deployment) -> None:
    api, port = await deployment.api()
    listeners = [Listener(f"member {number}") for number in range(200)]
    async with ending(*listeners):
        for listener in listeners:
            token = await deployment.token()
            listener.begin(hear_socket(listener, f"http://127.0.0.1:{port}", token, deployment.project_id))
        for listener in listeners:
            await listener.reaches(0)
        await deployment.happen(5)
        api.send(signal.SIGTERM)
        await deployment.happen(5)
        assert await api.ended() == 0
        await deployment.happen(5)
        await deployment.api(port)
        await deployment.happen(5)
        await judge(deployment, listeners)
        assert all(set(listener.closes) == {1012} for listener in listeners)
        assert all(len([one for one in listener.told if one["type"] == "snapshot"]) == 1 for listener in listeners)

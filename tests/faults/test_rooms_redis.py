"""Redis dies, forgets everything or throws the hub out under a running render: no room loses, repeats or turns back."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from renderowl.client.http import Client
from renderowl.db import steps
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.testing.deployment import Deployment, open_deployment
from renderowl.testing.history import faults
from renderowl.testing.listening import PATIENCE_S, Listener, ending, hear_polls, hear_socket, hear_stream
from renderowl.testing.signals import until


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey of this test's own, to be killed."""
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
async def deployment(database_url: str, valkey: EmbeddedValkey, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, valkey.url, tmp_path) as opened:
        yield opened


def film(scenes: int) -> dict[str, Any]:
    """A film of different scenes that takes a while to encode."""
    clips = [{"type": "text", "text": f"scene {n}", "duration": 8, "style": {"font_size": 150}} for n in range(scenes)]
    return {"width": 1280, "height": 720, "fps": 30, "tracks": [{"clips": clips}]}


class Rendering:
    """A render that is being encoded, and a listener of each transport."""

    def __init__(self, deployment: Deployment, client: Client, render_id: str, listeners: list[Listener]) -> None:
        self.deployment = deployment
        self.client = client
        self.render_id = render_id
        self.listeners = listeners

    async def all_progress(self) -> None:
        """Wait until everybody hears how the render goes on."""
        for listener in self.listeners:
            await listener.hears_progress(self.render_id)

    async def all_hear_a_render_come_and_go(self) -> None:
        """Submit and cancel another render, and wait until everybody in the whole room has heard of both."""
        other = await self.client.create_render(self.deployment.project_id, "timeline", film(1), priority="low")
        await self.client.cancel_render(self.deployment.project_id, other.id)
        seq = (await self.deployment.happened())[-1].seq
        for listener in self.listeners:
            if listener.name != "render poll":
                await listener.reaches(seq)

    async def cancel(self) -> None:
        """Cancel the render and judge what everybody was told."""
        await self.client.cancel_render(self.deployment.project_id, self.render_id)
        happened = await self.deployment.happened()
        for listener in self.listeners:
            await listener.until(lambda: listener.told[-1]["type"] == "render.cancelled", "the end")  # noqa: B023
        for listener in self.listeners:
            only = self.render_id if listener.name == "render poll" else None
            assert faults(listener.told, happened, render_id=only) == [], listener.name


@contextlib.asynccontextmanager
async def rendering(deployment: Deployment) -> AsyncIterator[Rendering]:
    """Start everything and wait until a part of a film is done and every listener hears how it goes on."""
    _, port = await deployment.api()
    await deployment.scheduler()
    await deployment.worker()
    url, project_id = f"http://127.0.0.1:{port}", deployment.project_id
    async with deployment.client(port) as client:
        listeners = [Listener(name) for name in ("socket", "stream", "poll", "render poll")]
        async with ending(*listeners):
            for listener, hear in zip(listeners, (hear_socket, hear_stream, hear_polls), strict=False):
                listener.begin(hear(listener, url, await deployment.token(), project_id))
                await listener.reaches(0)
            render = await client.create_render(
                project_id, "timeline", film(12), output_settings={"preset": "medium"}, priority="high"
            )
            listeners[3].begin(hear_polls(listeners[3], url, await deployment.token(), project_id, render.id))

            async def done() -> bool:
                found = await steps.list_of_render(deployment.ctx.db, render.id, 1)
                return any((step.kind, step.status) == ("segment", "completed") for step in found)

            await until(done, timeout_s=PATIENCE_S)
            for listener in listeners:
                await listener.hears_progress(render.id)
            yield Rendering(deployment, client, render.id, listeners)


async def test_redis_killed_and_restarted_under_a_render(deployment: Deployment, valkey: EmbeddedValkey) -> None:
    async with rendering(deployment) as running:
        os.kill(valkey.pid, signal.SIGKILL)
        await running.all_hear_a_render_come_and_go()
        valkey.start()
        await running.all_progress()
        await running.all_hear_a_render_come_and_go()
        await running.cancel()


async def test_redis_flushed_under_a_render(deployment: Deployment, valkey: EmbeddedValkey) -> None:
    async with rendering(deployment) as running, redis.asyncio.Redis.from_url(valkey.url) as server:
        await server.flushall()
        await running.all_progress()
        await running.all_hear_a_render_come_and_go()
        await server.flushall()
        await running.all_progress()
        await running.cancel()

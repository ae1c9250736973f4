"""A farm in one process: scheduler, reaper, relay and workers over real servers and real FFmpeg, driven through services."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from renderowl.actors.reaper import Reaper
from renderowl.actors.relay import Relay
from renderowl.actors.scheduler import Scheduler
from renderowl.actors.supervisor import Supervisor
from renderowl.app import agent_of, open_context
from renderowl.bus.base import RoomMessage
from renderowl.db import assets, projects
from renderowl.domain.errors import Unavailable
from renderowl.domain.events import Event
from renderowl.domain.ids import new_id
from renderowl.domain.lifecycle import is_active
from renderowl.domain.records import Principal, Render
from renderowl.pipeline.tools import discover
from renderowl.queue.arq import ArqQueue
from renderowl.services import announcing, renders
from renderowl.services import assets as asset_services
from renderowl.services.asking import RenderRequest
from renderowl.services.context import Context
from renderowl.settings import Settings
from renderowl.testing.settings import settings_over
from renderowl.testing.signals import until
from renderowl.worker.main import open_worker


def farm_settings(database_url: str, redis_url: str, storage_dir: Path, work_dir: Path, **more: Any) -> Settings:
    """Settings of a farm over a test's servers and folders."""
    return settings_over(database_url, redis_url, storage_dir, work_dir=str(work_dir), **more)


class Farm:
    """One user's project on a farm."""

    def __init__(self, ctx: Context, principal: Principal, project_id: str) -> None:
        self.ctx = ctx
        self.principal = principal
        self.project_id = project_id
        self.heard: list[RoomMessage] = []

    def hear(self, item: RoomMessage | str) -> None:
        """Note what is said in the project's room."""
        if isinstance(item, RoomMessage):
            self.heard.append(item)

    async def submit(
        self, input_props: Mapping[str, Any], output_settings: Mapping[str, Any] | None = None, **more: Any
    ) -> str:
        """A render of the `timeline` composition; its id."""
        request = RenderRequest("timeline", dict(input_props), dict(output_settings or {}), **more)
        return (await renders.submit(self.ctx, self.principal, self.project_id, request)).render.id

    async def submit_request(self, request: RenderRequest) -> str:
        """A render of any composition; its id."""
        return (await renders.submit(self.ctx, self.principal, self.project_id, request)).render.id

    async def retry(self, render_id: str) -> None:
        """Try a failed render again."""
        await renders.retry(self.ctx, self.principal, self.project_id, render_id)

    async def upload(self, path: Path, content_type: str) -> str:
        """The source `asset://...` of a file that was uploaded and probed."""
        request = announcing.UploadRequest(path.name, content_type, path.stat().st_size)
        asset = msgspec.structs.replace(announcing.pending(self.project_id, request), status="processing")
        await assets.insert(self.ctx.db, asset)
        await self.ctx.storage.put_file(asset.storage_key, path, content_type=content_type)
        done = await asset_services.process(self.ctx, await discover(), asset)
        assert done is not None
        assert done.status == "ready", done.error
        return f"asset://{asset.id}"

    async def get(self, render_id: str) -> Render:
        """The render as it is."""
        return await renders.get(self.ctx, self.principal, self.project_id, render_id)

    async def cancel(self, render_id: str) -> None:
        """Cancel a render."""
        await renders.cancel(self.ctx, self.principal, self.project_id, render_id)

    async def ended(self, render_id: str, *, timeout_s: float = 60.0) -> Render:
        """The render at its end."""

        async def look() -> Render | None:
            try:
                render = await self.get(render_id)
            except Unavailable:  # a server was killed and is on its way back
                return None
            return None if is_active(render.status) else render

        return await until(look, timeout_s=timeout_s)

    async def completed(self, render_id: str, *, timeout_s: float = 60.0) -> Render:
        """The render, which must have completed."""
        render = await self.ended(render_id, timeout_s=timeout_s)
        assert render.status == "completed", render.error
        return render

    async def download(self, render: Render, folder: Path, kind: str = "video") -> Path:
        """A local copy of the render's file of this kind."""
        assert render.output is not None
        (file,) = [one for one in render.output["outputs"] if one["kind"] == kind]
        path = folder / f"{render.id}-{file['name']}"
        await self.ctx.storage.get_file(file["key"], path)
        return path

    def events(self) -> list[Event]:
        """The durable events that the room was told, each once, by seq.

        The bus may say one twice (its writer and the relay), or before an earlier one; rooms put that right, and so does this.
        """
        told = {message.seq: message.body for message in self.heard if message.kind == "durable" and message.seq}
        return [msgspec.json.decode(told[seq], type=Event) for seq in sorted(told)]

    def progress(self, render_id: str) -> list[dict[str, Any]]:
        """What the room was told of a render's progress, in order."""
        return [
            msgspec.json.decode(message.body)["data"]
            for message in self.heard
            if message.kind == "progress" and message.render_id == render_id
        ]


@contextlib.asynccontextmanager
async def open_farm(
    settings: Settings, *, workers: int = 1, slots: int = 2, labels: Sequence[str] = ()
) -> AsyncIterator[Farm]:
    """Everything but the API, with so many workers in this process; a project's room is listened to all along."""
    async with contextlib.AsyncExitStack() as stack:
        ctx = await stack.enter_async_context(open_context(settings))
        farm = await _new_farm(ctx)
        queue = ArqQueue(settings.redis_url)
        stack.push_async_callback(queue.close)
        supervisor = Supervisor([Scheduler(ctx, queue), Reaper(ctx), Relay(ctx)])
        await supervised(stack, supervisor)
        for _ in range(workers):
            worker = await stack.enter_async_context(open_worker(ctx, slots=slots, labels=labels))
            agent = agent_of(ctx, worker)
            await supervised(stack, Supervisor([agent]))
            stack.push_async_callback(agent.kill)
            await agent.registered.wait()
        await listening(stack, farm)
        yield farm


async def listening(stack: contextlib.AsyncExitStack, farm: Farm) -> None:
    """Listen to the farm's room until the end of the stack."""
    feed = farm.ctx.bus.rooms()
    await feed.follow(farm.project_id)
    task = asyncio.create_task(feed.listen(farm.hear))
    stack.callback(task.cancel)


async def supervised(stack: contextlib.AsyncExitStack, supervisor: Supervisor) -> None:
    """Run actors until the end of the stack."""
    task = asyncio.create_task(supervisor.run())

    async def stop() -> None:
        supervisor.stop()
        await task

    stack.push_async_callback(stop)


async def _new_farm(ctx: Context) -> Farm:
    user_id, project_id = new_id("usr"), new_id("prj")
    await ctx.db.execute("INSERT INTO users (id, email) VALUES ($1, $1)", user_id)
    await projects.insert(ctx.db, project_id=project_id, owner_id=user_id, name="farm", description=None, settings={})
    principal = Principal(user_id=user_id, scopes=frozenset({"read", "write"}), kind="key", credential_id="key_test")
    return Farm(ctx, principal, project_id)


def forget_cache(storage_dir: Path) -> None:
    """Empty the segment cache of a local storage."""
    shutil.rmtree(storage_dir / "objects" / "cache", ignore_errors=True)

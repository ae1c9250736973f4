"""A farm whose films are made at a RunPod-shaped endpoint: the API served, the scheduler's actors, and remote runners."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from renderowl.actors.reaper import Reaper
from renderowl.actors.relay import Relay
from renderowl.actors.remote_runner import RemoteRunner
from renderowl.actors.scheduler import Scheduler
from renderowl.actors.supervisor import Supervisor
from renderowl.app import agent_of
from renderowl.embedded.process import die_with_parent
from renderowl.queue.arq import ArqQueue
from renderowl.services.endpoint import Endpoint
from renderowl.services.errands import Followed
from renderowl.settings import PREFIX
from renderowl.testing.farm import Farm, listening, supervised
from renderowl.testing.runpod import API_KEY, RunPod, open_runpod
from renderowl.testing.serving import World, serve
from renderowl.testing.signals import until
from renderowl.worker.main import open_remote_worker

PRICE_PER_S: Final = 0.25
_PASSED_ON: Final = (
    *("database_url", "redis_url", "storage_url", "secret_key", "public_url", "lease_s", "heartbeat_s", "work_dir"),
    *("remote_endpoint", "remote_api_key", "remote_price_per_s", "remote_poll_s", "drain_timeout_s"),
)


@dataclass(frozen=True)
class RemoteFarm:
    """A farm, the API it is served by, and the endpoint."""

    farm: Farm
    world: World
    runpod: RunPod
    folder: Path
    stack: contextlib.AsyncExitStack

    @property
    def logs(self) -> list[str]:
        """What the runners of `run_apart` have said."""
        return [path.read_text() for path in sorted(self.folder.glob("runner-*.log"))]

    async def run_here(self) -> None:
        """A remote runner in this process, until the end."""
        ctx, followed = self.farm.ctx, Followed()
        endpoint = Endpoint(ctx.settings)
        worker = await self.stack.enter_async_context(open_remote_worker(ctx, endpoint, followed))
        agent = agent_of(ctx, worker)
        await supervised(self.stack, Supervisor([agent, RemoteRunner(ctx, endpoint, followed)]))
        self.stack.push_async_callback(agent.kill)
        await agent.registered.wait()

    async def run_apart(self, **settings: Any) -> asyncio.subprocess.Process:
        """`renderowl remote runner` with these settings as a process that can be killed, once it is registered."""
        values = {name: getattr(self.farm.ctx.settings, name) for name in _PASSED_ON} | settings
        with open(self.folder / f"runner-{len(self.logs)}.log", "wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "renderowl", "remote", "runner"),
                env=os.environ | {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()},
                preexec_fn=die_with_parent(signal.SIGKILL),
                stdout=log,
                stderr=log,
            )
        self.stack.push_async_callback(killed, process)

        async def registered() -> bool:
            assert process.returncode is None, "the remote runner did not start"
            return bool(await self.farm.ctx.db.fetch_value("SELECT 1 FROM workers WHERE pid = $1", process.pid))

        await until(registered, timeout_s=60)
        return process

    async def errands(self, render_id: str) -> list[dict[str, Any]]:
        """The rows of a render's errands, the oldest first."""
        rows = await self.farm.ctx.db.fetch("SELECT * FROM errands WHERE render_id = $1 ORDER BY id", render_id)
        return [dict(row) for row in rows]

    async def ended_errands(self, render_id: str) -> list[dict[str, Any]]:
        """The same, once all have ended."""

        async def look() -> list[dict[str, Any]] | None:
            rows = await self.errands(render_id)
            return rows if rows and all(row["status"] == "ended" for row in rows) else None

        return await until(look, timeout_s=60)

    async def hurry(self) -> None:
        """Let nothing wait for its next try."""
        await self.farm.ctx.db.execute("UPDATE steps SET not_before = NULL WHERE status = 'queued'")

    async def submitted(self, count: int) -> None:
        """Wait until the endpoint was given so many jobs, without waiting between tries."""

        async def look() -> bool:
            await self.hurry()
            return len(self.runpod.submissions) >= count

        await until(look, timeout_s=60)

    async def noted(self, render_id: str) -> None:
        """Wait until the runner knows what the endpoint calls the work for a render."""

        async def look() -> bool:
            return any(row["remote_id"] is not None for row in await self.errands(render_id))

        await until(look, timeout_s=60)


async def killed(process: asyncio.subprocess.Process) -> None:
    """End a process as a crash does."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@contextlib.asynccontextmanager
async def open_remote_farm(
    database_url: str, redis_url: str, folder: Path, **settings: Any
) -> AsyncIterator[RemoteFarm]:
    """Everything but a remote runner. Callbacks are what makes it quick: the endpoint is asked by itself every 30 s."""
    async with contextlib.AsyncExitStack() as stack:
        runpod = await stack.enter_async_context(open_runpod())
        values: dict[str, Any] = {
            "remote_endpoint": runpod.url,
            "remote_api_key": API_KEY,
            "remote_price_per_s": PRICE_PER_S,
            "remote_poll_s": 30.0,
            "work_dir": str(folder / "work"),
        }
        world = await stack.enter_async_context(serve(database_url, redis_url, folder / "storage", **values | settings))
        queue = ArqQueue(redis_url)
        stack.push_async_callback(queue.close)
        ctx = world.ctx
        await supervised(stack, Supervisor([Scheduler(ctx, queue), Reaper(ctx), Relay(ctx)]))
        farm = Farm(ctx, world.principal, world.project.id)
        await listening(stack, farm)
        yield RemoteFarm(farm, world, runpod, folder, stack)

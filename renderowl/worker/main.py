"""The parts of a worker process: what it can do, where it works, what executes its steps and what brings them."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from renderowl.db.admission import ONLY
from renderowl.domain.ids import new_id
from renderowl.pipeline.hardware import equipped
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.pipeline.walls import bubblewrap
from renderowl.queue.arq import ArqReceiver
from renderowl.services.blueprint import capability
from renderowl.services.context import Context
from renderowl.services.endpoint import Endpoint
from renderowl.services.errands import Followed
from renderowl.services.routing import REMOTE_LABEL
from renderowl.settings import Settings, SettingsError
from renderowl.worker.executor import Executor
from renderowl.worker.inputs import InputCache
from renderowl.worker.remote import RemoteExecutor
from renderowl.worker.workspace import Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """What the composition root makes an agent of."""

    worker_id: str
    slots: int
    offers: tuple[str, ...]
    executor: Executor
    receiver: ArqReceiver
    has_room: Callable[[], Awaitable[bool]]
    """Looks whether the disk has room for a step, dropping cached inputs where it has not."""


@asynccontextmanager
async def open_worker(ctx: Context, *, slots: int = 0, labels: Sequence[str] = ()) -> AsyncIterator[Worker]:
    """A worker's parts; its temporary files are removed at the end of the block. `slots` 0 is one a core."""
    slots = slots or ctx.settings.worker_slots or len(os.sched_getaffinity(0))
    async with _open(ctx, Executor, slots=slots) as (worker, tools):
        yield replace(worker, offers=(capability(tools), *labels))


@asynccontextmanager
async def open_remote_worker(ctx: Context, endpoint: Endpoint, followed: Followed) -> AsyncIterator[Worker]:
    """The parts of a worker that has films made at an endpoint; it takes nothing but what is meant for there."""
    execute = partial(RemoteExecutor, endpoint=endpoint, followed=followed)
    async with _open(ctx, execute, slots=ctx.settings.remote_slots) as (worker, _):
        yield replace(worker, offers=(REMOTE_LABEL, ONLY + REMOTE_LABEL))


@asynccontextmanager
async def _open(
    ctx: Context, make_executor: Callable[..., Executor], *, slots: int
) -> AsyncIterator[tuple[Worker, Toolchain]]:
    settings = ctx.settings
    tools = await equipped(await discover(settings.ffmpeg, settings.ffprobe), settings.hardware_encoder)
    folder = work_dir(settings)
    worker_id = new_id("wrk")
    with Workspace(folder, spare_bytes=settings.spare_disk_bytes) as workspace:
        inputs = InputCache(
            folder / "inputs",
            ctx.storage,
            drafts=workspace.drafts,
            max_bytes=settings.input_cache_bytes,
            spare_bytes=settings.spare_disk_bytes,
        )

        async def has_room() -> bool:
            await asyncio.to_thread(inputs.make_room)
            return workspace.has_room()

        walls = await asyncio.to_thread(bubblewrap) or "none"
        log.info(
            "worker_opened",
            worker_id=worker_id,
            slots=slots,
            ffmpeg=tools.fingerprint,
            work_dir=str(folder),
            walls=walls,
        )
        worker = Worker(
            worker_id=worker_id,
            slots=slots,
            offers=(),
            executor=make_executor(ctx, tools, workspace, inputs),
            receiver=ArqReceiver(settings.redis_url, worker_id, slots=slots),
            has_room=has_room,
        )
        yield worker, tools


def work_dir(settings: Settings) -> Path:
    """The folder for inputs and intermediate files: the one set, else this user's own under the temporary folder."""
    if settings.work_dir:
        folder = Path(settings.work_dir).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir()) / f"renderowl-worker-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise SettingsError(f"{folder} belongs to somebody else; set RENDEROWL_WORK_DIR")
    return folder

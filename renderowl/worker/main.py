"""The parts of a worker process: what it can do, where it works, what executes its steps and what brings them."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from renderowl.domain.ids import new_id
from renderowl.pipeline.hardware import equipped
from renderowl.pipeline.tools import discover
from renderowl.queue.arq import ArqReceiver
from renderowl.services.blueprint import capability
from renderowl.services.context import Context
from renderowl.settings import Settings, SettingsError
from renderowl.worker.executor import Executor
from renderowl.worker.inputs import InputCache
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
    settings = ctx.settings
    tools = await equipped(await discover(settings.ffmpeg, settings.ffprobe), settings.hardware_encoder)
    folder = work_dir(settings)
    worker_id = new_id("wrk")
    slots = slots or settings.worker_slots or len(os.sched_getaffinity(0))
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

        log.info("worker_opened", worker_id=worker_id, slots=slots, ffmpeg=tools.fingerprint, work_dir=str(folder))
        yield Worker(
            worker_id=worker_id,
            slots=slots,
            offers=(capability(tools), *labels),
            executor=Executor(ctx, tools, workspace, inputs),
            receiver=ArqReceiver(settings.redis_url, worker_id, slots=slots),
            has_room=has_room,
        )


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

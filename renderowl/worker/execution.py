"""One execution of one step: the value that all its named steps work on, and what they share."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from renderowl.domain.errors import Interrupted, Unavailable
from renderowl.domain.records import Claim
from renderowl.pipeline.run import ProcessLimits
from renderowl.pipeline.timeline import Media
from renderowl.pipeline.tools import Toolchain
from renderowl.services.context import Context
from renderowl.services.steps import Work
from renderowl.services.stopping import StopSignal
from renderowl.worker.inputs import InputCache
from renderowl.worker.watchdog import Watchdog

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0
ENCODER_LOG: Final = "ffmpeg.log"


@dataclass(frozen=True, slots=True)
class Execution:
    """A claimed step with everything needed to do it. `folder` is its own and disappears with it."""

    ctx: Context
    tools: Toolchain
    inputs: InputCache
    limits: ProcessLimits
    claim: Claim
    work: Work
    signal: StopSignal
    watchdog: Watchdog
    folder: Path

    @property
    def render_prefix(self) -> str:
        """Below which all objects of the render lie."""
        return f"projects/{self.work.render.project_id}/renders/{self.work.render.id}/"

    @property
    def attempt_prefix(self) -> str:
        """Below which this claim's outputs lie: nobody else ever writes there."""
        return f"{self.render_prefix}{self.work.render.attempt}-{self.claim.token}/"

    def new_folder(self, name: str) -> Path:
        """A folder in the execution's own."""
        folder = self.folder / name
        folder.mkdir()
        return folder

    def wanted(self, media: Mapping[str, Media], keys: Mapping[str, str]) -> dict[str, str]:
        """What the input cache must have for these media: content hash -> storage key."""
        return {medium.content_hash: keys[src] for src, medium in media.items()}

    def refuse_if_stopped(self) -> None:
        """Raise Interrupted when the step was asked to stop."""
        if self.signal.event.is_set():
            raise Interrupted("the step was asked to stop")

    async def unless_stopped(self, action: Coroutine[Any, Any, T]) -> T:
        """The result of `action`. Raises Interrupted, with the action cancelled, when the step is asked to stop."""
        acting = asyncio.ensure_future(action)
        stopped = asyncio.ensure_future(self.signal.event.wait())
        try:
            await asyncio.wait({acting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not acting.done():
                raise Interrupted("the step was asked to stop")
            return acting.result()
        finally:
            self.watchdog.sign()
            for task in (acting, stopped):
                task.cancel()
            await asyncio.gather(acting, stopped, return_exceptions=True)

    async def keep_log(self, name: str, work_dir: Path) -> None:
        """Store what the encoder said, for the owner to read; losing it is no failure."""
        path = work_dir / ENCODER_LOG
        if not path.exists():
            return
        key = f"{self.render_prefix}logs/{self.work.render.attempt}/{name}.txt"
        try:
            await self.ctx.storage.put_file(key, path, content_type="text/plain; charset=utf-8")
        except Exception as error:
            log.warning("encoder_log_lost", key=key, reason=str(error))


async def until_delivered(report: Callable[[], Awaitable[T]]) -> T:
    """Repeat what Postgres must be told until it has been told; encoded work is not thrown away for an outage.

    When the claim is lost meanwhile, Postgres says so: `report` then raises Fenced.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return await report()
        except Unavailable as error:
            log.warning("report_waits", reason=str(error), wait_s=wait_s)
        await asyncio.sleep(wait_s)
        wait_s = min(LONGEST_WAIT_S, wait_s * 2)

"""The asset prober: looks into uploaded files, a few at a time, and takes up those that another process left."""

import asyncio
from typing import Final

import msgspec
import structlog

from renderowl.actors.actor import Actor, MailboxFull
from renderowl.actors.clock import Clock
from renderowl.domain.errors import RenderOwlError
from renderowl.domain.records import Asset
from renderowl.pipeline.tools import Toolchain
from renderowl.services import assets
from renderowl.services.context import Context

log = structlog.get_logger(__name__)

AT_ONCE: Final = 2


class ProbeAsset(msgspec.Struct, frozen=True):
    """This asset's upload was confirmed."""

    asset: Asset


class AssetProber(Actor[ProbeAsset]):
    """Probing is repeated by the slow tick until Postgres has its result, so a lost message costs only time."""

    tick_s = 60.0

    def __init__(self, ctx: Context, tools: Toolchain, *, clock: Clock | None = None) -> None:
        super().__init__("asset_prober", clock=clock)
        self._ctx = ctx
        self.tools = tools
        self._slots = asyncio.Semaphore(AT_ONCE)

    def submit(self, asset: Asset) -> None:
        """Have an asset looked into soon; when the mailbox is full the tick finds it."""
        try:
            self.tell(ProbeAsset(asset))
        except MailboxFull:
            log.warning("asset_probe_delayed", asset_id=asset.id)

    async def handle(self, message: ProbeAsset) -> None:
        await self._slots.acquire()
        self.spawn(self._probe(message.asset))

    async def tick(self) -> None:
        try:
            await assets.sweep(self._ctx, self.tools)
        except RenderOwlError as error:
            log.warning("asset_sweep_waits", reason=error.detail)

    async def _probe(self, asset: Asset) -> None:
        try:
            done = await assets.process(self._ctx, self.tools, asset)
            log.info("asset_probed", asset_id=asset.id, status=None if done is None else done.status)
        except (RenderOwlError, OSError) as error:
            log.warning("asset_probe_waits", asset_id=asset.id, reason=str(error))
        except Exception:  # somebody's file, and no reason for the others' to wait
            log.exception("asset_probe_broke", asset_id=asset.id)
        finally:
            self._slots.release()

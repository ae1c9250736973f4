"""Errands: a render that is made at a remote endpoint, submitted once for each attempt of its step.

The row is committed before anything is sent, and only who has just committed it sends. What is not known to have been
sent is never sent again: the next attempt gives it up, is an errand of its own, and calls the stray back when it shows.
A submitted errand outlives its claim: the next claim of the step takes it over.

Callbacks are hints. Nothing they say is believed but the endpoint's id of an errand that had none, and its progress.
"""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from renderowl.bus.base import BusUnavailable
from renderowl.db import errands
from renderowl.domain.errors import Conflict, Unauthenticated
from renderowl.domain.ids import is_id
from renderowl.domain.records import Claim, Errand
from renderowl.services import assets, metrics, reports, steps
from renderowl.services.blueprint import Blueprint
from renderowl.services.context import Context
from renderowl.services.endpoint import Endpoint, EndpointForgot, EndpointSilent, Look, is_remote_id
from renderowl.settings import Settings
from renderowl.storage.base import ObjectMissing

log = structlog.get_logger(__name__)

ORDER_NAME: Final = "order.json"
RESULT_NAME: Final = "result.tar"
CALLBACK_PATH: Final = "/api/runpod/callback/"
_CALLBACKS: Final = "errand-callback"
STRAY_LEASE_S: Final = 15.0
"""How long after one look at a stray it is looked at again."""


def lifetime_s(settings: Settings) -> float:
    """After how long an errand is over at the endpoint, whatever happened: what its `ttl` is."""
    return settings.remote_wait_s + settings.remote_execution_s


# --- the life of an errand, by whoever holds the step's claim -------------------------------------------------------


async def take_over(ctx: Context, claim: Claim) -> Errand | None:
    """The errand that an earlier claim of the step has submitted: it is this claim's now. Raises steps.Fenced."""
    async with ctx.db.transaction():
        await steps.hold(ctx, claim)
        return await errands.take_over(ctx.db, claim.step_id, claim.attempt)


async def record(ctx: Context, claim: Claim, errand: Errand, blueprint: Blueprint) -> None:
    """Commit that this errand is about to be submitted. Raises steps.Fenced."""
    async with ctx.db.transaction():
        await steps.hold(ctx, claim)
        await errands.insert(ctx.db, errand, msgspec.to_builtins(blueprint))


async def note_submitted(ctx: Context, errand: Errand, remote_id: str) -> None:
    """Note what the endpoint calls it."""
    await errands.set_submitted(ctx.db, errand.id, remote_id)
    metrics.ERRANDS_SUBMITTED.inc()


async def get_blueprint(ctx: Context, errand: Errand) -> Blueprint | None:
    """What the errand is to make; None when it has ended meanwhile, or was planned by another version of this program."""
    kept = await errands.get_blueprint(ctx.db, errand.id)
    try:
        return None if kept is None else msgspec.convert(kept, Blueprint)
    except msgspec.ValidationError as error:
        log.warning("blueprint_unreadable", errand_id=errand.id, reason=str(error))
        return None


async def note_times(ctx: Context, errand: Errand, look: Look) -> None:
    """Keep what an errand that is over took; the render and its key's usage show it."""
    async with ctx.db.transaction():
        await errands.set_times(ctx.db, errand, look.delay_s, look.execution_s)


async def give_up(ctx: Context, errand: Errand) -> None:
    """Wait for it no longer; it is called back when it shows."""
    await errands.give_up(ctx.db, errand.id)


async def end(ctx: Context, errand: Errand, outcome: str) -> None:
    """Note how it ended, once everything that came of it has been taken."""
    if await errands.end(ctx.db, errand.id, outcome):
        metrics.ERRANDS_ENDED.labels(outcome).inc()
    try:
        await ctx.storage.delete_prefix(errand.prefix)
    except Exception as error:  # what is left goes with the other leftovers of the render
        log.warning("errand_left_behind", errand_id=errand.id, reason=str(error))


class Followed:
    """The errands that this process waits for; each can be told that there is news."""

    def __init__(self) -> None:
        self._news: dict[str, asyncio.Event] = {}

    def follow(self, errand_id: str) -> asyncio.Event:
        """What is set when there is news of an errand, until it is dropped."""
        return self._news.setdefault(errand_id, asyncio.Event())

    def drop(self, errand_id: str) -> None:
        """Nobody waits for it here any more."""
        self._news.pop(errand_id, None)

    async def hear(self, ctx: Context) -> None:
        """Tell those that wait of the hints that have come."""
        if self._news:
            for errand_id in await errands.take_hints(ctx.db, list(self._news)):
                if errand_id in self._news:
                    self._news[errand_id].set()


# --- strays ---------------------------------------------------------------------------------------------------------


async def recall(ctx: Context, endpoint: Endpoint) -> int:
    """Call back errands that nobody waits for, and note what they took; the runner's tick. Returns how many it looked at.

    One whose id was never told is waited for until it is over whatever happened: it may yet show by a callback.
    """
    strays = await errands.claim_strays(ctx.db, lease_s=STRAY_LEASE_S)
    for errand in strays:
        try:
            await _recall_one(ctx, endpoint, errand)
        except EndpointSilent as problem:
            log.warning("stray_unanswered", errand_id=errand.id, reason=str(problem))
            if errand.left_s < 0:
                await end(ctx, errand, "unknown")
    return len(strays)


async def _recall_one(ctx: Context, endpoint: Endpoint, errand: Errand) -> None:
    if errand.remote_id is None:
        if errand.left_s < 0:
            await end(ctx, errand, "never_seen")
        return
    try:
        look = await endpoint.status(errand.remote_id)
        if not look.over:
            await endpoint.cancel(errand.remote_id)
            log.info("stray_cancelled", errand_id=errand.id, remote_id=errand.remote_id)
            look = await endpoint.status(errand.remote_id)
    except EndpointForgot:
        await end(ctx, errand, "forgotten")
        return
    if look.over:
        await note_times(ctx, errand, look)
        await end(ctx, errand, look.state)
    elif errand.left_s < 0:
        await end(ctx, errand, "unknown")


# --- callbacks ------------------------------------------------------------------------------------------------------


class Callback(msgspec.Struct, frozen=True):
    """What is read of a callback: RunPod's own at the end of a job, or a handler's word on its way."""

    id: Any = None
    status: Any = None
    progress: Any = None


class CallbackReceipt(msgspec.Struct, frozen=True):
    """`wanted` is false when nobody waits for this job any more: stop, and discard what was made."""

    received: bool
    wanted: bool


def callback_url(ctx: Context, errand_id: str) -> str:
    """Where an errand is told of: the signature in it opens nothing else."""
    signature = ctx.keyring.sign(_CALLBACKS, errand_id.encode())
    return f"{ctx.settings.base_url}{CALLBACK_PATH}{errand_id}?signature={signature}"


def verify_callback(ctx: Context, errand_id: str, signature: str) -> None:
    """Raise Unauthenticated unless this is the signature in the URL that we gave away for this errand."""
    if not is_id(errand_id, "ern") or not ctx.keyring.verify(_CALLBACKS, errand_id.encode(), signature):
        raise Unauthenticated("the signature in the URL is not that of this job")


async def take_callback(ctx: Context, errand_id: str, said: Callback) -> CallbackReceipt:
    """Take a hint: whoever waits for the errand asks the endpoint now. Progress, 0 to 100, is told to the room."""
    remote_id = said.id if isinstance(said.id, str) and is_remote_id(said.id) else None
    wanted = await errands.hint(ctx.db, errand_id, remote_id)
    if wanted and isinstance(said.progress, int | float) and 0 <= said.progress <= 100:
        errand = await errands.get(ctx.db, errand_id)
        assert errand is not None, "a wanted errand is there"
        report = reports.ProgressReport(
            errand.step_id, errand.step_attempt, n=time.time_ns() // 1_000_000, done=said.progress / 100
        )
        try:
            await reports.take(ctx, report)
        except (Conflict, BusUnavailable) as error:
            log.debug("callback_progress_dropped", errand_id=errand_id, reason=str(error))
    return CallbackReceipt(received=True, wanted=wanted)


# --- what comes back through storage --------------------------------------------------------------------------------


async def require_expected(ctx: Context, storage_key: str) -> None:
    """Raise UrlExpired unless an upload to this key is waited for: an asset's, or what an errand has made."""
    errand_id = storage_key.rpartition("/")[0].rpartition("-")[2]
    of_errand = storage_key.endswith(f"/{RESULT_NAME}") and is_id(errand_id, "ern")
    if not of_errand or not await errands.is_wanted(ctx.db, errand_id):
        await assets.require_pending(ctx, storage_key)


async def fetch_result(ctx: Context, errand: Errand, path: Path) -> bool:
    """Write what the errand has sent home to `path`; False when nothing has come."""
    try:
        await ctx.storage.get_file(errand.prefix + RESULT_NAME, path)
    except ObjectMissing:
        return False
    return True

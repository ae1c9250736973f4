"""The executor of the remote runner: a render's first step is planned here, made elsewhere, and its result published here.

The order in which things are done is what makes it safe to be killed anywhere: the row of an errand is committed before
it is submitted; its id is noted after; its result is published before it is called ended.
"""

import asyncio
import contextlib
import time
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from renderowl import __version__
from renderowl.domain.errors import ERRORS, DeadlineExceeded, Interrupted, RemoteFailed, RenderOwlError
from renderowl.domain.ids import new_id
from renderowl.domain.records import Errand
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.plan import Plan
from renderowl.services import errands, reports, tracing
from renderowl.services.blueprint import Blueprint, of_draft
from renderowl.services.drafting import draft, read_ask
from renderowl.services.endpoint import (
    Endpoint,
    EndpointForgot,
    EndpointRefused,
    EndpointSilent,
    Look,
    in_short,
)
from renderowl.services.errands import ORDER_NAME, RESULT_NAME, Followed
from renderowl.services.views import CacheView
from renderowl.settings import REMOTE_GRACE_S
from renderowl.worker.assembling import Film, publish
from renderowl.worker.execution import Execution, until_delivered
from renderowl.worker.executor import Executor
from renderowl.worker.fetching import fetch_sources
from renderowl.worker.order import Failure, Order, Place, ReportTo, Result, media_of
from renderowl.worker.parcel import unpack

log = structlog.get_logger(__name__)

FORGETTING_S: Final = 2.0
"""How long after an endpoint knew nothing of an errand it is asked again: what has just been submitted may come later."""


class RemoteExecutor(Executor):
    """Executes claims by having them made at an endpoint."""

    def __init__(self, *parts: Any, endpoint: Endpoint, followed: Followed) -> None:
        super().__init__(*parts)
        self._endpoint = endpoint
        self._followed = followed

    async def _do(self, execution: Execution) -> None:
        errand, blueprint = await self._taken_over(execution) or await self._sent(execution)
        with tracing.span("remote", errand_id=errand.id):
            look = await self._until_over(execution, errand)
        files = await self._bring_home(execution, errand, blueprint.plan, look)
        film = Film(files, CacheView(segments=len(blueprint.plan.segments)))
        with tracing.span("publish"):
            await publish(execution, blueprint, film, cost=blueprint.cost)
        await until_delivered(lambda: errands.end(execution.ctx, errand, look.state))

    async def _taken_over(self, execution: Execution) -> tuple[Errand, Blueprint] | None:
        """What an earlier claim of the step has submitted, if that can still be of use."""
        errand = await until_delivered(lambda: errands.take_over(execution.ctx, execution.claim))
        if errand is None:
            return None
        blueprint = await until_delivered(lambda: errands.get_blueprint(execution.ctx, errand))
        if blueprint is None:
            await until_delivered(lambda: errands.give_up(execution.ctx, errand))
            return None
        log.info("errand_taken_over", errand_id=errand.id, remote_id=errand.remote_id)
        return errand, blueprint

    async def _sent(self, execution: Execution) -> tuple[Errand, Blueprint]:
        blueprint = await self._plan(execution)
        return await self._submit(execution, blueprint), blueprint

    async def _plan(self, execution: Execution) -> Blueprint:
        """Fetch and compile, as for any render; the segment cache is left out of it, since it cannot be reached from there."""
        render = execution.work.render
        ask = await read_ask(execution.ctx, render.composition_id, render.input_props, render.output_settings)
        with tracing.span("fetch"):
            fetched = await fetch_sources(execution, ask)
        with tracing.span("plan"):
            found = await until_delivered(lambda: draft(execution.ctx, render.project_id, ask, fetched))
        blueprint = of_draft(found, execution.tools)
        unseen = msgspec.structs.replace(blueprint.plan.preview, frames=False, hls=False)
        return msgspec.structs.replace(blueprint, plan=msgspec.structs.replace(blueprint.plan, preview=unseen))

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _submit(self, execution: Execution, blueprint: Blueprint) -> Errand:
        """Record an errand, then submit it, once. Raises RemoteFailed when it was not taken or nobody knows."""
        ctx, settings = execution.ctx, execution.ctx.settings
        errand = _new_errand(execution)
        order_url = await execution.unless_stopped(_store_order(execution, errand, blueprint))
        await until_delivered(lambda: errands.record(ctx, execution.claim, errand, blueprint))
        try:
            execution.refuse_if_stopped()
            remote_id = await self._endpoint.run(
                {"order_url": order_url},
                webhook=errands.callback_url(ctx, errand.id),
                execution_timeout_s=settings.remote_execution_s,
                lifetime_s=errands.lifetime_s(settings),
            )
        except (EndpointRefused, Interrupted) as error:  # it is known that there is nothing out there
            await until_delivered(lambda: errands.end(ctx, errand, "not_submitted"))
            if isinstance(error, Interrupted):
                raise
            raise RemoteFailed(str(error)) from None
        except EndpointSilent as error:
            await until_delivered(lambda: errands.give_up(ctx, errand))
            raise RemoteFailed(f"nobody knows whether the work was taken: {error}") from None
        await until_delivered(lambda: errands.note_submitted(ctx, errand, remote_id))
        log.info("errand_submitted", errand_id=errand.id, remote_id=remote_id)
        return msgspec.structs.replace(errand, remote_id=remote_id, status="submitted")

    # --- meanwhile ----------------------------------------------------------------------------------------------------

    async def _until_over(self, execution: Execution, errand: Errand) -> Look:
        """The last look at an errand that has completed. Raises what became of any other, having noted it."""
        ctx = execution.ctx
        over_at = time.monotonic() + errand.left_s
        news = self._followed.follow(errand.id)
        try:
            while True:
                execution.refuse_if_stopped()
                news.clear()
                look = await self._look(execution, errand)
                if look is not None and look.over:
                    await until_delivered(partial(errands.note_times, ctx, errand, look))
                    if look.state == "completed":
                        return look
                    await until_delivered(partial(errands.end, ctx, errand, look.state))
                    raise error_of(look)
                if time.monotonic() > over_at:
                    await until_delivered(lambda: errands.give_up(ctx, errand))
                    raise DeadlineExceeded("the remote endpoint did not finish in time")
                await execution.unless_stopped(_first(news, ctx.settings.remote_poll_s))
        finally:
            self._followed.drop(errand.id)

    async def _look(self, execution: Execution, errand: Errand) -> Look | None:
        """How it is now; None while the endpoint does not answer. Raises RemoteFailed when it has forgotten."""
        assert errand.remote_id is not None, "only a submitted errand is followed"
        for again in (True, False):
            try:
                look = await execution.unless_stopped(self._endpoint.status(errand.remote_id))
            except EndpointSilent as error:
                log.warning("errand_unanswered", errand_id=errand.id, reason=str(error))
                return None
            except EndpointForgot:
                if again:
                    await execution.unless_stopped(asyncio.sleep(FORGETTING_S))
                continue
            execution.watchdog.sign()
            return look
        await until_delivered(lambda: errands.end(execution.ctx, errand, "forgotten"))
        raise RemoteFailed("the remote endpoint knows nothing of it any more")

    # --- home ---------------------------------------------------------------------------------------------------------

    async def _bring_home(self, execution: Execution, errand: Errand, plan: Plan, look: Look) -> list[OutputFile]:
        """The files that were made, each the very bytes that it says. Raises RemoteFailed, having noted it."""
        archive = execution.folder / RESULT_NAME
        try:
            result = msgspec.convert(look.output, Result)
            if result.version != __version__ or result.errand_id != errand.id:
                raise ValueError("it is the result of something else")
            names = {file.name for file in result.files}
            if missing := [film.output_name for film in plan.films if film.output_name not in names]:
                raise ValueError(f"{', '.join(missing)} is not among its files")
            if not await execution.unless_stopped(errands.fetch_result(execution.ctx, errand, archive)):
                raise ValueError("its archive has not arrived")
            return await asyncio.to_thread(unpack, archive, result.files, execution.new_folder("outputs"))
        except ValueError as error:  # msgspec.ValidationError is one
            await until_delivered(lambda: errands.end(execution.ctx, errand, "useless"))
            raise RemoteFailed(f"what the remote endpoint made cannot be used: {error}") from None
        finally:
            await asyncio.to_thread(archive.unlink, missing_ok=True)


def _new_errand(execution: Execution) -> Errand:
    settings, claim, render = execution.ctx.settings, execution.claim, execution.work.render
    return Errand(
        id=new_id("ern"),
        step_id=claim.step_id,
        step_attempt=claim.attempt,
        token=claim.token,
        render_id=render.id,
        render_attempt=render.attempt,
        project_id=render.project_id,
        key_id=render.key_id,
        price_per_s=settings.remote_price_per_s,
        left_s=errands.lifetime_s(settings) + REMOTE_GRACE_S,
    )


async def _store_order(execution: Execution, errand: Errand, blueprint: Blueprint) -> str:
    """Put the order where only its URL leads: small requests to the endpoint, and nothing of the film in its records."""
    ctx, claim = execution.ctx, execution.claim
    ttl_s = round(errands.lifetime_s(ctx.settings) + REMOTE_GRACE_S)
    keys = execution.wanted(media_of(blueprint.plan), blueprint.keys)
    inputs = {
        content_hash: Place((await ctx.storage.sign_get(key, ttl_s=ttl_s)).url) for content_hash, key in keys.items()
    }
    upload = await ctx.storage.sign_put(
        errand.prefix + RESULT_NAME, ttl_s=ttl_s, content_type="application/x-tar", size_bytes=None
    )
    order = Order(
        version=__version__,
        errand_id=errand.id,
        plan=blueprint.plan,
        inputs=inputs,
        result=Place(upload.url, upload.headers),
        report=ReportTo(
            ctx.settings.base_url, reports.report_key(ctx, claim.step_id, claim.attempt), claim.step_id, claim.attempt
        ),
        callback_url=errands.callback_url(ctx, errand.id),
    )
    key = errand.prefix + ORDER_NAME
    await ctx.storage.put_bytes(key, msgspec.json.encode(order), content_type="application/json")
    return (await ctx.storage.sign_get(key, ttl_s=ttl_s)).url


def error_of(look: Look) -> RenderOwlError:
    """What an errand that did not complete is to us: the very error of our handler, if it told one.

    What anybody else says of a failure is for the log: it may hold a traceback, and goes no further.
    """
    if look.state == "timed_out":
        return DeadlineExceeded("the remote endpoint stopped it for taking too long")
    if look.state == "cancelled":
        return RemoteFailed("it was cancelled at the remote endpoint")
    with contextlib.suppress(ValueError, TypeError):  # msgspec.DecodeError is a ValueError
        told = msgspec.json.decode(look.error, type=Failure)
        if told.code in ERRORS and told.code not in ("internal", "interrupted"):
            return ERRORS[told.code](in_short(told.message))
        return RemoteFailed(in_short(told.message))
    log.warning("errand_failed", told=in_short(look.error))
    return RemoteFailed("it failed at the remote endpoint")


async def _first(news: asyncio.Event, most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), most_s)

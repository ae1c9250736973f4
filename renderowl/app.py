"""The composition root: the one place where parts are put together, and the programs made of them."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from types import FrameType
from typing import Any, Final, cast

import structlog
import uvicorn
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from renderowl.actors.actor import Actor
from renderowl.actors.asset_prober import AssetProber
from renderowl.actors.automation_runner import AutomationRunner
from renderowl.actors.cron import Cron
from renderowl.actors.janitor import Janitor
from renderowl.actors.queue_watcher import QueueWatcher
from renderowl.actors.reaper import Reaper
from renderowl.actors.relay import Relay
from renderowl.actors.remote_runner import RemoteRunner
from renderowl.actors.scheduler import Scheduler
from renderowl.actors.supervisor import Supervisor
from renderowl.actors.usage_writer import UsageWriter
from renderowl.actors.webhook_sender import WebhookSender
from renderowl.actors.worker_agent import WorkerAgent, run_until_signalled
from renderowl.api import (
    access,
    accounts,
    assets,
    automations,
    compositions,
    cors,
    dashboard,
    documents,
    errands,
    errors,
    events,
    health,
    library,
    limits,
    operations,
    peers,
    playing,
    projects,
    renders,
    reports,
    sessions,
    storage,
    swagger,
    users,
    webhooks,
)
from renderowl.api.dialects import export, jobs, render_jobs, slideshow
from renderowl.api.patience import PatientProtocol
from renderowl.api.request_log import request_log
from renderowl.bus.redis import RedisBus
from renderowl.db.database import Database
from renderowl.domain.errors import RenderOwlError
from renderowl.limits.redis import RedisLimiter
from renderowl.pipeline.hardware import equipped
from renderowl.pipeline.tools import discover
from renderowl.queue.arq import ArqQueue
from renderowl.queue.base import Queue
from renderowl.security.keyring import Keyring
from renderowl.security.outbound import open_outbound
from renderowl.security.tokens import TokenSigner
from renderowl.services import logs, metrics, tracing
from renderowl.services.callers import ensure_bootstrap_user
from renderowl.services.context import Context
from renderowl.services.endpoint import Endpoint
from renderowl.services.errands import Followed
from renderowl.services.overview import QueueGauges
from renderowl.services.usage import Tally
from renderowl.settings import Settings
from renderowl.storage.opening import open_storage
from renderowl.worker.main import Worker, open_remote_worker, open_worker
from renderowl.ws import asyncapi, frames
from renderowl.ws.handler import PATH, websocket_route
from renderowl.ws.hub import Hub
from renderowl.ws.link import LinkedProtocol

log = structlog.get_logger(__name__)

_COLLECTOR: Final = (10_000, 5, 80)
"""Thresholds of the garbage collector in the API. A socket is some seventy objects that live as long as it does, and are gone
with it: with Python's own (700, 10, 10) they are gone through again and again while others come (decision 36)."""

# --- parts ---------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    """The parts every program shares, closed at the end of the block."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    keyring = Keyring(settings.secret_keys)
    media = open_storage(
        settings.storage_url,
        base_url=settings.base_url,
        secrets=keyring.keys("storage"),
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
    )
    bus = RedisBus(settings.redis_url)
    limiter = RedisLimiter(settings.redis_url)
    await database.open()
    try:
        yield Context(
            settings,
            database,
            media,
            bus,
            TokenSigner(keyring),
            limiter,
            open_outbound(settings),
        )
    finally:
        await limiter.close()
        await bus.close()
        await media.close()
        await database.close()


# --- the API -------------------------------------------------------------------------------------------------------


def make_api(ctx: Context, hub: Hub, prober: AssetProber, tally: Tally) -> ASGIApp:
    """The HTTP and WebSocket application over parts that are open; it counts in `tally` what keys are used for."""
    native = Router(
        "/",
        route_handlers=[
            projects.router,
            assets.router,
            renders.router,
            compositions.router,
            storage.router,
            playing.router,
            users.router,
            webhooks.router,
            automations.router,
            library.router,
            sessions.router,
            jobs.router,
            export.router,
            slideshow.router,
            render_jobs.router,
            *accounts.handlers,
            *health.handlers,
            *operations.handlers,
            *documents.handlers,
            *dashboard.handlers,
            *swagger.handlers,
            *events.handlers,
            *reports.handlers,
            *errands.handlers,
            *automations.handlers,
        ],
        guards=[limits.count_request],
    )
    api = Litestar(
        route_handlers=[native, websocket_route(hub, ctx)],
        dependencies={
            "ctx": Provide(access.provide_context, sync_to_thread=False),
            "principal": Provide(access.provide_principal),
            "page": Provide(access.provide_page, sync_to_thread=False),
        },
        exception_handlers={
            RenderOwlError: errors.answer_error,
            HTTPException: errors.answer_framework,
            Exception: errors.answer_unexpected,
        },
        cors_config=cors.cors_config(ctx.settings.allowed_origins),
        request_max_body_size=ctx.settings.max_body_bytes,
        openapi_config=documents.openapi_config(),
        state=State(
            {
                "context": ctx,
                "hub": hub,
                "probe_asset": prober.submit,
                "tools": prober.tools,
                "queue_gauges": QueueGauges(ctx.db, alive_s=ctx.settings.lease_s),
                "asyncapi": asyncapi.document(ctx.settings.base_url),
            }
        ),
        logging_config=None,
    )
    proxies = ctx.settings.trusted_proxies
    accounted = limits.accounted(errors.told_of_sockets(cast(ASGIApp, api), PATH), tally)
    return request_log(peers.behind_proxies(accounted, proxies), proxies)


class _Server(uvicorn.Server):
    """uvicorn, telling the rooms of the end before it closes their sockets (it would do that without a word)."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub
        self._draining: asyncio.Task[None] | None = None

    def end_with(self, actors: "asyncio.Task[None]") -> None:
        """End when what runs beside the API has failed for good, so that the process is started anew."""
        actors.add_done_callback(self._end_for)

    def _end_for(self, actors: "asyncio.Task[None]") -> None:
        if not (self.should_exit or actors.cancelled()) and (error := actors.exception()) is not None:
            log.error("api_ends", reason=str(error))
            self.handle_exit(signal.SIGTERM, None)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals in the loop. uvicorn's own way raises them again at the end, past everybody's clean-up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._hub.drain())
            self._draining.add_done_callback(lambda _: super(_Server, self).handle_exit(sig, frame))
        else:
            super().handle_exit(sig, frame)


async def serve(settings: Settings) -> None:
    """Serve the API until SIGINT or SIGTERM."""
    async with open_context(settings) as ctx:
        found = await discover(settings.ffmpeg, settings.ffprobe)
        tools = await equipped(found, settings.hardware_encoder, trying=False)  # plans are of what the workers have
        if settings.auth_token:
            await ensure_bootstrap_user(ctx.db)
        hub = Hub(ctx)
        metrics.HUB_ROOMS.set_function(lambda: len(hub.rooms))
        metrics.HUB_MEMBERS.set_function(lambda: sum(len(room.members) for room in hub.rooms.values()))
        prober, usage = AssetProber(ctx, tools), UsageWriter(ctx, Tally())
        api = make_api(ctx, hub, prober, usage.tally)
        supervisor = Supervisor([prober, usage])
        actors = asyncio.create_task(supervisor.run())
        await hub.start()
        config = uvicorn.Config(
            api,
            host=settings.host,
            port=settings.port,
            http=PatientProtocol,
            ws=LinkedProtocol,
            ws_per_message_deflate=False,
            ws_max_size=frames.MAX_READ_BYTES,
            proxy_headers=False,  # see RENDEROWL_TRUSTED_PROXIES
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            lifespan="on",
        )
        gc.freeze()  # what is loaded stays: the collector going through it stopped every caller for 80 ms
        gc.set_threshold(*_COLLECTOR)
        server = _Server(config, hub)
        server.end_with(actors)
        try:
            await server.serve()
        finally:
            await hub.stop()
            supervisor.stop()
            await actors


def run_api(settings: Settings) -> None:
    """`renderowl serve`."""
    logs.configure(settings)
    with tracing.exported("api"):
        asyncio.run(serve(settings))


# --- scheduler and worker ------------------------------------------------------------------------------------------


def background_actors(ctx: Context, queue: Queue) -> list[Actor[Any]]:
    """What runs beside the API and the workers."""
    return [
        Scheduler(ctx, queue),
        Reaper(ctx),
        Relay(ctx),
        Janitor(ctx),
        WebhookSender(ctx),
        Cron(ctx),
        AutomationRunner(ctx),
    ]


async def schedule(settings: Settings) -> None:
    """Run scheduler, reaper, relay, janitor, webhook sender, cron and automations until SIGINT or SIGTERM."""
    async with open_context(settings) as ctx:
        queue = ArqQueue(settings.redis_url)
        actors = background_actors(ctx, queue)
        if settings.metrics_port:
            actors.append(QueueWatcher(ctx))
        supervisor = Supervisor(actors)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, supervisor.stop)
        try:
            with metrics.exposed(settings.metrics_host, settings.metrics_port):
                await supervisor.run()
        finally:
            await queue.close()


def run_scheduler(settings: Settings) -> None:
    """`renderowl scheduler`."""
    logs.configure(settings)
    with tracing.exported("scheduler"):
        asyncio.run(schedule(settings))


async def work(settings: Settings, slots: int, labels: Sequence[str]) -> None:
    """Run a worker until SIGINT or SIGTERM."""
    async with open_context(settings) as ctx, open_worker(ctx, slots=slots, labels=labels) as worker:
        with metrics.exposed(settings.metrics_host, settings.metrics_port):
            await run_until_signalled(agent_of(ctx, worker))


def agent_of(ctx: Context, worker: Worker) -> WorkerAgent:
    """The actor that takes up claims for a worker."""
    return WorkerAgent(
        ctx,
        worker.worker_id,
        slots=worker.slots,
        offers=worker.offers,
        execute=worker.executor,
        receiver=worker.receiver,
        has_room=worker.has_room,
    )


def run_worker(settings: Settings, slots: int = 0, labels: Sequence[str] = ()) -> None:
    """`renderowl worker`."""
    logs.configure(settings)
    with tracing.exported("worker"):
        asyncio.run(work(settings, slots, labels))


async def run_errands(settings: Settings) -> None:
    """Run the remote runner until SIGINT or SIGTERM: its agent drains, and what is out there is taken over by the next."""
    endpoint, followed = Endpoint(settings), Followed()
    async with open_context(settings) as ctx, open_remote_worker(ctx, endpoint, followed) as worker:
        with metrics.exposed(settings.metrics_host, settings.metrics_port):
            await run_until_signalled(agent_of(ctx, worker), RemoteRunner(ctx, endpoint, followed))


def run_remote_runner(settings: Settings) -> None:
    """`renderowl remote runner`."""
    logs.configure(settings)
    with tracing.exported("remote-runner"):
        asyncio.run(run_errands(settings))

"""A whole RenderOwl in a thread of the test process: real API, Postgres, Valkey and scheduling; only rendering is fake."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from renderowl.actors.supervisor import Supervisor
from renderowl.actors.worker_agent import WorkerAgent
from renderowl.app import background_actors
from renderowl.db.migrate import migrate
from renderowl.domain.ids import new_id
from renderowl.domain.records import Principal, Scope
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.pipeline.tools import discover
from renderowl.queue.arq import ArqQueue, ArqReceiver
from renderowl.services import projects
from renderowl.testing.clock import TurnableClock
from renderowl.testing.fake_renderer import FakeRenderer, checked
from renderowl.testing.media import MadeMedia
from renderowl.testing.script import Act
from renderowl.testing.serving import World, make_account, serve

T = TypeVar("T")

START_S: Final = 120.0
SLOTS: Final = 8


@dataclass(frozen=True)
class Caller:
    """A user of a test's own, and a key of theirs."""

    principal: Principal
    key: str


class Renderer:
    """The renders of one project, as a test writes them down: `will(Percent(40), Wait(5), Fail("stalled"))`."""

    def __init__(self, fake: FakeRenderer, project_id: str) -> None:
        self._cast = fake.casts[project_id]

    def will(self, *acts: Act) -> None:
        """Play these acts for the next render that nothing is written down for yet; then complete it."""
        self._cast.next_renders.append(checked(acts))

    @property
    def tried(self) -> list[str]:
        """The ids of the renders that were begun, one for each try, in order."""
        return list(self._cast.tried)


class Clock:
    """The clock that `Wait` goes by. It stands still until it is turned; nothing else of the service goes by it."""

    def __init__(self, service: "RunningService", clock: TurnableClock) -> None:
        self._service = service
        self._clock = clock

    def now(self) -> float:
        """Seconds since the test began, as this clock has it."""
        return self._clock.now()

    def until_waiting(self, count: int = 1, *, timeout_s: float = 30.0) -> None:
        """Return when so many renders wait. Raises TimeoutError."""
        self._service.call(self._clock.until_sleeping(count), timeout_s=timeout_s)

    def advance(self, seconds: float) -> None:
        """Let so much time pass: renders whose wait is over go on."""
        self._service.call(self._clock.advance(seconds))


class RunningService:
    """A service that runs; every test makes an account of its own on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, world: World, fake: FakeRenderer) -> None:
        self._loop = loop
        self._world = world
        self.fake: Final = fake
        self.url: Final = world.http_url
        """Where it is: `http://127.0.0.1:...`."""

    def call(self, work: Coroutine[Any, Any, T], *, timeout_s: float = 30.0) -> T:
        """What `work` returns, awaited in the service's own thread. Raises TimeoutError."""
        return self.start(work).result(timeout_s)

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Have `work` awaited in the service's own thread; cancel what is returned to stop it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def new_caller(self, *scopes: Scope) -> Caller:
        """A new user with a key; without `scopes` it may read and write."""
        return Caller(*self.call(make_account(self._world.ctx, list(scopes) or ["read", "write"])))

    def new_project(self, caller: Caller, name: str = "Test") -> str:
        """A new project of a caller's; its id."""
        making = projects.create(self._world.ctx, caller.principal, name=name, description=None, settings={})
        return self.call(making).id


@contextlib.contextmanager
def run_service(folder: Path) -> Iterator[RunningService]:
    """A service over servers of its own below `folder`, until the end of the block."""
    with EmbeddedPostgres(folder / "postgres", durable=False) as postgres, EmbeddedValkey(folder / "valkey") as valkey:
        ready: Future[tuple[RunningService, asyncio.Event]] = Future()

        def run() -> None:
            try:
                asyncio.run(_serve_until_told(postgres.url, valkey.url, folder, ready))
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

        thread = threading.Thread(target=run, name="renderowl", daemon=True)
        with _logs_as_usual():
            thread.start()
            service, told = ready.result(START_S)
            try:
                yield service
            finally:
                service._loop.call_soon_threadsafe(told.set)
                thread.join()


async def _serve_until_told(
    database_url: str, redis_url: str, folder: Path, ready: "Future[tuple[RunningService, asyncio.Event]]"
) -> None:
    await migrate(database_url)
    to_this_machine = {"outbound_allow": ("127.0.0.1",), "outbound_plain_http": True}
    media = MadeMedia(folder, await discover())
    (folder / "storage").mkdir()
    async with serve(database_url, redis_url, folder / "storage", **to_this_machine) as world:
        fake = FakeRenderer(world.ctx, folder, lambda: media.video(colors=["blue"], size="64x36"))
        async with _working(world, fake):
            told = asyncio.Event()
            ready.set_result((RunningService(asyncio.get_running_loop(), world, fake), told))
            await told.wait()


@contextlib.asynccontextmanager
async def _working(world: World, fake: FakeRenderer) -> AsyncIterator[None]:
    """All that runs beside the API, with one worker whose executor is the fake."""
    ctx, worker_id = world.ctx, new_id("wrk")
    queue = ArqQueue(ctx.settings.redis_url)
    receiver = ArqReceiver(ctx.settings.redis_url, worker_id, slots=SLOTS)
    agent = WorkerAgent(ctx, worker_id, slots=SLOTS, offers=(), execute=fake, receiver=receiver)
    supervisor = Supervisor([*background_actors(ctx, queue), agent])
    running = asyncio.create_task(supervisor.run())
    try:
        await agent.registered.wait()
        yield
    finally:
        await agent.kill()
        supervisor.stop()
        await running
        await queue.close()


@contextlib.contextmanager
def _logs_as_usual() -> Iterator[None]:
    """Within the block the service logs through `logging`, so that pytest shows it with a failed test, and only there."""
    if structlog.is_configured():
        yield
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()

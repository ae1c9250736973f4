"""The API served over real sockets by uvicorn, with a user, a key and a project, for tests that watch rooms."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from renderowl.actors.asset_prober import AssetProber
from renderowl.actors.supervisor import Supervisor
from renderowl.api.patience import PatientProtocol
from renderowl.app import make_api, open_context
from renderowl.db import accounts as account_rows
from renderowl.domain.events import DurableType, StepReport
from renderowl.domain.ids import new_id
from renderowl.domain.records import Principal, Project, Scope
from renderowl.pipeline.tools import discover
from renderowl.services import accounts, callers, projects
from renderowl.services.context import Context
from renderowl.services.publishing import record
from renderowl.services.usage import Tally
from renderowl.testing.settings import settings_over
from renderowl.testing.signals import until
from renderowl.ws import frames
from renderowl.ws.hub import Hub
from renderowl.ws.link import LinkedProtocol

ORIGIN: Final = "https://editor.example"
"""An origin that the served API allows."""


@dataclass(frozen=True)
class World:
    """A served API, a user with a key, and a project of theirs."""

    ctx: Context
    hub: Hub
    http_url: str
    principal: Principal
    key: str
    project: Project

    def room(
        self,
        project_id: str = "",
        *,
        key: str | None = "",
        query: str = "",
        subprotocols: tuple[str, ...] = ("renderowl.v1",),
        origin: str | None = None,
    ) -> connect:
        """A connection to a room; without a `key` it is the user's own, None says nothing of the caller."""
        return connect(
            f"ws{self.http_url.removeprefix('http')}/ws/projects/{project_id or self.project.id}/renders{query}",
            additional_headers={} if key is None else {"Authorization": f"Bearer {key or self.key}"},
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            origin=None if origin is None else Origin(origin),
        )

    async def happen(
        self, type: DurableType = "render.queued", render_id: str | None = "rnd_1", *, publish: bool = True
    ) -> int:
        """Record a durable event and return its seq; without `publish` it is left to the hub to find it."""
        async with self.ctx.db.transaction() as tx:
            event = await record(self.ctx, tx, self.project.id, type, {"status": "x"}, render_id=render_id, attempt=1)
            if not publish:
                tx.after_commit.clear()
        return event.seq

    async def progress(self, done: float, render_id: str = "rnd_1") -> None:
        """Report a render of 990 frames to be so far, 0 to 1."""
        report = StepReport(self.project.id, render_id, 1, "stp_1", 1, done, 1.0, round(done * 990), 990, "segment")
        await self.ctx.bus.publish_progress(report)

    async def members(self, count: int) -> None:
        """Wait until the project's room has so many members."""

        async def there() -> bool:
            room = self.hub.rooms.get(self.project.id)
            return (0 if room is None else len(room.members)) == count

        await until(there)


async def make_account(ctx: Context, scopes: list[Scope]) -> tuple[Principal, str]:
    """A new user's principal and a key with these scopes."""
    user_id = new_id("usr")
    await account_rows.insert_user(ctx.db, user_id=user_id, email=f"{user_id}@example.com", password_hash=None)
    made = await accounts.make_key(ctx.db, user_id, name="test", scopes=scopes)
    return await callers.authenticate(ctx, made.plaintext), made.plaintext


@contextlib.asynccontextmanager
async def serve(database_url: str, redis_url: str, storage_dir: Path, **overrides: Any) -> AsyncIterator[World]:
    """Serve the API on a free port until the end of the block, with these settings instead of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not for such a one: 40 ms an answer
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    own: dict[str, Any] = {"public_url": url, "allowed_origins": (ORIGIN,)}
    loaded = settings_over(database_url, redis_url, storage_dir, **own | overrides)
    async with open_context(loaded) as ctx:
        hub, prober = Hub(ctx), AssetProber(ctx, await discover())
        supervisor = Supervisor([prober])
        api = make_api(ctx, hub, prober, Tally())
        config = uvicorn.Config(
            api,
            http=PatientProtocol,
            ws=LinkedProtocol,
            ws_per_message_deflate=False,
            ws_max_size=frames.MAX_READ_BYTES,
            proxy_headers=False,
            log_config=None,
            lifespan="off",
        )
        server = uvicorn.Server(config)
        await hub.start()
        running = [asyncio.create_task(supervisor.run()), asyncio.create_task(server._serve([listener]))]
        try:
            principal, key = await make_account(ctx, ["read", "write"])
            project = await projects.create(ctx, principal, name="Film", description=None, settings={})
            yield World(ctx, hub, url, principal, key, project)
        finally:
            await hub.stop()
            supervisor.stop()
            server.should_exit = True
            await asyncio.gather(*running)
            listener.close()


@pytest.fixture
async def world(database_url: str, redis_url: str, storage_dir: Path) -> AsyncIterator[World]:
    """A served API over empty servers."""
    async with serve(database_url, redis_url, storage_dir) as world:
        yield world

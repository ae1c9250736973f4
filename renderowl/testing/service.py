"""The service in one process: the real API over real Postgres, Valkey and local storage, called without a network."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from renderowl.actors.asset_prober import AssetProber
from renderowl.actors.supervisor import Supervisor
from renderowl.app import make_api, open_context
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.services import logs
from renderowl.services.context import Context
from renderowl.services.usage import Tally
from renderowl.testing.settings import settings_over
from renderowl.testing.signals import until
from renderowl.ws.hub import Hub

BASE_URL = "http://testserver"
ADMIN_TOKEN = "the-bootstrap-token-of-the-tests"


@dataclass(frozen=True)
class Service:
    """A running API and a client of the administrator's."""

    ctx: Context
    http: httpx.AsyncClient
    tools: Toolchain
    tally: Tally
    """What keys were used for, until a test writes it."""

    def as_(self, token: str | None) -> httpx.AsyncClient:
        """A client with another credential, or with none."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=self.http._transport, base_url=BASE_URL, headers=headers)

    async def user(self, email: str = "ann@example.org") -> httpx.AsyncClient:
        """A registered, logged-in user's client."""
        credentials = {"email": email, "password": "correct horse battery"}
        made = await self.http.post("/auth/register", json=credentials)
        assert made.status_code == 201, made.text
        session = (
            await self.as_(None).post("/auth/login", json=credentials)
        ).json()  # its cookie is not the next user's
        return self.as_(session["access_token"])

    async def project(self, http: httpx.AsyncClient | None = None, name: str = "Trailer") -> str:
        """A new project's id."""
        made = await (http or self.http).post("/projects", json={"name": name})
        assert made.status_code == 201, made.text
        project_id: str = made.json()["id"]
        return project_id

    async def upload(self, project_id: str, name: str, content_type: str, data: bytes, **extra: Any) -> dict[str, Any]:
        """Upload a file as a client does and return the asset once it has been looked into."""
        body = {"name": name, "content_type": content_type, "size_bytes": len(data), **extra}
        told = await self.http.post(f"/projects/{project_id}/assets/upload", json=body)
        assert told.status_code == 201, told.text
        upload, asset = told.json()["upload"], told.json()["asset"]
        sent = await self.as_(None).put(upload["url"], content=data, headers=upload["headers"])
        assert sent.status_code == 200, sent.text
        done = await self.http.post(f"/projects/{project_id}/assets/{asset['id']}/upload-complete")
        assert done.status_code == 202, done.text

        async def looked_into() -> dict[str, Any] | None:
            found: dict[str, Any] = (await self.http.get(f"/projects/{project_id}/assets/{asset['id']}")).json()
            return found if found["status"] in ("ready", "failed") else None

        return await until(looked_into, timeout_s=30)


@contextlib.asynccontextmanager
async def open_service(
    database_url: str, redis_url: str, storage_dir: Path, **overrides: Any
) -> AsyncIterator[Service]:
    """The API over these servers until the end of the block, with these settings instead of its own."""
    own: dict[str, Any] = {
        "public_url": BASE_URL,
        "auth_token": ADMIN_TOKEN,
        "multipart_threshold_bytes": 20 * 1024**2,
        "log_format": "json",
    }
    loaded = settings_over(database_url, redis_url, storage_dir, **own | overrides)
    logs.configure(loaded)
    async with open_context(loaded) as ctx:
        tools = await discover()
        hub, prober, tally = Hub(ctx), AssetProber(ctx, tools), Tally()
        supervisor = Supervisor([prober])
        actors = asyncio.create_task(supervisor.run())
        await hub.start()
        transport = httpx.ASGITransport(cast(Any, make_api(ctx, hub, prober, tally)), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as http:
            yield Service(ctx, http, tools, tally)
        await hub.stop()
        supervisor.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await actors


@pytest.fixture
async def service(database_url: str, redis_url: str, storage_dir: Path) -> AsyncIterator[Service]:
    """The API over empty servers, without rate limits."""
    async with open_service(database_url, redis_url, storage_dir) as service:
        yield service

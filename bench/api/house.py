"""API processes over one Postgres and Valkey, accounts that may call them, and what a process costs."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import paths  # noqa: F401 - makes bench/ importable
import psutil

from renderowl import app, settings
from renderowl.db import accounts as account_rows
from renderowl.db.migrate import migrate
from renderowl.domain.events import StepReport
from renderowl.domain.ids import new_id
from renderowl.domain.records import Principal, Tier
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.process import free_port
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.services import accounts, callers, projects, renders
from renderowl.services.asking import RenderRequest
from renderowl.services.context import Context

FILM: Final[dict[str, Any]] = {
    "composition_id": "timeline",
    "input_props": {
        "width": 1280,
        "height": 720,
        "fps": 30,
        "tracks": [
            {"clips": [{"type": "shape", "shape": "rectangle", "start": 0, "duration": 6, "fill": "#204060"}]},
            {"clips": [{"type": "text", "text": f"Scene {n}", "start": n, "duration": 1} for n in range(6)]},
        ],
    },
}
"""A film of seven clips that needs no file."""
_START_S: Final = 60.0


@dataclass
class House:
    """What runs: the API's processes, and where peers find the servers."""

    ctx: Context
    ports: list[int]
    processes: list[psutil.Process]
    database_url: str
    redis_url: str


@dataclass
class Account:
    """Somebody with a key, a project and a render that is at work in it."""

    key: str
    principal: Principal
    project_id: str
    render_id: str
    report: StepReport = field(repr=False)


@contextlib.asynccontextmanager
async def house(count: int, **limits: str) -> AsyncIterator[House]:
    """So many API processes with these settings; all gone at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="renderowl-bench-") as name,
        EmbeddedPostgres(Path(name) / "postgres", durable=False) as postgres,
        EmbeddedValkey(Path(name) / "valkey") as valkey,
        contextlib.ExitStack() as stack,
    ):
        await migrate(postgres.url)
        (Path(name) / "storage").mkdir()
        values = {
            "database_url": postgres.url,
            "redis_url": valkey.url,
            "storage_url": (Path(name) / "storage").as_uri(),
            "secret_key": "a secret of the benchmark, of no other use",
            "log_level": "warning",
        } | limits
        environment = {f"{settings.PREFIX}{key.upper()}": value for key, value in values.items()}
        ports, processes = [], []
        for _ in range(count):
            ports.append(port := free_port())
            command = [sys.executable, "-m", "renderowl", "serve"]
            processes.append(stack.enter_context(running(command, environment | {"RENDEROWL_PORT": str(port)})))
        for port in ports:
            await ready(port, "/readyz")
        async with app.open_context(settings.load({}, **values)) as ctx:
            yield House(ctx, ports, processes, postgres.url, valkey.url)


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str]) -> contextlib.AbstractContextManager[psutil.Process]:
    """A server, killed at the end of the block."""
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


async def ready(port: int, path: str) -> None:
    """Return when what is behind this port answers well."""
    deadline = time.monotonic() + _START_S
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"http://127.0.0.1:{port}{path}")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise TimeoutError("a server did not start")


async def key_of(ctx: Context, tier: Tier, *scopes: str) -> str:
    """A new account's key."""
    user = await account_rows.insert_user(
        ctx.db, user_id=new_id("usr"), email=f"{new_id('usr')}@example.org", password_hash=None, tier=tier
    )
    assert user is not None
    return (await accounts.make_key(ctx.db, user.id, name="Bench", scopes=list(scopes) or ["read"])).plaintext


async def account(ctx: Context, tier: Tier) -> Account:
    """A new account with a render that is half done."""
    key = await key_of(ctx, tier, "read", "write")
    principal = await callers.authenticate(ctx, key)
    project = await projects.create(ctx, principal, name="Bench", description=None, settings={})
    made = await renders.submit(ctx, principal, project.id, RenderRequest(**FILM))
    render_id = made.render.id
    await ctx.db.execute("UPDATE renders SET status = 'processing', started_at = now() WHERE id = $1", render_id)
    report = StepReport(project.id, render_id, 1, "stp_1", 1, 0.5, 1.0, 90, 180, "segment")
    await ctx.bus.publish_progress(report)
    return Account(key, principal, project.id, render_id, report)


def cpu_s(process: psutil.Process) -> float:
    """User and system time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)

"""RenderOwl's API as a process of its own over real servers, and what there is to say in its rooms."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import paths  # noqa: F401 - makes bench/ importable
import psutil
from crowd import Target, raise_file_limit

from renderowl import app, settings
from renderowl.db import accounts as account_rows
from renderowl.db.migrate import migrate
from renderowl.domain.events import Event, StepReport
from renderowl.domain.ids import new_id
from renderowl.domain.records import Principal
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.process import free_port
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.services import accounts, callers, logs, projects
from renderowl.services.context import Context
from renderowl.services.publishing import record

_START_S: Final = 30.0
_TOKEN_S: Final = 6 * 3600


@dataclass
class House:
    """Postgres, Valkey, the API, and a context that speaks to the same servers as a worker or scheduler does."""

    ctx: Context
    environment: dict[str, str]
    log: Path
    port: int
    owner: Principal
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the API and return when it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "renderowl", "serve"], env=os.environ | self.environment, stdout=log, stderr=log
            )
        await until_ready(self.port, self.process)

    def kill(self) -> None:
        """The API is gone at once, as by the kernel's hand."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self) -> None:
        """Ask the API to end, as a deploy does."""
        assert self.process is not None
        self.process.terminate()
        await asyncio.to_thread(self.process.wait)

    def stats(self) -> psutil.Process:
        """The API's process for its CPU time and memory."""
        assert self.process is not None
        return psutil.Process(self.process.pid)

    async def open_rooms(self, count: int) -> list[str]:
        """The ids of new projects."""
        return [
            (await projects.create(self.ctx, self.owner, name=f"Room {n}", description=None, settings={})).id
            for n in range(count)
        ]

    def member(self, project_id: str, *, hello: dict[str, Any] | None = None, **options: Any) -> Target:
        """A member with a token of its own, as an editor's backend hands it to a browser."""
        token, _ = self.ctx.tokens.mint(self.owner.user_id, ["read"], ttl_s=_TOKEN_S, project_id=project_id)
        headers = (("Authorization", f"Bearer {token}"), ("Sec-WebSocket-Protocol", "renderowl.v1"))
        return Target(self.port, f"/ws/projects/{project_id}/renders", headers, hello or {}, **options)

    async def happen(self, project_id: str, data: dict[str, Any], *, publish: bool = True) -> Event:
        """A durable event: recorded in Postgres, published after the commit."""
        async with self.ctx.db.transaction() as tx:
            event = await record(self.ctx, tx, project_id, "render.queued", data, render_id=new_id("rnd"), attempt=1)
            if not publish:
                tx.after_commit.clear()
        return event

    async def progress(self, project_id: str, render_id: str, frames: int, total_frames: int) -> None:
        """What a worker reports of a render's only step."""
        done = frames / total_frames
        report = StepReport(
            *(project_id, render_id, 1, "stp_1", 1, done, 1.0, frames, total_frames, "segment"), fps=59.9, speed=1.99
        )
        await self.ctx.bus.publish_progress(report)


@contextlib.asynccontextmanager
async def house(**options: Any) -> AsyncIterator[House]:
    """A fresh house with the API running, all gone at the end of the block. `options` are settings."""
    raise_file_limit()
    with (
        tempfile.TemporaryDirectory(prefix="renderowl-bench-") as name,
        EmbeddedPostgres(Path(name) / "postgres", durable=False) as postgres,
        EmbeddedValkey(Path(name) / "valkey") as valkey,
    ):
        folder = Path(name)
        await migrate(postgres.url)
        port = free_port()
        values = {
            "database_url": postgres.url,
            "redis_url": valkey.url,
            "storage_url": (folder / "storage").as_uri(),
            "secret_key": "a secret of the benchmark, of no other use",
            "port": str(port),
            **{name: str(value) for name, value in options.items()},
        }
        (folder / "storage").mkdir()
        loaded = settings.load({}, **values)
        environment = {f"{settings.PREFIX}{name.upper()}": value for name, value in values.items()}
        logs.configure(settings.load({}, log_level="warning"))
        async with app.open_context(loaded) as ctx:
            made = House(ctx, environment, folder / "api.log", port, await _owner(ctx))
            await made.start()
            try:
                yield made
            finally:
                if made.process is not None and made.process.poll() is None:
                    await made.stop()


async def until_ready(port: int, process: subprocess.Popen[bytes], path: str = "/readyz") -> None:
    """Return when the server answers."""
    deadline = time.monotonic() + _START_S
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://127.0.0.1:{port}{path}")).status_code < 500:
                    return
            assert process.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < deadline, "the server is not ready in time"
            await asyncio.sleep(0.02)


async def _owner(ctx: Context) -> Principal:
    user = await account_rows.insert_user(
        ctx.db, user_id=new_id("usr"), email="bench@example.org", password_hash=None, tier="enterprise"
    )
    assert user is not None
    made = await accounts.make_key(ctx.db, user.id, name="Bench", scopes=["read", "write"])
    return await callers.authenticate(ctx, made.plaintext)


def cpu_s(process: psutil.Process) -> float:
    """User and system time of a process and its children, which do the work of some servers."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def rss_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and its children."""
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def spread(values: Sequence[float], count: int = 200) -> list[float]:
    """At most `count` of the values, evenly by rank: enough to draw how they are distributed."""
    ranked = sorted(values)
    if len(ranked) <= count:
        return ranked
    return [ranked[round(n * (len(ranked) - 1) / (count - 1))] for n in range(count)]

"""The service as it is deployed: `renderowl serve`, `scheduler` and `worker` as processes that can be killed and stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from renderowl.app import open_context
from renderowl.client.http import Client
from renderowl.db import events, projects
from renderowl.domain.events import DurableType, Event
from renderowl.domain.ids import new_id
from renderowl.embedded.process import die_with_parent, free_port
from renderowl.services import accounts, callers
from renderowl.services.context import Context
from renderowl.services.publishing import record
from renderowl.settings import PREFIX
from renderowl.testing.farm import farm_settings
from renderowl.testing.settings import UNLIMITED
from renderowl.testing.signals import until

TOKEN: Final = "the-bootstrap-token-of-the-tests"
_START_S: Final = 60.0
_END_S: Final = 60.0


class Program:
    """A running process of ours; `log` is what it says."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def must_live(self) -> None:
        """Fail with the end of what it said when it has ended."""
        assert self.process.returncode is None, self.log.read_text()[-2000:]

    async def kill(self) -> None:
        """End it as a crash does."""
        self.send(signal.SIGKILL)
        await self.process.wait()

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        return await asyncio.wait_for(self.process.wait(), _END_S)


class Deployment:
    """Programs over one Postgres, Valkey and storage, and a project of the administrator's."""

    def __init__(self, ctx: Context, project_id: str, folder: Path, stack: contextlib.AsyncExitStack) -> None:
        self.ctx = ctx
        self.project_id = project_id
        self._folder = folder
        self._stack = stack
        self._count = 0

    async def api(self, port: int = 0, **settings: Any) -> tuple[Program, int]:
        """An API process and its port, once it listens there."""
        port = port or free_port()
        program = await self.start("serve", port=port, **settings)

        async def listens() -> bool:
            program.must_live()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await until(listens, timeout_s=_START_S)
        return program, port

    async def scheduler(self, **settings: Any) -> Program:
        """A scheduler process with reaper and relay."""
        return await self.start("scheduler", **settings)

    async def worker(self, **settings: Any) -> Program:
        """A worker process with two slots, once it is registered."""
        program = await self.start("worker", worker_slots=2, **settings)

        async def registered() -> bool:
            program.must_live()
            return bool(await self.ctx.db.fetch_value("SELECT 1 FROM workers WHERE pid = $1", program.process.pid))

        await until(registered, timeout_s=_START_S)
        return program

    async def run(self, *argv: str, env: Mapping[str, str] | None = None) -> Program:
        """A process of this Python that dies with the deployment; what it prints goes to its log."""
        self._count += 1
        log = self._folder / f"program-{self._count}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *argv),
                env=os.environ | (env or {}),
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        program = Program(process, log)
        self._stack.push_async_callback(program.kill)
        return program

    async def start(self, command: str, **settings: Any) -> Program:
        """`renderowl <command>` with the deployment's settings and these; it may need a while until it does its work."""
        shared = ("database_url", "redis_url", "storage_url", "secret_key", "public_url", "work_dir", "auth_token")
        values = {name: getattr(self.ctx.settings, name) for name in shared} | UNLIMITED | settings
        env = {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}
        return await self.run("-m", "renderowl", command, env=env)

    def said_of(self, request_id: str) -> list[str]:
        """What any of the programs logged about a request, those that have ended included."""
        logs = sorted(self._folder.glob("program-*.log"))
        return [line for log in logs for line in log.read_text(errors="replace").splitlines() if request_id in line]

    async def token(self, ttl_s: int = 3600) -> str:
        """A new token for the project: each counts as a caller of its own."""
        admin = await callers.authenticate(self.ctx, TOKEN)
        token, _ = await accounts.mint_token(self.ctx, admin, self.project_id, scopes=["read"], ttl_s=ttl_s)
        return token

    def client(self, port: int, key: str = TOKEN) -> Client:
        """A client of the API behind this port."""
        return Client(f"http://127.0.0.1:{port}", key)

    async def happen(
        self, count: int = 1, type: DurableType = "render.retrying", render_id: str = "rnd_elsewhere"
    ) -> None:
        """Record and publish so many durable events at once, by the test's own connections."""
        async with self.ctx.db.transaction() as tx:
            for number in range(count):
                data = {"number": number}
                await record(self.ctx, tx, self.project_id, type, data, render_id=render_id, attempt=1)

    async def happened(self) -> Sequence[Event]:
        """Every durable event of the project."""
        return await events.read_after(self.ctx.db, self.project_id, 0, limit=1_000_000)


@contextlib.asynccontextmanager
async def open_deployment(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[Deployment]:
    """A deployment without any program yet; those that are started are killed at the end, whatever their state."""
    for name in ("storage", "work"):
        (folder / name).mkdir(exist_ok=True)
    settings = farm_settings(database_url, redis_url, folder / "storage", folder / "work", auth_token=TOKEN)
    async with contextlib.AsyncExitStack() as stack:
        ctx = await stack.enter_async_context(open_context(settings))
        user = await callers.ensure_bootstrap_user(ctx.db)
        project_id = new_id("prj")
        await projects.insert(
            ctx.db, project_id=project_id, owner_id=user.id, name="Film", description=None, settings={}
        )
        yield Deployment(ctx, project_id, folder, stack)

"""The servers that the scheduler's benchmarks share, and RenderOwl's own processes on them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import asyncpg
import psutil
import redis

from renderowl.db.migrate import migrate
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey

PEERS: Final = Path(__file__).parent / "peers"
SLOTS: Final = 10
SCHEDULER: Final = (sys.executable, "-m", "renderowl", "scheduler")
WORKER: Final = (sys.executable, "renderowl_peer.py", "worker")
"""An agent whose steps begin, wait for BENCH_WORK_S and end."""


class Ground:
    """The servers, emptied before each turn."""

    def __init__(self, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, folder: Path) -> None:
        self.redis = redis.Redis.from_url(valkey.url)
        self.database_url = postgres.url
        self.postgres_pid = postgres.pid
        self.valkey_pid = valkey.pid
        self.environment = os.environ | {
            "BENCH_REDIS": valkey.url,
            "BENCH_SLOTS": str(SLOTS),
            "BENCH_WORK_S": "0",
            "RENDEROWL_DATABASE_URL": postgres.url,
            "RENDEROWL_REDIS_URL": valkey.url,
            "RENDEROWL_STORAGE_URL": f"file://{folder}/media",
            "RENDEROWL_SECRET_KEY": "a secret key of the benchmark, long enough",
            "RENDEROWL_LOG_LEVEL": "warning",
        }

    def clear(self) -> None:
        """Forget every job of the turn before."""
        self.redis.flushall()
        self.sql("TRUNCATE projects, project_queues, workers CASCADE; UPDATE queue_classes SET vtime = 0")

    def sql(self, statement: str) -> list[asyncpg.Record]:
        """The rows of a statement, or of nothing for several."""

        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.database_url, ssl=False)
            try:
                if ";" in statement:
                    await connection.execute(statement)
                    return []
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return asyncio.run(run())

    @contextlib.contextmanager
    def process(self, command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process of a peer, killed with its children at the end of the block."""
        with subprocess.Popen(
            command,
            cwd=PEERS,
            env=self.environment | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                kill(process)

    def run(self, command: Sequence[str]) -> None:
        """Run a process of a peer to its end."""
        subprocess.run(command, cwd=PEERS, env=self.environment, check=True, capture_output=True)

    def done(self) -> int:
        """How many jobs were done at least once."""
        return int(self.redis.hlen("bench:runs"))

    def begun(self) -> int:
        """How many jobs with work to do were begun."""
        return int(self.redis.get("bench:begun") or 0)

    def until_busy(self, timeout_s: float) -> bool:
        """Wait until every slot has begun a job that is not done; False when the time is up."""
        ends_at = time.monotonic() + timeout_s
        while self.begun() - self.done() < SLOTS:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.001)
        return True

    def until(self, count: int, timeout_s: float) -> bool:
        """Wait until so many jobs are done; False when the time is up."""
        ends_at = time.monotonic() + timeout_s
        while self.done() < count:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.005)
        return True


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its children: those of Dramatiq would go on with the jobs of the next turn."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process and its children have used, those that ended included."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """Servers of one benchmark."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as name:
        folder = Path(name)
        with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedValkey(folder / "valkey") as valkey:
            asyncio.run(migrate(postgres.url))
            yield Ground(postgres, valkey, folder)

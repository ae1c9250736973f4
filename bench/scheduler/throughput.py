"""Steps a second that do nothing, end to end, and what a worker's death loses: RenderOwl, arq, SAQ and Dramatiq.

Each is one worker process with the same number of slots on the same Valkey, in turns. RenderOwl's steps are rows that are
admitted, claimed, leased and ended in Postgres, with a scheduler process beside the worker; the others keep jobs in Redis.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import paths
import redis
from results import median, save

from renderowl.db.migrate import migrate
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey

GOAL: Final = 0.7
PEERS: Final = Path(__file__).parent / "peers"
SLOTS: Final = 10
OURS: Final = "RenderOwl"
ARQ: Final = "arq"
WAIT_S: Final = 90.0
"""How long after the worker's death a job may take before it counts as lost: Dramatiq's workers are given up after 60 s."""


class Peer(NamedTuple):
    """How a peer's worker is started and its jobs are enqueued."""

    name: str
    worker: Sequence[str]
    script: str


def peers(python: str) -> list[Peer]:
    """Everybody, RenderOwl first; `python` has the peers' packages."""
    return [
        Peer(OURS, [sys.executable, "renderowl_peer.py", "worker"], "renderowl_peer.py"),
        Peer(ARQ, [python, "arq_peer.py", "worker"], "arq_peer.py"),
        Peer("arq, polling every 0.1 s", [python, "arq_peer.py", "worker", "0.1"], "arq_peer.py"),
        Peer("SAQ", [python, "saq_peer.py", "worker"], "saq_peer.py"),
        Peer(
            "Dramatiq",
            [python, "-m", "dramatiq", "dramatiq_peer", "--processes", "1", "--threads", str(SLOTS)],
            "dramatiq_peer.py",
        ),
    ]


class Ground:
    """The servers, emptied before each turn."""

    def __init__(self, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, folder: Path) -> None:
        self.redis = redis.Redis.from_url(valkey.url)
        self._database_url = postgres.url
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
        subprocess.run(
            [sys.executable, "-c", _TRUNCATE, self._database_url], check=True, env=self.environment, capture_output=True
        )

    @contextlib.contextmanager
    def process(self, command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process of a peer, killed at the end of the block."""
        with subprocess.Popen(
            command, cwd=PEERS, env=self.environment | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def enqueue(self, peer: Peer, python: str, count: int) -> None:
        """Enqueue jobs in a process of its own."""
        command = [sys.executable if peer.name == OURS else python, peer.script, "enqueue", str(count)]
        subprocess.run(command, cwd=PEERS, env=self.environment, check=True, capture_output=True)

    def done(self) -> int:
        """How many jobs were done at least once."""
        return int(self.redis.hlen("bench:runs"))

    def until(self, count: int, timeout_s: float) -> bool:
        """Wait until so many jobs are done; False when the time is up."""
        ends_at = time.monotonic() + timeout_s
        while self.done() < count:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.005)
        return True


_TRUNCATE: Final = """
import asyncio, sys, asyncpg
async def main():
    connection = await asyncpg.connect(sys.argv[1], ssl=False)
    await connection.execute("TRUNCATE projects, workers CASCADE")
    await connection.close()
asyncio.run(main())
"""


@contextlib.contextmanager
def at_work(ground: Ground, peer: Peer, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A peer's worker, and for RenderOwl the scheduler."""
    with contextlib.ExitStack() as stack:
        if peer.name == OURS:
            stack.enter_context(ground.process([sys.executable, "-m", "renderowl", "scheduler"]))
        yield stack.enter_context(ground.process(peer.worker, **environment))


def rate(ground: Ground, peer: Peer, python: str, count: int) -> float:
    """Jobs a second from a full queue, timed from the first to the last one done by a worker that is warm."""
    ground.clear()
    ground.enqueue(peer, python, count)
    with at_work(ground, peer):
        assert ground.until(count // 10, 60), f"{peer.name} does nothing"
        first, began = ground.done(), time.perf_counter()
        assert ground.until(count, 300), f"{peer.name} did {ground.done()} of {count}"
        return (count - first) / (time.perf_counter() - began)


def loss(ground: Ground, peer: Peer, python: str, count: int) -> dict[str, Any]:
    """Kill a worker amid jobs of 0.1 s, start another one: what is never done, what is done twice, how long it took."""
    ground.clear()
    ground.enqueue(peer, python, count)
    with at_work(ground, peer, BENCH_WORK_S="0.1") as worker:
        assert ground.until(count // 2, 60), f"{peer.name} does nothing"
        subprocess.run(["pkill", "-KILL", "-P", str(worker.pid)], check=False)
        worker.kill()
        worker.wait()
        killed = time.monotonic()
        with ground.process(peer.worker, BENCH_WORK_S="0.1"):
            ground.until(count, WAIT_S)
            took_s = time.monotonic() - killed
    done = ground.done()
    return {
        "jobs": count,
        "lost": count - done,
        "done_again": sum(map(int, ground.redis.hvals("bench:runs"))) - done,
        "all_done_after_s": round(took_s, 1) if done == count else None,
    }


def measure(count: int, rounds: int, python: str) -> None:
    """Rates in turns, then what a death costs."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as name, contextlib.ExitStack() as servers:
        folder = Path(name)
        postgres = servers.enter_context(EmbeddedPostgres(folder / "postgres"))
        valkey = servers.enter_context(EmbeddedValkey(folder / "valkey"))
        asyncio.run(migrate(postgres.url))
        ground = Ground(postgres, valkey, folder)
        rates: dict[str, list[float]] = {}
        for _ in range(rounds):
            for peer in peers(python):
                rates.setdefault(peer.name, []).append(rate(ground, peer, python, count))
                print(f"  {peer.name}: {rates[peer.name][-1]:.0f} a second", flush=True)
        losses = {}
        for peer in peers(python):
            losses[peer.name] = loss(ground, peer, python, 200)
            print(f"  {peer.name}: {losses[peer.name]}", flush=True)
    save(
        "scheduler_throughput",
        title="Time of a no-op step, against plain arq",
        goal=round(1 / GOAL, 3),
        result=median(rates[ARQ]) / median(rates[OURS]),
        unit="x",
        meaning=(
            f"arq's jobs a second divided by RenderOwl's (1.43 x is 0.7 of arq's rate), medians of {rounds} rounds in turns, "
            f"one worker process of {SLOTS} slots each, everything as it comes. Beside it arq polling as often as RenderOwl "
            "does, SAQ and Dramatiq, and what is lost when a worker amid 200 jobs of 0.1 s is killed and another one started"
        ),
        jobs=count,
        slots=SLOTS,
        per_second=rates,
        killed=losses,
    )


def install() -> str:
    """A virtual environment with the peers' packages; its Python."""
    folder = paths.ROOT / ".renderowl" / "bench" / "scheduler"
    python = folder / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        packages = ["arq", "saq[redis]", "typing-extensions", "dramatiq[redis]"]
        subprocess.run([str(uv), "pip", "install", "--quiet", "--python", str(python), *packages], check=True)
    return str(python)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    measure(chosen.jobs, chosen.rounds, install())

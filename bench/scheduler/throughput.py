"""Steps a second that do nothing, end to end, and what a worker's death loses: RenderOwl, arq, SAQ and Dramatiq.

Each is one worker process with the same number of slots on the same Valkey, in turns. RenderOwl's steps are rows that are
admitted, claimed, leased and ended in Postgres, with a scheduler process beside the worker; the others keep jobs in Redis.
"""

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import paths
from house import SCHEDULER, SLOTS, WORKER, Ground, cpu_s, ground, kill
from results import median, save

GOAL: Final = 0.7
OURS: Final = "RenderOwl"
ARQ: Final = "arq"
WAIT_S: Final = 90.0
"""How long after the worker's death a job may take before it counts as lost: Dramatiq's workers are given up after 60 s."""


class Peer(NamedTuple):
    """How a peer's worker is started and its jobs are enqueued: the second one is given how many."""

    name: str
    worker: Sequence[str]
    enqueue: Sequence[str]


def peers(python: str) -> list[Peer]:
    """Everybody, RenderOwl first; `python` has the peers' packages."""
    arq, saq, dramatiq = ([python, f"{name}_peer.py"] for name in ("arq", "saq", "dramatiq"))
    threads = [python, "-m", "dramatiq", "dramatiq_peer", "--processes", "1", "--threads", str(SLOTS)]
    return [
        Peer(OURS, WORKER, [*WORKER[:-1], "enqueue"]),
        Peer(ARQ, [*arq, "worker"], [*arq, "enqueue"]),
        Peer("arq, polling every 0.1 s", [*arq, "worker", "0.1"], [*arq, "enqueue"]),
        Peer("SAQ", [*saq, "worker"], [*saq, "enqueue"]),
        Peer("Dramatiq", threads, [*dramatiq, "enqueue"]),
    ]


@contextlib.contextmanager
def at_work(on: Ground, peer: Peer, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A peer's worker, and for RenderOwl the scheduler."""
    with contextlib.ExitStack() as stack:
        if peer.name == OURS:
            stack.enter_context(on.process(SCHEDULER))
        yield stack.enter_context(on.process(peer.worker, **environment))


def rate(on: Ground, peer: Peer, count: int) -> float:
    """Jobs a second from a full queue, timed from the first to the last one done by a worker that is warm."""
    on.clear()
    on.run([*peer.enqueue, str(count)])
    with at_work(on, peer):
        assert on.until(count // 10, 60), f"{peer.name} does nothing"
        first, began = on.done(), time.perf_counter()
        assert on.until(count, 300), f"{peer.name} did {on.done()} of {count}"
        return (count - first) / (time.perf_counter() - began)


def cost(on: Ground, peer: Peer, count: int) -> dict[str, float]:
    """CPU milliseconds a step costs each of RenderOwl's processes."""
    on.clear()
    on.run([*peer.enqueue, str(count)])
    with on.process(SCHEDULER) as scheduler, on.process(WORKER) as worker:
        assert on.until(count // 10, 60), f"{peer.name} does nothing"
        pids = {"scheduler": scheduler.pid, "worker": worker.pid, "Postgres": on.postgres_pid, "Valkey": on.valkey_pid}
        first, before = on.done(), {name: cpu_s(pid) for name, pid in pids.items()}
        assert on.until(count, 300), f"{peer.name} did {on.done()} of {count}"
        return {name: round((cpu_s(pid) - before[name]) * 1000 / (count - first), 2) for name, pid in pids.items()}


def loss(on: Ground, peer: Peer, count: int) -> dict[str, Any]:
    """Kill a worker amid jobs of 0.1 s, start another one: what is never done, what is done twice, how long it took."""
    on.clear()
    on.run([*peer.enqueue, str(count)])
    with at_work(on, peer, BENCH_WORK_S="0.1") as worker:
        assert on.until(count // 2, 60), f"{peer.name} does nothing"
        assert on.until_busy(60), f"{peer.name} begins nothing more"
        kill(worker)
        amid = on.begun() - on.done()
        killed = time.monotonic()
        with on.process(peer.worker, BENCH_WORK_S="0.1"):
            on.until(count, WAIT_S)
            took_s = time.monotonic() - killed
    done = on.done()
    return {
        "jobs": count,
        "amid": amid,
        "lost": count - done,
        "done_again": sum(map(int, on.redis.hvals("bench:runs"))) - done,
        "all_done_after_s": round(took_s, 1) if done == count else None,
    }


def measure(count: int, rounds: int) -> None:
    """Rates in turns, then what a death costs."""
    everybody = peers(install())
    rates: dict[str, list[float]] = {}
    losses = {}
    with ground() as on:
        for _ in range(rounds):
            for peer in everybody:
                rates.setdefault(peer.name, []).append(rate(on, peer, count))
                print(f"  {peer.name}: {rates[peer.name][-1]:.0f} a second", flush=True)
        costs = cost(on, everybody[0], count)
        for peer in everybody:
            losses[peer.name] = loss(on, peer, 200)
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
        cpu_ms_a_step=costs,
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
    measure(chosen.jobs, chosen.rounds)

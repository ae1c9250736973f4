"""How much sooner one render's steps are done by 2 and by 4 workers, where a step is a calibrated wait."""

import argparse
import contextlib
import time
from typing import Final

import paths  # noqa: F401 - makes bench/ importable
from house import SCHEDULER, WORKER, Ground, ground
from results import median, save

WORK_S: Final = 0.25
SLOTS: Final = 2
WORKERS: Final = (1, 2, 4)


def took(on: Ground, workers: int, count: int) -> float:
    """Seconds from the hint to the last step's end, with workers that wait for work."""
    on.clear()
    on.run([*WORKER[:-1], "enqueue", str(count)])
    on.sql("UPDATE steps SET render_id = (SELECT min(id) FROM renders), status = 'blocked'; ANALYZE")
    with contextlib.ExitStack() as stack:
        stack.enter_context(on.process(SCHEDULER))
        for _ in range(workers):
            stack.enter_context(on.process(WORKER, BENCH_WORK_S=str(WORK_S), BENCH_SLOTS=str(SLOTS)))
        while on.sql("SELECT count(*) AS n FROM workers")[0]["n"] < workers:
            pass
        began = time.perf_counter()
        on.sql("UPDATE steps SET status = 'queued', queued_at = now(); SELECT 1")
        assert on.until(count, 120), f"{on.done()} of {count} were done"
        return time.perf_counter() - began


def measure(count: int, rounds: int) -> None:
    """1, 2 and 4 workers in turns."""
    times: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    with ground() as on:
        for _ in range(rounds):
            for workers in WORKERS:
                times[workers].append(took(on, workers, count))
    one = median(times[1])
    efficiency = {workers: one / workers / median(each) for workers, each in times.items()}
    ideal = {workers: count / (workers * SLOTS) * WORK_S for workers in WORKERS}
    save(
        "scheduler_speedup",
        title="One render's steps on 4 workers, against a quarter of the time on one",
        goal=None,
        result=1 / efficiency[4],
        unit="x",
        meaning=(
            f"{count} steps of one render, each a wait of {WORK_S} s, workers of {SLOTS} slots; medians of {rounds} rounds in "
            "turns. 1 x would be a perfect division"
        ),
        efficiency=efficiency,
        speedup={workers: one / median(each) for workers, each in times.items()},
        took_s=times,
        ideal_s=ideal,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    measure(chosen.steps, chosen.rounds)

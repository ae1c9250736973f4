"""How long Postgres takes to admit a batch of 64 from a backlog of 100,000 steps over 1,000 projects."""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import paths  # noqa: F401 - makes bench/ importable
from results import median, percentile, save

from renderowl.db.admission import BATCH, Rules, Slot, admit, take_turn
from renderowl.db.database import Database
from renderowl.db.migrate import migrate
from renderowl.embedded.postgres import EmbeddedPostgres

GOAL_MS: Final = 1.0
WORKERS: Final = 16
CAPPED: Final = Rules(project_slots=8, key_slots=16, urgent_reserve=2)

_BACKLOG: Final = """
INSERT INTO users (id, email) VALUES ('usr', 'bench');
INSERT INTO projects (id, owner_id, created_by, name, event_epoch)
    SELECT 'prj_' || n, 'usr', 'usr', 'p', 'e' FROM generate_series(1, {projects}) n;
INSERT INTO renders (id, project_id, composition_id, input_props, output_settings, created_by)
    SELECT 'rnd_' || n, 'prj_' || n, 'timeline', '{{}}', '{{}}', 'usr' FROM generate_series(1, {projects}) n;
INSERT INTO steps (id, render_id, project_id, render_attempt, kind, ordinal, status, priority_class, vtime, cost, key_id)
    SELECT 'stp_' || lpad(n::text, 9, '0'), 'rnd_' || 1 + n % {projects}, 'prj_' || 1 + n % {projects}, 1, 'segment', n,
        'queued', 1 + n % 3, n / {projects} + random(), 1, 'key_' || n % {projects} / 3
    FROM generate_series(1, {steps}) n;
VACUUM ANALYZE;
"""
_PICK: Final = "SELECT id FROM steps WHERE status = 'queued' ORDER BY priority_class, vtime, id LIMIT $1"
_PLAIN: Final = """
WITH next AS (SELECT id FROM steps WHERE status = 'queued' ORDER BY priority_class, vtime, id LIMIT $1 FOR UPDATE SKIP LOCKED)
UPDATE steps SET status = 'dispatched', attempt = attempt + 1, token = gen_random_uuid()::text, worker_id = 'wrk_0',
    lease_expires_at = now() + interval '10 s' FROM next WHERE steps.id = next.id RETURNING steps.id
"""
_NARROW_TABLE: Final = """
CREATE TABLE bench_claims (step_id text PRIMARY KEY, attempt int, token text, worker_id text, lease_expires_at timestamptz)
"""
_NARROW: Final = """
WITH next AS (
    SELECT id, attempt FROM steps WHERE status = 'queued' ORDER BY priority_class, vtime, id LIMIT $1 FOR UPDATE SKIP LOCKED
)
INSERT INTO bench_claims SELECT id, attempt + 1, gen_random_uuid()::text, 'wrk_0', now() + interval '10 s' FROM next
RETURNING step_id AS id
"""
_WINDOW: Final = """
SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY project_id ORDER BY priority_class, id) AS turn, priority_class
    FROM steps WHERE status = 'queued') waiting ORDER BY priority_class, turn, id LIMIT $1
"""


async def batches(db: Database, rules: Rules, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each admission, without and with its commit; what was admitted ends before the next one."""
    slots = [Slot(f"wrk_{n}", BATCH // WORKERS, BATCH // WORKERS, ()) for n in range(WORKERS)]
    admitting: list[float] = []
    committed: list[float] = []
    for _ in range(rounds):
        async with db.transaction():
            assert await take_turn(db)
            began = time.perf_counter()
            given = await admit(db, slots, lease_s=10, rules=rules)
            admitting.append((time.perf_counter() - began) * 1000)
        committed.append((time.perf_counter() - began) * 1000)
        await _end(db, [one.claim.step_id for one in given])
    return admitting, committed


async def plainly(db: Database, rounds: int) -> list[float]:
    """Milliseconds of claiming the next batch by the least that does it: no classes, caps, places or clock."""
    took: list[float] = []
    for _ in range(rounds):
        async with db.transaction():
            began = time.perf_counter()
            given = await db.fetch(_PLAIN, BATCH)
            took.append((time.perf_counter() - began) * 1000)
        await _end(db, [row["id"] for row in given])
    return took


async def narrowly(db: Database, rounds: int) -> list[float]:
    """Milliseconds of claiming the next batch in rows of their own, in a table with one index and nothing else."""
    took: list[float] = []
    for _ in range(rounds):
        async with db.transaction():
            began = time.perf_counter()
            given = await db.fetch(_NARROW, BATCH)
            took.append((time.perf_counter() - began) * 1000)
        await db.execute("DELETE FROM bench_claims")
        await _end(db, [row["id"] for row in given])
    return took


async def picks(db: Database, rounds: int) -> list[float]:
    """Milliseconds of finding the next batch along the index, without claiming it."""
    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await db.fetch(_PICK, BATCH)
        took.append((time.perf_counter() - began) * 1000)
    return took


async def _end(db: Database, ids: list[str]) -> None:
    assert ids, "the backlog ran dry"
    await db.execute("DELETE FROM dispatches WHERE step_id = ANY($1::text[])", ids)
    await db.execute("UPDATE steps SET status = 'completed', lease_expires_at = NULL WHERE id = ANY($1::text[])", ids)


async def by_window(db: Database, rounds: int) -> list[float]:
    """Milliseconds of picking the same number by a fair turn computed at that moment, without storing anything."""
    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await db.fetch(_WINDOW, BATCH)
        took.append((time.perf_counter() - began) * 1000)
    return took


async def measure(steps: int, projects: int, rounds: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "pg") as server,
    ):
        await migrate(server.url)
        db = Database(server.url)
        await db.open()
        for statement in _BACKLOG.format(steps=steps, projects=projects).split(";\n"):
            if statement.strip():
                await db.execute(statement)
        await db.execute(_NARROW_TABLE)
        await batches(db, Rules(), 20)  # plans and pages are warm from here on
        cases: dict[str, list[float]] = defaultdict(list)
        for _ in range(10):
            for name, rules in (("", Rules()), (", with caps and reserve", CAPPED)):
                admitting, committed = await batches(db, rules, rounds // 10)
                cases[f"admitted{name}"] += admitting
                cases[f"admitted and committed{name}"] += committed
            cases["claimed in the steps' rows, plainly"] += await plainly(db, rounds // 10)
            cases["claimed in narrow rows, plainly"] += await narrowly(db, rounds // 10)
            cases["only picked, by stored virtual time"] += await picks(db, rounds // 10)
            cases["only picked, by a window function"] += await by_window(db, 2)
        await db.close()
    save(
        "scheduler_admission",
        title=f"Admit a batch of {BATCH} from {steps:,} queued steps",
        goal=GOAL_MS,
        result=median(cases["admitted"]),
        unit="ms",
        meaning=(
            f"one call of `db.admission.admit` from Python, which picks, claims and leases {BATCH} steps of {projects:,} "
            "projects in one statement, without the commit that follows; median. Beside it the commit (with fsync), the same "
            "with caps for projects and keys and an urgent reserve, the plainest claim of as many rows written into the steps' "
            "own rows, the plainest one into a narrow table with the steps locked, and only picking: along the index "
            "and by a window function over the backlog"
        ),
        steps=steps,
        projects=projects,
        p50_ms={name: median(took) for name, took in cases.items()},
        p99_ms={name: percentile(took, 0.99) for name, took in cases.items()},
        took_ms=cases,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--projects", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=300)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.steps, chosen.projects, chosen.rounds))

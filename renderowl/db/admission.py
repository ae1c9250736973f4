"""The order of the backlog: places in the queue by stored virtual time, ageing, and who gets the free slots.

Weighted fair queuing (Demers, Keshav, Shenker 1989) with the finish times stored: a step that is queued gets
`max(clock of its class, last of its project) + cost / weight`, so that picking is one walk along an index.

Locks are taken in the order: steps, dispatches, the project's place in the class. An admission locks no step.
"""

import functools
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from renderowl.db.database import Database
from renderowl.db.dispatches import HELD
from renderowl.domain.lifecycle import HIGHEST_BY_AGE, URGENT_CLASS
from renderowl.domain.records import Claim

BATCH: Final = 64
"""The most steps that one admission gives away."""

_LOCK: Final = 0x5343484544  # "SCHED"

ONLY: Final = "only:"
"""An offer `only:<label>` is that of a worker which takes nothing but what requires this label."""


class Slot(msgspec.Struct, frozen=True):
    """A worker's places, how many of them are free, and what it offers (codecs, labels, FFmpeg fingerprint)."""

    worker_id: str
    places: int
    free: int
    offers: tuple[str, ...]

    @property
    def insists_on(self) -> list[str]:
        """The labels without which it takes no step."""
        return [offer.removeprefix(ONLY) for offer in self.offers if offer.startswith(ONLY)]


class Rules(msgspec.Struct, frozen=True):
    """What bounds an admission besides the free slots; 0 is no cap.

    `project_slots` and `key_slots` are the most steps of one project, of one API key, that workers hold at a time.
    `urgent_reserve` slots are for urgent steps alone, though never the last one. Paused classes and projects wait.
    """

    project_slots: int = 0
    key_slots: int = 0
    urgent_reserve: int = 0
    paused_classes: tuple[int, ...] = ()
    paused_projects: tuple[str, ...] = ()

    @property
    def are_bounds(self) -> bool:
        """True when what is held has to be counted."""
        return bool(self.project_slots or self.key_slots or self.urgent_reserve)


class Admitted(msgspec.Struct, frozen=True):
    """A claim that was given away, how long its step had waited, and the trace of its render where that was asked for."""

    claim: Claim
    priority_class: int
    waited_s: float
    trace: str | None


async def next_vtime(db: Database, project_id: str, priority_class: int, cost: float) -> float:
    """Take the project's next place in a class, behind all it has there already."""
    value: float = await db.fetch_value(
        """
        INSERT INTO project_queues (id, project_id, priority_class, vtime)
        SELECT $1 || ':' || priority_class, $1, priority_class, vtime + share.cost
        FROM queue_classes, (SELECT $3 / coalesce((SELECT weight FROM project_weights WHERE project_id = $1), 1) AS cost) share
        WHERE priority_class = $2
        ON CONFLICT (project_id, priority_class) DO UPDATE SET vtime = greatest(project_queues.vtime,
            (SELECT vtime FROM queue_classes WHERE priority_class = $2))
            + $3 / coalesce((SELECT weight FROM project_weights WHERE project_id = $1), 1)
        RETURNING vtime
        """,
        project_id,
        priority_class,
        cost,
    )
    return value


async def refund(db: Database, project_id: str, priority_class: int, cost: float) -> None:
    """Give back to a project what it was charged too much, or charge it what is below 0; not behind the class's clock."""
    await db.execute(
        """
        UPDATE project_queues SET vtime = greatest(clock.vtime, project_queues.vtime
            - $3 / coalesce((SELECT weight FROM project_weights WHERE project_id = $1), 1))
        FROM queue_classes clock
        WHERE project_id = $1 AND project_queues.priority_class = $2 AND clock.priority_class = $2
        """,
        project_id,
        priority_class,
        cost,
    )


async def lock_places(db: Database, project_id: str) -> None:
    """Lock the project's places in all classes, in one order, before several of them are changed."""
    await db.execute(
        "SELECT 1 FROM project_queues WHERE project_id = $1 ORDER BY priority_class FOR UPDATE", project_id
    )


async def set_weight(db: Database, project_id: str, weight: float) -> None:
    """Give a project so many times the share of others from now on; 1 is everybody's."""
    await db.execute(
        "INSERT INTO project_weights (project_id, weight) VALUES ($1, $2) ON CONFLICT (project_id) DO UPDATE SET weight = $2",
        project_id,
        weight,
    )


async def age(db: Database, *, every_s: float, paused_classes: Sequence[int] = (), limit: int = 500) -> int:
    """Raise steps that have waited for long by one class, to a fair place there; returns how many that were.

    What one project has in a batch keeps its order. Nothing becomes urgent by waiting. What is dispatched waits no more.
    One caller at a time.
    """
    return await db.execute(
        """
        WITH old AS (
            SELECT id, project_id, priority_class - 1 AS class, vtime, ages_at,
                cost / coalesce((SELECT weight FROM project_weights w WHERE w.project_id = steps.project_id), 1) AS cost
            FROM steps WHERE status = 'queued' AND ages_at <= now() AND priority_class <> ALL($3::int[])
                AND NOT EXISTS (SELECT 1 FROM dispatches WHERE dispatches.step_id = steps.id)
            ORDER BY ages_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
        ), line AS (
            SELECT *, sum(cost) OVER (PARTITION BY project_id, class ORDER BY vtime, id) AS reached,
                sum(cost) OVER (PARTITION BY project_id, class) AS whole
            FROM old
        ), place AS (
            INSERT INTO project_queues AS queue (id, project_id, priority_class, vtime)
            SELECT project_id || ':' || class, project_id, class, clock.vtime + sum(cost)
            FROM old JOIN queue_classes clock ON clock.priority_class = class GROUP BY project_id, class, clock.vtime
            ORDER BY project_id, class
            ON CONFLICT (project_id, priority_class) DO UPDATE SET vtime = EXCLUDED.vtime + greatest(0, queue.vtime
                - (SELECT vtime FROM queue_classes WHERE priority_class = queue.priority_class))
            RETURNING project_id, priority_class, vtime
        )
        UPDATE steps SET priority_class = line.class, vtime = place.vtime - line.whole + line.reached,
            ages_at = CASE WHEN line.class > $4 THEN line.ages_at + make_interval(secs => $1) END
        FROM line JOIN place ON place.project_id = line.project_id AND place.priority_class = line.class
        WHERE steps.id = line.id
        """,
        every_s,
        limit,
        list(paused_classes),
        HIGHEST_BY_AGE,
    )


async def take_turn(db: Database) -> bool:
    """Make this transaction the only one that admits until it ends; False when another one is at it.

    Plans made in it are walks along the index, as they must be for a long backlog: they are kept, and may have been made
    while there was next to nothing to sort.
    """
    return bool(
        await db.fetch_value(
            "SELECT pg_try_advisory_xact_lock($1) AND set_config('enable_sort', 'off', true) IS NOT NULL", _LOCK
        )
    )


async def admit(
    db: Database,
    slots: Sequence[Slot],
    *,
    lease_s: float,
    rules: Rules | None = None,
    traced: bool = False,
    limit: int = BATCH,
) -> list[Admitted]:
    """Give queued steps to workers with free slots, best first by (class, virtual time, id), in one statement a group.

    A worker gets a step only if it offers everything the step requires and the step requires all it insists on. Each
    admission is the step's next attempt, with a token of its own and a lease of `lease_s`. Of two that give the same
    step one does; caps hold when one of them works at a time. The render's trace is looked up if `traced`. While
    anything may be admitted something is: call again until the list is empty.
    """
    rules = rules or Rules()
    room = await _room_for_others(db, slots, rules.urgent_reserve) if rules.urgent_reserve else None
    full_projects, full_keys = await _full(db, rules)
    admitted: list[Admitted] = []
    for offers, insists_on in sorted({(slot.offers, tuple(slot.insists_on)) for slot in slots}):
        places = spread([slot for slot in slots if slot.offers == offers], min(limit, BATCH) - len(admitted))
        if not places:
            continue
        bounds = (rules.project_slots, rules.key_slots, room, URGENT_CLASS) if rules.are_bounds else ()
        rows = await db.fetch(
            _admission(traced, within_bounds=bool(bounds)),
            places,
            _tokens(len(places)),
            lease_s,
            len(places),
            list(offers),
            list(insists_on),
            list(rules.paused_classes),
            [*rules.paused_projects, *full_projects],
            full_keys,
            *bounds,
        )
        given = [
            Admitted(
                Claim(row["id"], row["attempt"], row["token"], row["worker_id"]),
                row["priority_class"],
                row["waited_s"],
                row["trace"],
            )
            for row in rows
        ]
        if room is not None:
            room = max(0, room - sum(one.priority_class > URGENT_CLASS for one in given))
        admitted += given
    return admitted


def _tokens(count: int) -> list[str]:
    """So many random tokens of 128 bits, drawn at once."""
    drawn = secrets.token_hex(16 * count)
    return [drawn[32 * n : 32 * (n + 1)] for n in range(count)]


_WITHIN_BOUNDS: Final = f"""held AS MATERIALIZED (
        SELECT project_id, key_id FROM {HELD} held WHERE $10::int > 0 OR $11::int > 0
    ), projects_held AS (SELECT project_id, count(*) AS n FROM held GROUP BY 1
    ), keys_held AS (SELECT key_id, count(*) AS n FROM held WHERE key_id IS NOT NULL GROUP BY 1
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY project_id ORDER BY n) AS of_project,
            row_number() OVER (PARTITION BY key_id ORDER BY n) AS of_key,
            row_number() OVER (PARTITION BY priority_class = $13 ORDER BY n) AS of_urgency
        FROM first
    ), picked AS MATERIALIZED (
        SELECT id, render_id, attempt, priority_class, vtime, queued_at, not_before,
            row_number() OVER (ORDER BY ranked.n) AS n
        FROM ranked LEFT JOIN projects_held USING (project_id) LEFT JOIN keys_held ON keys_held.key_id = ranked.key_id
        WHERE ($10 = 0 OR of_project + coalesce(projects_held.n, 0) <= $10)
            AND ($11 = 0 OR ranked.key_id IS NULL OR of_key + coalesce(keys_held.n, 0) <= $11)
            AND ($12::int IS NULL OR priority_class = $13 OR of_urgency <= $12)
    ),"""
"""SQL: the caps by project ($10) and key ($11), and the room ($12) for what is not urgent ($13)."""


@functools.cache
def _admission(traced: bool, *, within_bounds: bool) -> str:
    """The statement: the first of the queue, those of them that are picked given to the places of their number `n`.

    What depends on a parameter stands within CASE. Postgres guesses that half the rows pass one, and so walks along the
    index and keeps the plan; of arrays that it does not know it guesses that hardly any row does, and would read and
    sort the whole backlog (bench/scheduler/admission.py). LIMIT says how far the walk goes at most, `n` how far it does.
    A plan is kept only if no parameter makes it cheaper: what is not wanted is left out of the text.
    """
    return f"""
    WITH {"first" if within_bounds else "picked"} AS MATERIALIZED (
        SELECT * FROM (
            SELECT id, render_id, project_id, key_id, attempt, priority_class, vtime, queued_at, not_before,
                row_number() OVER (ORDER BY priority_class, vtime, id) AS n
            FROM steps WHERE status = 'queued' AND CASE WHEN
                requires <@ $5::text[] AND requires @> $6::text[]
                AND (not_before IS NULL OR not_before <= now())
                AND priority_class <> ALL($7::int[]) AND project_id <> ALL($8::text[])
                AND (key_id IS NULL OR key_id <> ALL($9::text[]))
                {"AND ($12::int IS NULL OR $12 > 0 OR priority_class = $13::int)" if within_bounds else ""}
            THEN true ELSE false END
            AND NOT EXISTS (SELECT 1 FROM dispatches WHERE dispatches.step_id = steps.id)
        ) line WHERE n <= $4 LIMIT {BATCH}
    ), {_WITHIN_BOUNDS if within_bounds else ""} given AS (
        INSERT INTO dispatches (step_id, attempt, token, worker_id, lease_expires_at)
        SELECT id, attempt + 1, ($2::text[])[n], ($1::text[])[n], now() + make_interval(secs => $3) FROM picked
        ON CONFLICT DO NOTHING RETURNING step_id, attempt, token, worker_id
    ), clock AS (
        UPDATE queue_classes SET vtime = greatest(queue_classes.vtime, reached.vtime)
        FROM (SELECT priority_class, max(vtime) AS vtime FROM picked GROUP BY 1) reached
        WHERE queue_classes.priority_class = reached.priority_class
    )
    SELECT picked.id, given.attempt, given.token, given.worker_id, picked.priority_class,
        extract(epoch FROM now() - greatest(queued_at, coalesce(not_before, queued_at)))::float AS waited_s,
        {"(SELECT trace FROM renders WHERE renders.id = picked.render_id)" if traced else "NULL::text"} AS trace
    FROM picked JOIN given ON given.step_id = picked.id ORDER BY n
    """


async def _full(db: Database, rules: Rules) -> tuple[list[str], list[str]]:
    """The projects and the keys that hold all they may.

    Asked apart: as a subquery of the admission it makes Postgres read and sort the whole backlog, because it cannot
    know that nearly every row passes (bench/scheduler/admission.py).
    """
    if not rules.project_slots and not rules.key_slots:
        return [], []
    row = await db.fetch_one(
        f"""
        WITH held AS (SELECT project_id, key_id FROM {HELD} held)
        SELECT ARRAY(SELECT project_id FROM held WHERE $1 > 0 GROUP BY 1 HAVING count(*) >= $1) AS projects,
            ARRAY(SELECT key_id FROM held WHERE $2 > 0 AND key_id IS NOT NULL GROUP BY 1 HAVING count(*) >= $2) AS keys
        """,
        rules.project_slots,
        rules.key_slots,
    )
    assert row is not None, "a SELECT without FROM has a row"
    return row["projects"], row["keys"]


async def _room_for_others(db: Database, slots: Sequence[Slot], reserve: int) -> int:
    """How many more steps that are not urgent may be held while `reserve` places are kept from them."""
    total = sum(slot.places for slot in slots)
    held: int = await db.fetch_value(f"SELECT count(*) FROM {HELD} held WHERE priority_class > $1", URGENT_CLASS)
    return max(0, total - min(reserve, total - 1) - held)


def spread(slots: Sequence[Slot], most: int) -> list[str]:
    """Deal at most so many free places round robin, so that a burst lands on every worker and not on the first."""
    places: list[str] = []
    dealt = 0
    while len(places) < most and (slots := [slot for slot in slots if slot.free > dealt]):
        places += [slot.worker_id for slot in slots]
        dealt += 1
    return places[:most]

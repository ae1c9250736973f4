"""Workers in Postgres: who is there, with how many slots, and how many of them are free."""

from collections.abc import Sequence

from renderowl.db.admission import Slot
from renderowl.db.database import Database
from renderowl.db.dispatches import HELD


async def register(db: Database, worker_id: str, *, host: str, pid: int, slots: int, offers: Sequence[str]) -> None:
    """Announce a worker, or announce it again."""
    await db.execute(
        "INSERT INTO workers (id, host, pid, slots, offers) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET"
        " host = $2, pid = $3, slots = $4, offers = $5, status = 'active', heartbeat_at = now()",
        worker_id,
        host,
        pid,
        slots,
        list(offers),
    )


async def heartbeat(db: Database, worker_id: str, *, full: bool = False) -> bool:
    """Say that a worker lives, and whether its disk is full; False when it is not known and must register again."""
    return bool(
        await db.execute(
            "UPDATE workers SET heartbeat_at = now(),"
            " status = CASE WHEN status = 'draining' THEN status WHEN $2 THEN 'full' ELSE 'active' END"
            " WHERE id = $1 AND status <> 'gone'",
            worker_id,
            full,
        )
    )


async def set_status(db: Database, worker_id: str, status: str) -> None:
    """`draining` gets no more steps, nor does `full`, which is for the heartbeat to say; `gone` has stopped."""
    await db.execute("UPDATE workers SET status = $2, heartbeat_at = now() WHERE id = $1", worker_id, status)


async def slots(db: Database, *, alive_s: float) -> list[Slot]:
    """The slots of the workers heard of in the last `alive_s` seconds, and how many of them are free."""
    rows = await db.fetch(
        "SELECT w.id, w.offers, w.slots, greatest(0, w.slots - count(held.id)) AS free FROM workers w"
        f" LEFT JOIN {HELD} held ON held.worker_id = w.id"
        " WHERE w.status = 'active' AND w.heartbeat_at > now() - make_interval(secs => $1)"
        " GROUP BY w.id ORDER BY w.id",
        alive_s,
    )
    return [Slot(row["id"], row["slots"], row["free"], tuple(row["offers"])) for row in rows]


async def count_alive(db: Database, *, alive_s: float) -> int:
    """How many workers take steps now."""
    return int(
        await db.fetch_value(
            "SELECT count(*) FROM workers WHERE status = 'active' AND heartbeat_at > now() - make_interval(secs => $1)",
            alive_s,
        )
    )


async def sweep(db: Database, *, silent_s: float) -> int:
    """Mark workers as gone that have been silent for `silent_s` seconds; forget those gone for a day."""
    await db.execute("DELETE FROM workers WHERE status = 'gone' AND heartbeat_at < now() - interval '1 day'")
    return await db.execute(
        "UPDATE workers SET status = 'gone' WHERE status <> 'gone'"
        " AND heartbeat_at < now() - make_interval(secs => $1)",
        silent_s,
    )

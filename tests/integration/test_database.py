"""The schema, its migrations and transactions."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from piccolo.columns import JSONB, Array, BigInt, Boolean, Date, DoublePrecision, Integer, SmallInt, Text, Timestamptz

from renderowl.db import events, projects
from renderowl.db.database import Database
from renderowl.db.migrate import migrate, shipped
from renderowl.db.tables import TABLES
from renderowl.domain.errors import Unavailable
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.services.callers import BOOTSTRAP_USER, ensure_bootstrap_user

SQL_TYPES = {
    Text: "text",
    JSONB: "jsonb",
    Array: "ARRAY",
    BigInt: "bigint",
    Integer: "integer",
    SmallInt: "smallint",
    DoublePrecision: "double precision",
    Boolean: "boolean",
    Timestamptz: "timestamp with time zone",
    Date: "date",
}


@pytest.fixture
async def db(database_url: str):
    database = Database(database_url)
    await database.open()
    await ensure_bootstrap_user(database)
    yield database
    await database.close()


async def _project(db: Database, project_id: str = "prj_1") -> None:
    await projects.insert(db, project_id=project_id, owner_id=BOOTSTRAP_USER, name="p", description=None, settings={})


async def test_tables_and_migrations_describe_the_same_columns(db: Database) -> None:
    rows = await db.fetch(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'migration'"
    )
    made = {(r["table_name"], r["column_name"], r["data_type"], r["is_nullable"] == "YES") for r in rows}
    said = {
        (table._meta.tablename, column._meta.name, SQL_TYPES[type(column)], column._meta.null)
        for table in TABLES
        for column in table._meta.columns
    }
    assert made == said


async def test_migrating_at_the_same_time_runs_each_migration_once(empty_database_url: Callable[[], str]) -> None:
    url = empty_database_url()

    def run() -> list[str]:
        return asyncio.run(migrate(url))

    script = f"import asyncio; from renderowl.db.migrate import migrate; print(len(asyncio.run(migrate({url!r}))))"
    racing = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    counts = sorted([int((await process.communicate())[0]) for process in racing])
    assert counts == [0, 0, len(shipped())]
    assert await asyncio.to_thread(run) == []


async def test_events_of_concurrent_transactions_are_numbered_without_gap_in_commit_order(db: Database) -> None:
    await _project(db)

    async def one(n: int) -> int:
        async with db.transaction():
            return (await events.append(db, "prj_1", "asset.ready", {"n": n})).seq

    seqs = await asyncio.gather(*(one(n) for n in range(40)))
    assert sorted(seqs) == list(range(1, 41))
    assert [event.seq for event in await events.read_after(db, "prj_1", 0, limit=100)] == list(range(1, 41))


async def test_a_rolled_back_event_leaves_no_hole(db: Database) -> None:
    await _project(db)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await events.append(db, "prj_1", "asset.ready", {})
            raise ZeroDivisionError
    async with db.transaction():
        assert (await events.append(db, "prj_1", "asset.ready", {})).seq == 1


async def test_effects_run_after_the_commit_and_a_failing_one_is_not_raised(db: Database) -> None:
    await _project(db)
    seen: list[int] = []

    async def look() -> None:
        seen.append(await db.fetch_value("SELECT event_seq FROM projects WHERE id = 'prj_1'"))

    async def fail() -> None:
        raise ConnectionError("redis is away")

    async with db.transaction() as tx:
        tx.after_commit += [fail, look]
        await events.append(db, "prj_1", "asset.ready", {})
        assert seen == []
    assert seen == [1]


async def test_effects_of_a_rolled_back_transaction_do_not_run(db: Database) -> None:
    ran: list[bool] = []

    async def effect() -> None:
        ran.append(True)

    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            tx.after_commit.append(effect)
            raise ZeroDivisionError
    assert ran == []


async def test_piccolo_queries_and_sql_share_the_transaction(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await _project(db, "prj_2")
            assert await db.fetch_value("SELECT count(*) FROM projects WHERE id = 'prj_2'") == 1
            raise ZeroDivisionError
    assert await projects.get(db, "prj_2", owner_id=None) is None


async def test_without_postgres_queries_raise_unavailable_and_recover(
    embedded_postgres: EmbeddedPostgres, db: Database
) -> None:
    await db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    with pytest.raises(Unavailable):
        await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await db.fetch_value("SELECT 1") == 1


async def test_a_statement_that_the_server_was_told_to_stop_may_be_repeated(db: Database) -> None:
    with pytest.raises(Unavailable):
        async with db.transaction():
            await db.execute("SET LOCAL statement_timeout = 1")
            await db.execute("SELECT pg_sleep(60)")


async def test_a_task_whose_postgres_died_within_a_transaction_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        postmaster = psutil.Process(server.pid)
        db = Database(server.url, pool_size=1)
        await db.open()
        with pytest.raises(Unavailable):
            async with db.transaction():
                postmaster.kill()
                psutil.wait_procs([postmaster], timeout=30)
                while await db.fetch_value("SELECT 1"):  # the backend may take a moment to notice
                    pass
        with pytest.raises(Unavailable):
            async with db.transaction():
                pass
        server.start()
        async with db.transaction():
            assert await db.fetch_value("SELECT 1") == 1
        await db.close()

"""pytest fixtures on real servers: one embedded Postgres and Valkey per test process, a fresh database per test.

Load them with `pytest_plugins = ["renderowl.testing.fixtures"]`. Override `migrate_template` to choose the schema.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from renderowl.db.migrate import migrate
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey

_names = itertools.count(1)


@pytest.fixture(scope="session")
def embedded_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The test process's own Postgres, without fsync."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def embedded_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The test process's own Valkey."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def empty_database_url(embedded_postgres: EmbeddedPostgres) -> Callable[[], str]:
    """A function that makes a new database without any table and returns its URL."""
    return lambda: _create_database(embedded_postgres.url, "template1")


@pytest.fixture(scope="session")
def migrate_template() -> Callable[[str], object]:
    """What makes the schema in the database of a URL, once per test process: all migrations."""

    return lambda url: asyncio.run(migrate(url))


@pytest.fixture(scope="session")
def migrated_template(empty_database_url: Callable[[], str], migrate_template: Callable[[str], object]) -> str:
    """The name of a database with the whole schema and no row, to be cloned."""
    url = empty_database_url()
    _apart(lambda: migrate_template(url))
    return url.rpartition("/")[2]


@pytest.fixture
def database_url(embedded_postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A database of this test's own with the whole schema, dropped afterwards, whoever is still connected."""
    url = _create_database(embedded_postgres.url, migrated_template)
    yield url
    _execute(embedded_postgres.url, f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')


@pytest.fixture
async def redis_url(embedded_valkey: EmbeddedValkey) -> AsyncIterator[str]:
    """An emptied Valkey of this test's own: the tests of one process do not run in parallel."""
    client = redis.asyncio.Redis.from_url(embedded_valkey.url)
    await client.flushall()
    yield embedded_valkey.url
    await client.aclose()


@pytest.fixture
def storage_dir(tmp_path: Path) -> Path:
    """An empty folder for local storage."""
    folder = tmp_path / "storage"
    folder.mkdir()
    return folder


def _create_database(server_url: str, template: str) -> str:
    name = f"test_{next(_names)}"
    _execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return f"{server_url.rpartition('/')[0]}/{name}"


def _execute(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, ssl=False)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _apart(lambda: asyncio.run(run()))


def _apart(work: Callable[[], object]) -> None:
    """Do `work` in a thread: it may run a loop of its own without touching the one the tests run on."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()

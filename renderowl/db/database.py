"""The connection to Postgres: Piccolo's engine and pool, transactions, and what happens after they commit.

`Database` speaks SQL with `$1` parameters on the connection of the current transaction, or on one of the pool. Piccolo
queries made inside `transaction()` use that same connection, so both may be mixed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import structlog

from renderowl.db.engine import Engine, connect_options
from renderowl.db.tables import TABLES
from renderowl.domain.errors import Unavailable

log = structlog.get_logger(__name__)

Effect = Callable[[], Awaitable[None]]

# InternalClientError is what asyncpg says of a connection that died between two of its messages; the three classes of
# errors (57, 53, 58) are a server that is stopped or told to stop a statement, that lacks disk or memory, or cannot read
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    OSError,
    TimeoutError,
)


class Transaction:
    """An open transaction. `after_commit` collects effects (publishing, hints) that run once it is committed."""

    def __init__(self) -> None:
        self.after_commit: list[Effect] = []


class Database:
    """A pool of connections to one database. Raises Unavailable while Postgres is away."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._engine = Engine(config=connect_options(url))
        self._pool_size = pool_size
        self.statements = 0
        """How many statements were sent, with those that begin and end transactions; benches and tests read it."""

    async def open(self) -> None:
        """Open the pool and give Piccolo's tables this engine."""
        try:
            await self._engine.start_connection_pool(min_size=1, max_size=self._pool_size, reset=_nothing_to_reset)
        except _GONE as error:
            raise Unavailable(f"Postgres cannot be reached: {error}") from error
        for table in TABLES:
            table._meta._db = self._engine

    async def close(self) -> None:
        """Close the pool, waiting a little for running queries."""
        pool = self._engine.pool
        if pool is not None:
            self._engine.pool = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await pool.close()
                    return
            pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """The current transaction's connection, or one of the pool for the length of the block."""
        transaction = self._engine.current_transaction.get()
        try:
            if transaction is not None:
                yield transaction.connection
                return
            pool = self._engine.pool
            if pool is None:
                raise Unavailable("the database is closed")
            async with pool.acquire(timeout=10) as connection:
                yield connection
        except _GONE as error:
            raise Unavailable("Postgres is not available now", retry_after_s=1) from error

    @contextlib.asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Transaction]:
        """One transaction: commit at the end of the block, roll back on an exception, then run the effects.

        `snapshot` makes it REPEATABLE READ and read-only. A failing effect is logged and never raised: effects are
        hints, and the relay and the poll repeat what they lost.
        """
        transaction = Transaction()
        async with self._begun(snapshot):
            yield transaction
        for effect in transaction.after_commit:
            try:
                await effect()
            except Exception:
                log.warning("effect_failed", effect=getattr(effect, "__qualname__", repr(effect)), exc_info=True)

    @contextlib.asynccontextmanager
    async def _begun(self, snapshot: bool) -> AsyncIterator[None]:
        """A transaction on a connection of the pool, which Piccolo's queries in this context use too.

        Piccolo's own manager neither gives the connection back nor forgets the transaction when the rollback fails,
        as it does when Postgres has just died: every later transaction of the task would be refused.
        """
        assert self._engine.current_transaction.get() is None, "a transaction is already open in this task"
        current = self._engine.transaction()
        self.statements += 2
        isolation: Any = "repeatable_read" if snapshot else None
        async with self.connection() as connection, connection.transaction(isolation=isolation, readonly=snapshot):
            current.connection = connection
            token = self._engine.current_transaction.set(current)
            try:
                yield
            finally:
                self._engine.current_transaction.reset(token)

    async def run(self, query: Any) -> Any:
        """Run a Piccolo query on the current transaction's connection or the pool."""
        self.statements += 1
        try:
            return await query.run()
        except _GONE as error:
            raise Unavailable("Postgres is not available now", retry_after_s=1) from error

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows."""
        self.statements += 1
        async with self.connection() as connection:
            return list(await connection.fetch(sql, *args))

    async def fetch_one(self, sql: str, *args: object) -> asyncpg.Record | None:
        """The first row, or None."""
        self.statements += 1
        async with self.connection() as connection:
            return await connection.fetchrow(sql, *args)

    async def fetch_value(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        self.statements += 1
        async with self.connection() as connection:
            return await connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement and return how many rows it touched."""
        self.statements += 1
        async with self.connection() as connection:
            status = await connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def try_lock(self, number: int) -> bool:
        """Take an advisory lock until the transaction ends; False when another transaction holds it."""
        return bool(await self.fetch_value("SELECT pg_try_advisory_xact_lock($1)", number))


async def _nothing_to_reset(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Spare each use of a connection asyncpg's `RESET ALL` and its round trip: nothing of ours outlives a transaction."""


def to_json(value: object) -> str:
    """A JSONB parameter. NUL characters, which JSONB cannot hold, were refused at the edge."""
    return msgspec.json.encode(value).decode()


def from_json(text: str | None) -> Any:
    """A JSONB column."""
    return None if text is None else msgspec.json.decode(text)

"""Scripts of SQL for migrations, run inside the transaction that Piccolo opened."""

from collections.abc import Awaitable, Callable

from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine


def run_script(sql: str) -> Callable[[], Awaitable[None]]:
    """Make the coroutine function that runs these statements: what `MigrationManager.add_raw` takes."""

    async def run() -> None:
        engine = engine_finder()
        if not isinstance(engine, PostgresEngine):
            raise RuntimeError("migrations need the Postgres engine of renderowl.db.conf")
        transaction = engine.current_transaction.get()
        if transaction is None:
            raise RuntimeError("a migration script runs inside its migration's transaction")
        await transaction.connection.execute(sql)

    return run

"""Bring a database to the newest schema, once, however many processes try at the same time."""

import contextlib
import importlib
import io
import os
import pkgutil

import asyncpg
from piccolo.apps.migrations.commands.forwards import run_forwards
from piccolo.apps.migrations.tables import Migration

from renderowl.db import conf, migrations
from renderowl.db.engine import Engine, connect_options

_LOCK = 0x52454E444F574C  # "RENDOWL": one advisory lock for everybody who migrates


async def migrate(url: str, *, until: str = "all") -> list[str]:
    """Run the migrations that have not run, `until` that one and with it, and return their ids, oldest first.

    Concurrent callers wait for each other under an advisory lock (Piccolo's own runner would race: measured).
    """
    gate = await asyncpg.connect(**connect_options(url))
    try:
        await gate.execute("SELECT pg_advisory_lock($1)", _LOCK)
        engine = Engine(config=connect_options(url))
        conf.DB = engine
        os.environ.setdefault("PICCOLO_CONF", "renderowl.db.conf")
        Migration._meta._db = engine
        before = set(await _applied(gate))
        with contextlib.redirect_stdout(io.StringIO()) as said:
            result = await run_forwards("renderowl", until)
        if not result.success:
            raise RuntimeError(f"the migration failed: {result.message or said.getvalue()}")
        return [name for name in await _applied(gate) if name not in before]
    finally:
        await gate.close()


async def pending(url: str) -> bool:
    """Tell whether `url` lacks a migration of this version."""
    return not set(shipped()) <= set(await applied(url))


def shipped() -> list[str]:
    """The ids of the migrations that come with this version."""
    return [
        importlib.import_module(f"{migrations.__name__}.{module.name}").ID
        for module in pkgutil.iter_modules(migrations.__path__)
    ]


async def applied(url: str) -> list[str]:
    """The ids of the migrations that the database of `url` has, oldest first."""
    gate = await asyncpg.connect(**connect_options(url))
    try:
        return await _applied(gate)
    finally:
        await gate.close()


async def _applied(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        return []
    return [row["name"] for row in await connection.fetch("SELECT name FROM migration ORDER BY name")]

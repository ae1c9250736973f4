"""Piccolo's engine for Postgres, without the connection that its constructor would make just to read a version."""

from typing import Any

from piccolo.engine.postgres import PostgresEngine


class Engine(PostgresEngine):
    """A PostgresEngine whose making costs nothing and cannot fail: the pool finds out whether Postgres is there."""

    async def check_version(self) -> None:
        """Do not connect."""


def connect_options(url: str) -> dict[str, Any]:
    """Arguments for asyncpg. TLS is off for loopback, where asyncpg would otherwise look into `~/.postgresql`."""
    options: dict[str, Any] = {"dsn": url, "timeout": 10.0, "command_timeout": 30.0}
    if "@127.0.0.1" in url or "@localhost" in url or "host=/" in url:
        options["ssl"] = False
    return options

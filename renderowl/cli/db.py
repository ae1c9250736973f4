"""`renderowl db`: the schema of the database."""

import asyncio
import json
from pathlib import Path

import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings


@click.group("db")
def command() -> None:
    """Create and check the database's schema."""


@command.command("migrate")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def migrate(data_dir: Path | None, as_json: bool) -> None:
    """Bring the database to the newest schema. Safe to run anywhere, any time, by several at once."""
    from renderowl.db.migrate import migrate as migrate_database

    settings = read_settings(data_dir)
    settings.require("database_url")
    applied = asyncio.run(migrate_database(settings.database_url))
    if as_json:
        click.echo(json.dumps({"applied": applied}))
        return
    for name in applied:
        click.echo(f"applied {name}")
    click.echo("the schema is up to date")


@command.command("check")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def check(data_dir: Path | None, as_json: bool) -> None:
    """Exit with 1 when the database lacks a migration of this version."""
    from renderowl.db.migrate import pending

    settings = read_settings(data_dir)
    settings.require("database_url")
    behind = asyncio.run(pending(settings.database_url))
    if as_json:
        click.echo(json.dumps({"up_to_date": not behind}))
    else:
        click.echo("migrations are missing: run `renderowl db migrate`" if behind else "the schema is up to date")
    raise SystemExit(1 if behind else 0)

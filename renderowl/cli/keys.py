"""`renderowl keys`: API keys, made where the database is reachable."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings
from renderowl.domain.records import Scope

if TYPE_CHECKING:
    from renderowl.services.accounts import CreatedKey


@click.group("keys")
def command() -> None:
    """Make API keys."""


@command.command("create")
@click.option("--name", required=True, help="What the key is for; shown in lists.")
@click.option(
    "--scopes",
    default="read,write",
    show_default=True,
    help="What the key may do, comma separated: read, write, admin.",
)
@click.option("--email", "--user", "email", default="", help="Whose key it is; the user is made when there is none.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@data_dir_option
def create(name: str, scopes: str, email: str, as_json: bool, data_dir: Path | None) -> None:
    """Make an API key and print it. It is shown this once: only its hash is stored."""
    try:
        wanted = msgspec.convert([scope.strip() for scope in scopes.split(",")], list[Scope])
    except msgspec.ValidationError:
        raise click.BadParameter(f"{scopes!r}: choose among read, write and admin", param_hint="--scopes") from None
    settings = read_settings(data_dir)
    settings.require("database_url")
    made = asyncio.run(_make(settings.database_url, name, sorted(set(wanted)), email))
    if as_json:
        click.echo(json.dumps({"id": made.key.id, "key": made.plaintext, "scopes": made.key.scopes}))
        return
    click.echo(made.plaintext)
    click.echo(f"id {made.key.id}, scopes {', '.join(made.key.scopes)}; the key is shown only now", err=True)


async def _make(database_url: str, name: str, scopes: list[Scope], email: str) -> "CreatedKey":
    """A key of the user with this address, who is made when there is none; without one it is the administrator's."""
    from renderowl.db import accounts as rows
    from renderowl.db.database import Database
    from renderowl.domain.ids import new_id
    from renderowl.services import accounts, callers

    database = Database(database_url, pool_size=1)
    await database.open()
    try:
        if email:
            user = await rows.find_user(database, email) or await rows.insert_user(
                database, user_id=new_id("usr"), email=email, password_hash=None
            )
        else:
            user = await callers.ensure_bootstrap_user(database)
        assert user is not None
        return await accounts.make_key(database, user.id, name=name, scopes=scopes)
    finally:
        await database.close()

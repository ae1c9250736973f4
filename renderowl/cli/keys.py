"""`renderowl keys`: API keys, made where the database is reachable."""

import json
from pathlib import Path

import msgspec
import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings
from renderowl.domain.records import Scope


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
    from renderowl import app

    try:
        wanted = msgspec.convert([scope.strip() for scope in scopes.split(",")], list[Scope])
    except msgspec.ValidationError:
        raise click.BadParameter(f"{scopes!r}: choose among read, write and admin", param_hint="--scopes") from None
    settings = read_settings(data_dir)
    settings.require("database_url")
    made = app.create_key(settings, name, wanted, email)
    if as_json:
        click.echo(json.dumps({"id": made.id, "key": made.key, "scopes": list(made.scopes)}))
        return
    click.echo(made.key)
    click.echo(f"id {made.id}, scopes {', '.join(made.scopes)}; the key is shown only now", err=True)

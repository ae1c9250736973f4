"""`renderowl projects`: the projects of a server, whose ids other commands ask for."""

import asyncio

import msgspec
import rich_click as click

from renderowl.cli.server_options import plainly, require_key, server_options
from renderowl.client import Client, Project

_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


@click.group("projects")
def command() -> None:
    """List and make projects."""


@command.command("list")
@server_options(required=True, project=False)
@_json
def show(server: str, key: str | None, as_json: bool) -> None:
    """List your projects, newest first: id, when it was made, name."""
    with plainly(server):
        found = asyncio.run(_all(server, require_key(key)))
    if as_json:
        click.echo(msgspec.json.encode({"projects": found}).decode())
        return
    for project in found:
        click.echo(f"{project.id}  {project.created_at:%Y-%m-%d %H:%M} UTC  {project.name}")
    if not found:
        click.echo("no projects: `renderowl projects create --name ...` makes one", err=True)


@command.command("create")
@click.option("--name", required=True, help="What it is called.")
@server_options(required=True, project=False)
@_json
def create(name: str, server: str, key: str | None, as_json: bool) -> None:
    """Make a project and print its id."""
    with plainly(server):
        made = asyncio.run(_make(server, require_key(key), name))
    click.echo(msgspec.json.encode(made).decode() if as_json else made.id)


async def _all(server: str, key: str) -> list[Project]:
    async with Client(server, key) as client:
        return [project async for project in client.projects()]


async def _make(server: str, key: str, name: str) -> Project:
    async with Client(server, key) as client:
        return await client.create_project(name)

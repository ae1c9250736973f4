"""`renderowl queue`: pausing and weighing the queue, where the database is reachable."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings
from renderowl.db.database import Database
from renderowl.domain.lifecycle import Priority

T = TypeVar("T")

_class = click.option(
    "--class", "priority", type=click.Choice(get_args(Priority)), help="Only this class: steps that are in it now."
)
_project = click.option("--project", "project_id", help="Only this project.")
_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


@click.group("queue")
def command() -> None:
    """Pause and resume the queue; weigh projects."""


@command.command("pause")
@_class
@_project
@click.option("--reason", default="", help="Why; shown by `queue status` and `top`.")
@data_dir_option
@_json
def pause(priority: Priority | None, project_id: str | None, reason: str, data_dir: Path | None, as_json: bool) -> None:
    """Admit nothing more: of the whole queue, of a class or of a project. What runs goes on."""
    from renderowl.services import pausing

    scope = pausing.scope_of(*_one_of(priority, project_id))
    fresh = _with_database(data_dir, lambda db: pausing.pause(db, scope, reason))
    _tell({"paused": scope, "already": not fresh}, f"paused {scope}" if fresh else f"{scope} was paused", as_json)


@command.command("resume")
@_class
@_project
@click.option("--everything", is_flag=True, help="End every pause there is.")
@data_dir_option
@_json
def resume(
    priority: Priority | None, project_id: str | None, everything: bool, data_dir: Path | None, as_json: bool
) -> None:
    """End the pause of the whole queue, of a class or of a project; others stay. Schedulers notice within 250 ms."""
    from renderowl.db import pauses
    from renderowl.services import pausing

    scope = None if everything else pausing.scope_of(*_one_of(priority, project_id))

    async def act(db: Database) -> tuple[list[str], list[str]]:
        return await pausing.resume(db, scope), [pause.scope for pause in await pauses.list_all(db)]

    ended, left = _with_database(data_dir, act)
    lines = [f"resumed {one}" for one in ended] or [f"{scope or 'nothing'} was {'not ' if scope else ''}paused"]
    lines += [f"still paused: {one}" for one in left]
    _tell({"resumed": ended, "still_paused": left}, "\n".join(lines), as_json)


@command.command("status")
@data_dir_option
@_json
def status(data_dir: Path | None, as_json: bool) -> None:
    """Show what is paused."""
    from renderowl.db import pauses

    found = _with_database(data_dir, pauses.list_all)
    told = [{"scope": one.scope, "reason": one.reason, "paused_at": one.paused_at.isoformat()} for one in found]
    lines = [f"{one.scope} since {one.paused_at:%Y-%m-%d %H:%M:%S} UTC  {one.reason}".rstrip() for one in found]
    _tell({"paused": told}, "\n".join(lines) or "nothing is paused", as_json)


@command.command("weigh")
@click.argument("project_id")
@click.argument("weight", type=click.FloatRange(0.01, 100))
@data_dir_option
@_json
def weigh(project_id: str, weight: float, data_dir: Path | None, as_json: bool) -> None:
    """Give PROJECT_ID so many times the share of other projects in its class; 1 is what everybody has."""
    from renderowl.services import pausing

    _with_database(data_dir, lambda db: pausing.weigh(db, project_id, weight))
    _tell({"project_id": project_id, "weight": weight}, f"{project_id} weighs {weight:g}", as_json)


def _one_of(priority: Priority | None, project_id: str | None) -> tuple[Priority | None, str | None]:
    if priority is not None and project_id is not None:
        raise click.UsageError("choose --class or --project, not both")
    return priority, project_id


def _with_database(data_dir: Path | None, action: Callable[[Database], Awaitable[T]]) -> T:
    settings = read_settings(data_dir)
    settings.require("database_url")

    async def act() -> T:
        database = Database(settings.database_url, pool_size=1)
        await database.open()
        try:
            return await action(database)
        finally:
            await database.close()

    return asyncio.run(act())


def _tell(facts: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(facts) if as_json else text)

"""`renderowl doctor`: what this machine has, what it lacks and how to get it."""

import asyncio
import itertools
from pathlib import Path

import msgspec
import rich_click as click

from renderowl.cli.checks import Check, examine
from renderowl.cli.environment import read_settings

_AREAS = ("machine", "media", "servers")
_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "missing": "[bold red]✗[/]"}


@click.command("doctor")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=".renderowl",
    show_default=True,
    help="The directory `renderowl up` would use.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(data_dir: Path, as_json: bool) -> None:
    """Say what was found on this machine: FFmpeg and its abilities, fonts, a speech engine, servers, disk.

    Exits with 1 when something required is missing, and says how to get it.
    """

    async def collect() -> list[Check]:
        return [check async for check in examine(settings, data_dir)]

    settings = read_settings()
    checks = asyncio.run(collect())
    healthy = all(check.state != "missing" for check in checks)
    if as_json:
        click.echo(msgspec.json.encode({"healthy": healthy, "checks": checks}).decode())
    else:
        _show(checks)
    raise SystemExit(0 if healthy else 1)


def _show(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table.grid(padding=(0, 1), pad_edge=True)
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for area, rows in itertools.groupby(
        sorted(checks, key=lambda check: _AREAS.index(check.area)), lambda check: check.area
    ):
        table.add_row("", Text(area, style="bold cyan"), "")
        for check in rows:
            found = Text(check.found, style="" if check.state == "ok" else "yellow" if check.state == "warn" else "red")
            if check.hint:
                found.append(f"\n→ {check.hint}", style="bold")
            table.add_row(_MARKS[check.state], check.name, found)
        table.add_row("", "", "")
    console.print(table)
    counts = {state: sum(check.state == state for check in checks) for state in _MARKS}
    if counts["missing"]:
        console.print(f" [bold red]{counts['missing']} required missing[/]; see the arrows above")
    elif counts["warn"]:
        console.print(f" [green]Ready[/], with {counts['warn']} thing{'s' if counts['warn'] != 1 else ''} to improve")
    else:
        console.print(" [green]Ready[/]")

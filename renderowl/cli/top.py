"""`renderowl top`: the installation at a glance, live."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import rich_click as click

from renderowl.bus.redis import RedisBus
from renderowl.cli.environment import data_dir_option, read_settings
from renderowl.db.database import Database
from renderowl.domain.errors import Unavailable
from renderowl.services.overview import Overview, look
from renderowl.settings import Settings


@click.command("top")
@data_dir_option
@click.option(
    "--interval", type=click.FloatRange(0.2, 60), default=1.0, show_default=True, help="Seconds between looks."
)
@click.option("--once", is_flag=True, help="Look once and end.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a look, on a line of its own.")
def command(data_dir: Path | None, interval: float, once: bool, as_json: bool) -> None:
    """Watch workers, slots, the queue by class and the running steps. Ctrl-C ends.

    Reads the database, and Redis, if it is there, for the progress of the running steps.
    """
    settings = read_settings(data_dir)
    settings.require("database_url")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_once(settings, as_json) if once else _watch(settings, interval, as_json))


async def _once(settings: Settings, as_json: bool) -> None:
    from rich.console import Console

    from renderowl.cli.top_view import view

    async with _installation(settings) as (database, bus):
        seen = await look(database, bus)
    if as_json:
        _print_json(seen)
    else:
        console = Console()
        console.print(view(seen, rows=200, width=console.width))


async def _watch(settings: Settings, interval_s: float, as_json: bool) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from renderowl.cli.top_view import view

    console = Console()
    async with _installation(settings) as (database, bus):
        if as_json:
            while True:
                _print_json(await look(database, bus))
                await asyncio.sleep(interval_s)
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                try:
                    seen = await look(database, bus)
                except Unavailable as error:
                    live.update(Text(f"{error.detail}; still trying", style="bold red"), refresh=True)
                else:
                    rows = max(5, console.height // 2 - 8)
                    live.update(view(seen, rows=rows, width=console.width), refresh=True)
                await asyncio.sleep(interval_s)


@contextlib.asynccontextmanager
async def _installation(settings: Settings) -> AsyncIterator[tuple[Database, RedisBus | None]]:
    database = Database(settings.database_url, pool_size=1)
    await database.open()
    bus = RedisBus(settings.redis_url) if settings.redis_url else None
    try:
        yield database, bus
    finally:
        if bus is not None:
            await bus.close()
        await database.close()


def _print_json(seen: Overview) -> None:
    told = msgspec.to_builtins(seen) | {"slots": seen.slots, "held": seen.held}
    click.echo(msgspec.json.encode(told).decode())

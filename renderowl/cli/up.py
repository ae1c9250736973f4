"""`renderowl up`: everything on this machine with one command."""

import asyncio
import shlex
from pathlib import Path

import rich_click as click

from renderowl.cli.environment import read_settings


@click.command("up")
@click.option("--host", help="Address the API listens on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port the API listens on; 0 picks a free one.  [default: 8080]"
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=".renderowl",
    show_default=True,
    help="Where the database, media, secrets and logs are.",
)
@click.option("--workers", type=click.IntRange(0), default=1, show_default=True, help="How many workers to start.")
@click.option("--slots", type=click.IntRange(0), help="Steps each worker runs at once; 0 is one a core.  [default: 0]")
@click.option("--verbose", is_flag=True, help="Show the logs of all parts on stderr.")
def command(host: str | None, port: int | None, data_dir: Path, workers: int, slots: int | None, verbose: bool) -> None:
    """Start everything on this machine: database, queue, API, scheduler and workers.

    Prints one line, `ready http://host:port`, on stdout when requests are welcome. Ctrl-C stops everything.
    Where RENDEROWL_DATABASE_URL, RENDEROWL_REDIS_URL or RENDEROWL_STORAGE_URL is set, that server is used instead of
    an embedded one.
    """
    # not `renderowl.app`: loading the whole service here would cost a second before anything starts
    from renderowl.db.migrate import migrate
    from renderowl.embedded.stack import Stack

    def tell(text: str) -> None:
        click.echo(text, err=True)

    def ready(url: str) -> None:
        click.echo(f"ready {url}")
        make_key = f"renderowl keys create --name me --data-dir {shlex.quote(str(data_dir))}"
        tell(f"a key for the API, and for the dashboard at {url}: {make_key}")

    Stack(
        data_dir,
        read_settings(host=host, port=port, worker_slots=slots),
        migrate=lambda settings: asyncio.run(migrate(settings.database_url)),
        workers=workers,
        say=tell,
        ready=ready,
        show_log=tell if verbose else None,
    ).run()

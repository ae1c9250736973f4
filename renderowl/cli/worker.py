"""`renderowl worker`: runs FFmpeg for the renders of one installation."""

from pathlib import Path

import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings


@click.command("worker")
@click.option("--slots", type=click.IntRange(0), help="Steps to run at once; 0 is one a core.  [default: 0]")
@click.option(
    "--label", "labels", multiple=True, help="A label of this worker, for renders that require it; repeatable."
)
@data_dir_option
def command(slots: int | None, labels: tuple[str, ...], data_dir: Path | None) -> None:
    """Run a worker. Start as many as there are machines; each registers itself."""
    from renderowl import app

    settings = read_settings(data_dir, worker_slots=slots)
    settings.require("database_url", "redis_url", "storage_url", "secret_key")
    app.run_worker(settings, slots=settings.worker_slots, labels=labels)

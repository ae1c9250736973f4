"""`renderowl remote`: both sides of rendering at a RunPod-shaped endpoint."""

import json
import sys
from pathlib import Path
from typing import TextIO

import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings


@click.group("remote")
def command() -> None:
    """Have renders made at a RunPod-shaped endpoint, or make one as its worker."""


@command.command("runner")
@data_dir_option
def runner(data_dir: Path | None) -> None:
    """Run the remote runner: it sends renders to RENDEROWL_REMOTE_ENDPOINT and brings home what is made there."""
    settings = read_settings(data_dir)
    settings.require("database_url", "redis_url", "storage_url", "secret_key", "remote_endpoint")

    from renderowl import app

    app.run_remote_runner(settings)


@command.command("handle")
@click.argument("job", type=click.File("r"), default="-")
def handle(job: TextIO) -> None:
    """Do the JOB, a JSON object with `id` and `input` (standard input unless named), and print what RunPod is to be told.

    Needs FFmpeg and the network, and no setting. Exit code 1 means that the answer holds an `error`.
    """
    import asyncio

    import structlog

    from renderowl.worker import handling

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))  # the answer alone is printed
    try:
        asked = json.load(job)
    except ValueError as error:
        raise click.UsageError(f"the job is not JSON: {error}") from None
    answer = asyncio.run(handling.handle(asked))
    click.echo(json.dumps(answer))
    if "error" in answer:
        raise SystemExit(1)

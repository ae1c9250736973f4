"""`renderowl backup`: everything that cannot be made again, in a folder."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import rich_click as click

from renderowl.cli.environment import data_dir_option, read_settings
from renderowl.embedded.postgres_binaries import install_dir
from renderowl.settings import Settings

if TYPE_CHECKING:
    from renderowl.services.backup import Manifest
    from renderowl.storage.base import Storage

programs_option = click.option(
    "--pg-bin",
    "programs",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of pg_dump, pg_restore and psql. Default: those that come with RenderOwl, of Postgres 18.",
)


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@data_dir_option
@programs_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(folder: Path, data_dir: Path | None, programs: Path | None, as_json: bool) -> None:
    """Copy the database and the storage into FOLDER, a new one, while everything runs.

    The segment cache is left out, and so is RENDEROWL_SECRET_KEY: keep that where secrets are kept.
    """
    from rich.filesize import decimal

    from renderowl.services.backup import back_up  # loads what a server needs: not for `renderowl --help`

    settings = read_settings(data_dir)
    settings.require("database_url", "storage_url", "secret_key")

    async def act() -> "Manifest":
        async with opened(settings) as storage:
            return await back_up(
                settings.database_url, storage, settings.secret_key, folder, programs=programs or install_dir() / "bin"
            )

    made = asyncio.run(act())
    if as_json:
        click.echo(msgspec.json.encode(made).decode())
    else:
        click.echo(f"{folder}: the database and {made.objects} objects, {decimal(made.bytes)}")


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator["Storage"]:
    """The storage of these settings, which signs no URL."""
    from renderowl.storage.opening import open_storage

    keys = {"access_key": settings.s3_access_key, "secret_key": settings.s3_secret_key}
    storage = open_storage(settings.storage_url, base_url=settings.base_url, secrets=[b""], **keys)
    try:
        yield storage
    finally:
        await storage.close()

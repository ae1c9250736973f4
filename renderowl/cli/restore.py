"""`renderowl restore`: a backup into an empty database and an empty storage."""

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import rich_click as click

from renderowl.cli.backup import opened, programs_option
from renderowl.cli.environment import read_settings
from renderowl.embedded.postgres_binaries import install_dir
from renderowl.embedded.resting import resting

if TYPE_CHECKING:
    from renderowl.services.backup import Manifest


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Restore into this new directory, for a `renderowl up` on it.",
)
@programs_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(folder: Path, data_dir: Path | None, programs: Path | None, as_json: bool) -> None:
    """Fill an empty database and an empty storage from FOLDER, which `renderowl backup` made. Start nothing before.

    The schema is brought to this version's. One that was interrupted may be begun again.
    """
    from renderowl.services.backup import restore, secret_mark  # loads what a server needs: not for `renderowl --help`

    settings = read_settings()

    async def act() -> "Manifest":
        settings.require("database_url", "storage_url")
        async with opened(settings) as storage:
            return await restore(
                settings.database_url,
                storage,
                folder,
                programs=programs or install_dir() / "bin",
                say=lambda text: click.echo(text, err=True),
            )

    with contextlib.ExitStack() as stack:
        if data_dir is not None:
            settings = stack.enter_context(resting(data_dir, settings))
        done = asyncio.run(act())
    known = done.secret in {secret_mark(secret) for secret in settings.secret_keys if secret}
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    else:
        click.echo(f"restored the database and {done.objects} objects of {done.made_at:%Y-%m-%d %H:%M} UTC")
    if not known:
        click.echo(
            "RENDEROWL_SECRET_KEY is not the one of the backup: unless you set or list that one, webhook secrets are new ones,"
            " and tokens and signed URLs of before are void",
            err=True,
        )

"""`renderowl version`: what is installed."""

import json
import platform

import rich_click as click

from renderowl import __version__


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(as_json: bool) -> None:
    """Print the version of RenderOwl and of Python."""
    if as_json:
        click.echo(json.dumps({"renderowl": __version__, "python": platform.python_version()}))
    else:
        click.echo(f"renderowl {__version__} on Python {platform.python_version()}")

"""`renderowl serve`: the API alone."""

import rich_click as click

from renderowl.cli.environment import read_settings


@click.command("serve")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 8080]")
def command(host: str | None, port: int | None) -> None:
    """Serve the API and the rooms. Servers and secret come from the environment; there is no default secret."""
    from renderowl import app

    settings = read_settings(host=host, port=port)
    settings.require("database_url", "redis_url", "storage_url", "secret_key")
    app.run_api(settings)

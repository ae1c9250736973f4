"""`renderowl scheduler`: admission, leases and timers."""

import rich_click as click

from renderowl.cli.environment import read_settings


@click.command("scheduler")
def command() -> None:
    """Run the scheduler. Several may run; one at a time is in charge."""
    from renderowl import app

    settings = read_settings()
    settings.require("database_url", "redis_url", "storage_url", "secret_key")
    app.run_scheduler(settings)

"""The settings of a command: the environment, or what a running `renderowl up` left in its data directory."""

import os
from pathlib import Path
from typing import Any

import rich_click as click

from renderowl.settings import Settings, load

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Use the servers of the `renderowl up` that runs on this directory.",
)


def read_settings(data_dir: Path | None = None, **overrides: Any) -> Settings:
    """Settings of the environment; those of the stack on `data_dir`, when given, win. None among overrides is no value."""
    environment = dict(os.environ)
    if data_dir is not None:
        from renderowl.embedded.stack import read_environment  # loads clients of servers that `render` has not

        environment |= read_environment(data_dir)
    return load(environment, **{name: value for name, value in overrides.items() if value is not None})

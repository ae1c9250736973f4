"""Which server a command talks to, and as whom."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import rich_click as click

Command = TypeVar("Command", bound=Callable[..., Any])


def server_options(*, required: bool) -> Callable[[Command], Command]:
    """The options `--server`, `--key` and `--project`; the first two may be OWL_SERVER and OWL_KEY in the environment."""

    def add(command: Command) -> Command:
        project = click.option("--project", "project_id", required=required, help="The project's id.")
        key = click.option("--key", envvar="OWL_KEY", help="An API key or token. Default: OWL_KEY of the environment.")
        server = click.option(
            "--server",
            envvar="OWL_SERVER" if required else None,
            default="http://127.0.0.1:8080" if required else None,
            help="Address of a RenderOwl server.",
        )
        return server(key(project(command)))

    return add


def require_key(key: str | None) -> str:
    """The key. Raises UsageError when there is none."""
    if not key:
        raise click.UsageError("a key is needed: --key, or OWL_KEY in the environment (see `renderowl keys create`)")
    return key


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """What a server refuses, and one that is not there, end the command with a sentence; so does Ctrl-C, with none."""
    import httpx

    from renderowl.client import Problem

    try:
        yield
    except Problem as refused:
        raise click.ClickException(str(refused)) from None
    except httpx.TransportError as error:
        raise click.ClickException(f"the server cannot be reached: {error or type(error).__name__}") from None
    except KeyboardInterrupt:
        return

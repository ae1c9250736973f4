"""Which server a command talks to, and as whom."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import rich_click as click

Command = TypeVar("Command", bound=Callable[..., Any])

_GET_KEY: Final = (
    "--key, or OWL_KEY in the environment;"
    " where the server runs, `renderowl keys create --name me --data-dir ...` makes one"
)


def server_options(*, required: bool) -> Callable[[Command], Command]:
    """The options `--server`, `--key` and `--project`; the first two may be OWL_SERVER and OWL_KEY in the environment."""

    def add(command: Command) -> Command:
        project = click.option("--project", "project_id", required=required, help="The project's id.")
        key = click.option("--key", envvar="OWL_KEY", help="An API key or token. Default: OWL_KEY of the environment.")
        server = click.option(
            "--server",
            envvar="OWL_SERVER" if required else None,
            default="http://127.0.0.1:8080" if required else None,
            callback=_an_address,
            help="Address of a RenderOwl server.",
        )
        return server(key(project(command)))

    return add


def _an_address(ctx: click.Context, parameter: click.Parameter, server: str | None) -> str | None:
    if server is not None and not server.startswith(("http://", "https://")):
        raise click.BadParameter(f"{server!r} must begin with http:// or https://", ctx, parameter)
    return server


def require_key(key: str | None) -> str:
    """The key. Raises UsageError when there is none."""
    if not key:
        raise click.UsageError(f"a key is needed: {_GET_KEY}")
    return key


@contextlib.contextmanager
def plainly(server: str) -> Iterator[None]:
    """What a server refuses, and one that is not there, end the command with a sentence that says what to do."""
    import httpx

    from renderowl.client import Problem

    try:
        yield
    except Problem as refused:
        another = f"\nAnother key: {_GET_KEY}" if refused.status == 401 else ""
        raise click.ClickException(f"{refused}{another}") from None
    except httpx.TransportError as error:
        why = str(error) or type(error).__name__
        raise click.ClickException(f"{server} cannot be reached: {why}. Is `renderowl up` running there?") from None

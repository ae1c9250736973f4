"""Which server a command talks to, and as whom."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import rich_click as click
from click.shell_completion import CompletionItem
from click.types import StringParamType

Command = TypeVar("Command", bound=Callable[..., Any])

_COMPLETE_S: Final = 3.0
_GET_KEY: Final = (
    "--key, or OWL_KEY in the environment;"
    " where the server runs, `renderowl keys create --name me --data-dir ...` makes one"
)


def server_options(*, required: bool, project: bool = True) -> Callable[[Command], Command]:
    """The options `--server`, `--key` and, unless told, `--project`; OWL_SERVER and OWL_KEY of the environment count."""

    def add(command: Command) -> Command:
        key = click.option("--key", envvar="OWL_KEY", help="An API key or token. Default: OWL_KEY of the environment.")
        server = click.option(
            "--server",
            envvar="OWL_SERVER" if required else None,
            default="http://127.0.0.1:8080" if required else None,
            callback=_an_address,
            help="Address of a RenderOwl server.",
        )
        return server(key(_project(required)(command) if project else command))

    return add


def _project(required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--project",
        "project_id",
        type=_ProjectId(),
        required=required,
        help="The project's id: `renderowl projects list`.",
    )


class _ProjectId(StringParamType):
    """A project's id, which a shell completes with the project's name beside it."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Where ids are."""
        return "`renderowl projects list` has the ids of yours."

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Ids that begin so; none where no server answers: a shell that completes is no place to complain."""
        import httpx

        from renderowl.client import Client, Problem

        server, key = ctx.params.get("server"), ctx.params.get("key")
        if not server or not key:
            return []

        async def begun_so() -> list[CompletionItem]:
            async with Client(server, key, timeout_s=_COMPLETE_S) as client:
                found = [project async for project in client.projects() if project.id.startswith(incomplete)]
                return [CompletionItem(project.id, help=project.name) for project in found]

        try:
            return asyncio.run(begun_so())
        except (Problem, httpx.TransportError):
            return []


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

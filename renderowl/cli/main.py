"""The command `renderowl`: one module per command, each imported only when it is asked for."""

import difflib
import importlib
from typing import Any, Final

import rich_click as click

from renderowl import __version__
from renderowl.cli.telling import told
from renderowl.domain.errors import RenderOwlError
from renderowl.embedded.errors import EmbeddedError
from renderowl.settings import SettingsError

COMMANDS: Final = (
    "up",
    "demo",
    "render",
    "plan",
    "doctor",
    "serve",
    "scheduler",
    "worker",
    "remote",
    "queue",
    "top",
    "db",
    "backup",
    "restore",
    "keys",
    "projects",
    "listen",
    "completion",
    "version",
)
"""In the order of `--help`. Each is the attribute `command` of the module `renderowl.cli.<name>`."""


_FAILED: Final = 1
_MISTAKEN: Final = 2


class _Commands(click.RichGroup):
    """A group that imports a command when it is used, and turns known failures into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"renderowl.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            nearest = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise click.UsageError(f"{error.message}{meant}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            known = _explained(error)
            if known is None or ctx.params.get("debug"):
                raise
            text, exit_code = known
            click.echo(f"renderowl: {text}", err=True)
            ctx.exit(exit_code)


def _explained(error: Exception) -> tuple[str, int] | None:
    """The message and exit code of a known failure; None for everything that would be a defect of ours.

    2 means that the caller has something to mend, as for a wrong option; 1 is any other failure.
    """
    match error:
        case SettingsError():
            return str(error), _MISTAKEN
        case RenderOwlError():
            return told(error), _MISTAKEN if error.fault == "caller" else _FAILED
        case EmbeddedError() | OSError():
            return str(error), _FAILED
        case _:
            return None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="renderowl")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def cli(debug: bool) -> None:
    """Post JSON, watch it render: a real-time video render service.

    `renderowl up` starts everything on this machine; `renderowl doctor` says what it found.
    """


def main() -> None:
    """Run the command line of this process and exit."""
    cli(prog_name="renderowl")

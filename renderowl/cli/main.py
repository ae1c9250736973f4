"""The command `renderowl`: one module per command, each imported only when it is asked for."""

import importlib
from typing import Any, Final

import rich_click as click

from renderowl import __version__
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
    "db",
    "keys",
    "version",
)
"""In the order of `--help`. Each is the attribute `command` of the module `renderowl.cli.<name>`."""


class Failure(click.ClickException):
    """A known failure: one clear message on stderr and exit code 1, no traceback."""

    def show(self, file: Any = None) -> None:
        click.echo(f"renderowl: {self.message}", file=file, err=True)


class Mistake(Failure):
    """A failure that is the caller's to mend: exit code 2, as for a wrong option."""

    exit_code = 2


class _Commands(click.RichGroup):
    """A group that imports a command when it is used, and turns known failures into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"renderowl.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            failure = _explained(error)
            if failure is None or ctx.params.get("debug"):
                raise
            raise failure from error


def _explained(error: Exception) -> Failure | None:
    """What to tell about a known failure; None for everything that would be a defect of ours."""
    match error:
        case SettingsError():
            return Mistake(str(error))
        case RenderOwlError():
            text = "\n".join([error.detail, *(f"  {one.path}: {one.message}" for one in error.errors)])
            return Mistake(text) if error.fault == "caller" else Failure(text)
        case EmbeddedError() | OSError():
            return Failure(str(error))
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

"""`renderowl completion`: what a shell needs to complete RenderOwl's commands and options."""

from typing import Final

import rich_click as click
from click.shell_completion import get_completion_class

_LOADED: Final = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"
"""A plain ~/.zshrc has no `compdef` yet, and Click's script takes it for granted."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete `renderowl`: `source <(renderowl completion bash)`.

    Put that line into ~/.bashrc or ~/.zshrc; for fish: `renderowl completion fish | source` in ~/.config/fish/config.fish.
    """
    click.echo(script(shell))


def script(shell: str) -> str:
    """Click's script for a shell, with what it lacks there."""
    from renderowl.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None, "every choice has one"
    text = found(cli, {}, "renderowl", "_RENDEROWL_COMPLETE").source()
    match shell:
        case "zsh":  # below the first line, by which zsh knows a file of its `fpath`
            return text.replace("\n", f"\n{_LOADED}\n", 1)
        case "fish":  # a description goes on behind its first comma
            return text.replace('string split ","', 'string split --max 1 ","')
        case _:
            return text

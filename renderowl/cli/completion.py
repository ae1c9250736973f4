"""`renderowl completion`: what a shell needs to complete RenderOwl's commands and options."""

import rich_click as click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete `renderowl`: `source <(renderowl completion bash)`.

    Put that line into ~/.bashrc or ~/.zshrc; for fish: `renderowl completion fish | source` in ~/.config/fish/config.fish.
    """
    from renderowl.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None, "every choice has one"
    click.echo(found(cli, {}, "renderowl", "_RENDEROWL_COMPLETE").source())

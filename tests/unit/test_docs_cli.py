"""docs/cli.md names every command and every option, and none that does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from renderowl.cli.main import COMMANDS, cli

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
_SECTIONS = dict(re.findall(r"^## `(renderowl [a-z ]+)`\n(.*?)(?=^## |\Z)", _DOCUMENT, re.MULTILINE | re.DOTALL))


def _leaves(path: str, command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _leaves(f"{path} {name}", found, click.Context(found))


def _expected(command: click.Command) -> list[str]:
    """The lines a command's section must have: what it is for, then a row for each option."""
    lines = [(command.help or "").split("\n\n")[0].replace("\n", " ").strip()]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            lines.append(f"| {names} | {' '.join((parameter.help or '').split())} |")
    return lines


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_its_options(name: str) -> None:
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None
    for path, leaf in _leaves(f"renderowl {name}", command, click.Context(command)):
        assert path in _SECTIONS, f"docs/cli.md needs the section ## `{path}`"
        lacking = [line for line in _expected(leaf) if line not in _SECTIONS[path]]
        assert not lacking, f"the section ## `{path}` of docs/cli.md needs:\n" + "\n".join(lacking)
        options = {name for option in leaf.params for name in option.opts}
        documented = set(re.findall(r"`(--[a-z-]+)`", "\n".join(re.findall(r"^\| (.*?) \|", _SECTIONS[path], re.M))))
        assert documented <= options


def test_every_documented_command_exists() -> None:
    assert {path.split()[1] for path in _SECTIONS} == set(COMMANDS)

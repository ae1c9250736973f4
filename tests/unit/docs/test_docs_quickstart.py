"""docs/quickstart.md shows a spec that is one, and commands that exist."""

import re
from pathlib import Path

import click
import msgspec

from renderowl.cli.main import cli
from renderowl.cli.spec_file import LIMITS, SpecFile
from renderowl.pipeline import compositions

_PAGE = (Path(__file__).parents[3] / "docs" / "quickstart.md").read_text()


def test_the_spec_is_understood() -> None:
    (text,) = re.findall(r"<<'END'\n(.*?)\nEND\n", _PAGE, re.DOTALL)
    spec = msgspec.json.decode(text, type=SpecFile)
    ask = compositions.parse(spec.composition_id, spec.input_props, spec.output_settings, LIMITS)
    assert ask.output.output_name == "hello.mp4"


def test_every_command_and_option_exists() -> None:
    shown = re.findall(
        r"renderowl ((?:[a-z]+ ?){1,2})([^\n`#)]*)", "\n".join(re.findall(r"```sh\n(.*?)```", _PAGE, re.S))
    )
    assert len(shown) == 4
    for words, rest in shown:
        found: click.Command = cli
        for word in words.split():
            if isinstance(found, click.Group):
                command = found.get_command(click.Context(found), word)
                assert command is not None, words
                found = command
        options = {name for one in found.params for name in one.opts}
        assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", f" {rest}")) <= options

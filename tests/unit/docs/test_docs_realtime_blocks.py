"""`docs/realtime.md` shows every message with an example that decodes, every close code and every limit of the code."""

import json
import re
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.domain.events import DURABLE_TYPES
from renderowl.services.rooms import EventView
from renderowl.testing.documents import regenerate
from renderowl.testing.realtime_page import LIMITS, blocks, constants, laid_out
from renderowl.ws import frames

PAGE = (Path(__file__).parents[3] / "docs" / "realtime.md").read_text()


def shown(block: str) -> list[dict[str, Any]]:
    """The messages of a generated block, read from the page."""
    text = PAGE.partition(f"<!-- generated: {block} -->\n```json\n")[2].partition("```")[0]
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        message, end = decoder.raw_decode(text)
        found.append(message)
        text = text[end:]
    return found


def tags(union: object) -> set[str]:
    return {one.__struct_config__.tag for one in typing.get_args(union)}


def test_the_page_is_up_to_date() -> None:
    assert regenerate(PAGE, blocks()) == PAGE, "run: make documents"


def test_every_block_is_on_the_page() -> None:
    assert set(re.findall(r"<!-- generated: (\w+) -->", PAGE)) == blocks().keys()


def test_every_message_of_a_member_has_an_example_that_is_read() -> None:
    assert {message["type"] for message in shown("said")} == tags(frames.ClientMessage)
    for message in shown("said"):
        frames.read(json.dumps(message))


def test_every_message_to_a_member_has_an_example_that_is_one() -> None:
    assert {message["type"] for message in shown("told")} == tags(frames.ServerMessage)
    for message in shown("told"):
        msgspec.convert(message, frames.ServerMessage)


def test_every_durable_event_has_an_example() -> None:
    assert {msgspec.convert(message, EventView).type for message in shown("events")} == DURABLE_TYPES


def test_every_public_figure_of_the_rooms_is_explained_or_set_aside() -> None:
    assert constants().keys() == LIMITS.keys(), "say in renderowl/testing/realtime_page.py what it is to a client"


@pytest.mark.parametrize(
    "value", [{}, [], {"a": {"b": ["c" * 60, "d" * 60]}}, [{"a": "ä" * 130}, 1], {"a": [], "b": {}}]
)
def test_laid_out_json_is_the_same_json(value: Any) -> None:
    assert json.loads(laid_out(value)) == value


def test_json_is_laid_out_on_one_line_where_it_fits_and_never_beyond_the_page() -> None:
    assert laid_out({"a": [1, 2]}) == '{"a": [1, 2]}'
    assert all(len(line) <= 120 for line in "".join(blocks().values()).splitlines() if not line.startswith("|"))

"""`docs/realtime.md` says what the code does."""

import re
import typing
from pathlib import Path

import pytest

from renderowl.client.endings import CLOSE_FAULTS
from renderowl.client.ladder import Fault
from renderowl.domain.events import DURABLE_TYPES
from renderowl.services.rooms import DEFAULT_HZ, MAX_HZ, MIN_HZ, REPLAY_LIMIT
from renderowl.ws import attendance, frames, guests, hub, member, presence, protocol, streaming

PAGE = (Path(__file__).parents[3] / "docs" / "realtime.md").read_text()


def tags(union: object) -> set[str]:
    return {one.__struct_config__.tag for one in typing.get_args(union)}


def table(heading: str) -> dict[str, str]:
    """The rows of the first table below a heading, by what stands first in them."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `?([\w.]+)`?.*$", section, re.MULTILINE)
    lines = re.findall(r"^\| .*$", section, re.MULTILINE)
    return {name: line for name, line in zip(rows, lines, strict=True) if name not in ("Message", "Close")}


def test_every_message_of_a_member_is_listed() -> None:
    assert table("What you may say").keys() == tags(frames.ClientMessage)


def test_every_message_to_a_member_is_listed() -> None:
    assert table("What you are told").keys() == tags(frames.ServerMessage) | DURABLE_TYPES


def test_every_close_code_is_listed_with_what_to_do() -> None:
    told = {
        str(code.code): f"| {code.code} | {code.meaning} | {code.client_does} |" for code in frames.CLOSE_CODES.values()
    }
    assert table("How it ends") == told


def test_the_client_comes_back_where_that_is_of_use() -> None:
    told = {code for code, fault in CLOSE_FAULTS.items() if fault is Fault.TOLD}
    assert {code.code for code in frames.CLOSE_CODES.values() if code.reconnect} == told
    assert frames.CLOSE_CODES.keys() == CLOSE_FAULTS.keys()


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("more than 500 events", REPLAY_LIMIT == 500),
        ("at most 64 KiB", frames.MAX_FRAME_BYTES == 64 * 1024),
        ("5 unless you\nsay otherwise, 0.1 to 10", (DEFAULT_HZ, MIN_HZ, MAX_HZ) == (5, 0.1, 10)),
        ("within 10 s of being authenticated", protocol.PATIENCE_S == 10),
        ("At most 20 commands a second", protocol.COMMANDS_PER_S == 20),
        ("25 s after its end", protocol.GRACE_S == 25),
        ("256 events or 256 KiB", (member.QUEUE_COUNT, member.QUEUE_BYTES) == (256, 256 * 1024)),
        ("is not taken for 10 s", member.LATE_S == 10),
        ("within 10 s when your filter", member.MARK_S + guests.SWEEP_S <= 10),
        ("A comment comes every 15 s", streaming.KEEP_ALIVE_S == 15),
        ("at most once a second", attendance.ROUND_S == 1),
        ("the first hundred", presence.SHOWN == 100),
        ("gone after a minute", presence.STALE_S == 60),
        ("every 25 s or so", hub.COMPARE_S == 25),
    ],
)
def test_the_figures_are_those_of_the_code(figure: str, value: bool) -> None:
    assert figure in PAGE
    assert value

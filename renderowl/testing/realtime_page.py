"""What `docs/realtime.md` takes from the code: an example of every message, the close codes, the limits and times.

A public constant of `renderowl/ws` that is not in LIMITS fails a test: say here what it means to a client, or nothing.
"""

import ast
import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from renderowl import ws
from renderowl.ws import examples, frames

WIDTH: Final = 118

LIMITS: Final[Mapping[str, str | None]] = {
    "ws.frames.MAX_FRAME_BYTES": "The largest message of a member",
    "ws.frames.MAX_READ_BYTES": "A longer one is not even read: the connection ends with 1009 above",
    "ws.protocol.PATIENCE_S": "For `auth`, for `hello` after it, and for an answer to `ping`",
    "ws.protocol.PING_S": "Silence of a member after which it is sent a `ping`",
    "ws.protocol.COMMANDS_PER_S": "Commands and refreshes a second of one connection",
    "ws.protocol.WARN_BEFORE_S": "`auth.expiring` comes before a token's end by",
    "ws.protocol.GRACE_S": "A connection may outlive its token by",
    "ws.guests.RECHECK_S": "Somebody whose credential was revoked is sent away within",
    "ws.member.QUEUE_COUNT": "Durable events that may wait for one member",
    "ws.member.QUEUE_BYTES": "The size of what may wait for one member",
    "ws.member.LATE_S": "A member is too slow when it does not take what it is sent for",
    "services.rooms.REPLAY_LIMIT": "Events that are replayed after a cursor; more are answered with a snapshot",
    "services.rooms.SNAPSHOT_RENDERS": "Renders in a snapshot, besides active ones",
    "services.rooms.DEFAULT_HZ": "Progress messages a second and render, unless a filter says otherwise",
    "services.rooms.MAX_HZ": "The highest `max_hz`",
    "services.rooms.MIN_HZ": "The lowest `max_hz`",
    "ws.streaming.KEEP_ALIVE_S": "Silence of a stream after which a comment is sent",
    "api.events.MAX_WAIT_S": "The longest wait of a long poll",
    "ws.hub.COMPARE_S": "Each room is compared with Postgres every",
    "ws.hub.POLL_S": "The same without Redis",
    "ws.hub.DRAIN_S": "What a member is still owed when the server is deployed is sent within",
    "ws.door.RETRY_S": "Who has too many connections may try again after",
    "ws.attendance.ROUND_S": "`presence` comes at most every",
    "ws.presence.SHOWN": "Members that are named; others are only counted",
    "ws.presence.STALE_S": "Members of an API process that was killed are gone after",
    "ws.member.PICTURE_S": "Pictures of one render come at most every",
    "ws.link.LINGER_S": None,
    "ws.member.MARK_S": None,
    "ws.member.BATCH": None,
    "ws.guests.SWEEP_S": None,
    "ws.keeping.KEEP_S": None,
    "ws.batch.FREE": None,
    "ws.batch.GATHER_S": None,
    "ws.room.TAIL_BYTES": None,
    "ws.room.SNAPSHOT_S": None,
    "services.rooms.TAIL_MARGIN": None,
}
"""What a figure is to a client, by its name; None where it is of no concern to one."""


def constants() -> dict[str, float]:
    """The public figures of the rooms by their names, from the source: what a module imports is not its own."""
    modules = [f"ws.{module.name}" for module in pkgutil.iter_modules(ws.__path__)]
    found = {}
    for name in [*modules, "services.rooms", "api.events"]:
        module = importlib.import_module(f"renderowl.{name}")
        assert module.__file__ is not None
        for statement in ast.parse(Path(module.__file__).read_text()).body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                word = statement.target.id
                value = getattr(module, word, None)
                if word.isupper() and word[0] != "_" and isinstance(value, int | float):
                    found[f"{name}.{word}"] = value
    return {name: value for name, value in found.items() if value not in frames.CLOSE_CODES}


def blocks() -> dict[str, str]:
    """The generated blocks of the page by name."""
    return {
        "said": _code(examples.SAID),
        "told": _code(examples.TOLD),
        "events": _code(examples.EVENTS),
        "plain": _code(examples.PLAIN),
        "closes": _table(
            ("Close", "Meaning", "What the client does"),
            ((str(code.code), code.meaning, code.client_does) for code in frames.CLOSE_CODES.values()),
        ),
        "limits": _table(("Limit", "Value"), _limits()),
    }


def _limits() -> Iterator[tuple[str, str]]:
    known = constants()
    for name, meaning in LIMITS.items():
        if meaning is not None and name in known:
            yield meaning, _figure(name, known[name])


def _figure(name: str, value: float) -> str:
    if name.endswith("_BYTES"):
        return f"{value / 1024:g} KiB"
    return f"{value:g} s" if name.endswith("_S") and not name.endswith("_PER_S") else f"{value:g}"


def _code(messages: Iterable[msgspec.Struct]) -> str:
    return "\n".join(["```json", *(laid_out(examples.as_sent(message)) for message in messages), "```"]) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" if line[0] != "---" else f"|{'|'.join(line)}|\n" for line in lines)


def laid_out(value: Any, indent: int = 0, taken: int = 0) -> str:
    """JSON on one line where it fits (`taken` of it is), else with as many members on each line as fit."""
    short = json.dumps(value, ensure_ascii=False)
    if taken + len(short) < WIDTH or not isinstance(value, dict | list) or not value:
        return short
    named = isinstance(value, dict)
    parts = [(f"{json.dumps(name)}: ", value[name]) if named else ("", name) for name in value]
    text, length = ("{" if named else "["), taken + 1
    for number, (label, part) in enumerate(parts, 1):
        end = "," if number < len(parts) else "}" if named else "]"
        flat = label + json.dumps(part, ensure_ascii=False) + end
        if length + 1 + len(flat) <= WIDTH:
            text += flat if number == 1 else f" {flat}"
        else:
            text += "\n" + " " * (indent + 2) + label + laid_out(part, indent + 2, indent + 2 + len(label)) + end
        length = len(text.rpartition("\n")[2]) + (0 if "\n" in text else taken)
    return text

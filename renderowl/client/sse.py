"""Server-sent events from bytes, without I/O: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import codecs
import re
from collections.abc import Iterator
from typing import Final

import msgspec

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class ServerSent(msgspec.Struct, frozen=True):
    """An event: its data, and the id it carries itself, None for none."""

    data: str
    id: str | None


class EventParser:
    """Cuts a stream into events, however its bytes are divided."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, data: bytes) -> Iterator[ServerSent]:
        """The events that these bytes complete."""
        text = self._rest + self._decoder.decode(data)
        held = "\r" if text.endswith("\r") else ""  # it may be half of a line's end
        *lines, rest = _LINE_END.split(text.removesuffix(held) if held else text)
        self._rest = rest + held
        for line in lines:
            event = self._line(line)
            if event is not None:
                yield event

    def _line(self, line: str) -> ServerSent | None:
        if not line:
            data, id, self._data, self._id = self._data, self._id, [], None
            return ServerSent("\n".join(data), id) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

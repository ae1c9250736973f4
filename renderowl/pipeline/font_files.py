"""A caller's own fonts: what such a file holds, found out by a process of its own, and the face a text has of it."""

import asyncio
import json
import sys
from bisect import bisect_right
from pathlib import Path
from typing import Final

import msgspec

from renderowl.domain.errors import MediaTypeMismatch, MediaUnreadable
from renderowl.pipeline.bounded import read_apart
from renderowl.pipeline.probe import recognised
from renderowl.pipeline.timeline import Face

_TIMEOUT_S: Final = 30.0
_MEMORY_BYTES: Final = 1024**3
_LAST_CODE: Final = 0x10FFFF


class FontFacts(msgspec.Struct, frozen=True):
    """What is known of a font: the name libass finds it by, its line's height for a size of one, runs of its characters."""

    content_type: str
    content_hash: str
    name: str
    family: str
    line_scale: float
    ranges: tuple[tuple[int, int], ...]

    def face(self, src: str, text: str) -> Face:
        """Return the font as this text uses it."""
        characters = "".join(sorted(char for char in set(text) if self.has(char)))
        return Face(src, self.content_hash, self.name, self.line_scale, characters)

    @property
    def count(self) -> int:
        """How many characters it has."""
        return sum(last - first + 1 for first, last in self.ranges)

    def has(self, char: str) -> bool:
        """True when the font has a glyph for the character."""
        index = bisect_right(self.ranges, (ord(char), _LAST_CODE)) - 1
        return index >= 0 and ord(char) <= self.ranges[index][1]


async def probe_font(path: Path, content_hash: str) -> FontFacts:
    """Return a font's facts; raises MediaTypeMismatch when it is something else, MediaUnreadable when it is broken."""
    path = await asyncio.to_thread(path.absolute)
    content_type = await asyncio.to_thread(recognised, path)
    if content_type == "font/woff2":
        raise MediaUnreadable("WOFF2 is packed for browsers: upload the TTF or OTF it was made of")
    if content_type not in ("font/ttf", "font/otf"):
        raise MediaTypeMismatch(f"the file is {content_type}, not a font")
    argv = (sys.executable, "-Im", "renderowl.pipeline.probe_font", str(path))
    out = await read_apart(argv, path, timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES)
    found = {"content_type": content_type, "content_hash": content_hash, **json.loads(out)}
    return msgspec.convert(found, FontFacts)

"""Names of produced files: fit for any system, and no two the same."""

import re
from collections.abc import Iterator
from typing import Final

_BAD_CHARS: Final = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')
_EXTENSIONS: Final = {"hls": "m3u8"}
MAX_BYTES: Final = 220
"""File systems take 255, and the names of stills and captions are longer than the film's."""


def extension_of(format: str) -> str:
    """Return the extension of a format's files: its own name, but for playlists."""
    return _EXTENSIONS.get(format, format)


def name_problems(name: str, format: str) -> Iterator[str]:
    """Yield what makes `name` unfit as the name of a file of this format, on any system."""
    if _BAD_CHARS.search(name):
        yield 'must be a file name: no folders, no control characters and none of < > : " | ? *'
    elif name != name.strip() or name.startswith(".") or name.endswith("."):
        yield "must not begin with a dot nor begin or end with a space"
    if len(name.encode(errors="replace")) > MAX_BYTES:
        yield f"must have at most {MAX_BYTES} bytes in UTF-8"
    extensions = ("jpg", "jpeg") if format == "jpg" else (extension_of(format),)
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or extension.lower() not in extensions:
        yield f"must end in .{extension_of(format)}, the format"


def overlap(one: str, other: str) -> bool:
    """Tell whether two names could be one file, on systems that do not tell capitals apart too; `*` ends a beginning."""
    one, other = one.casefold(), other.casefold()
    if one.endswith("*"):
        return other.removesuffix("*").startswith(one[:-1]) or (other.endswith("*") and one.startswith(other[:-1]))
    return one.startswith(other[:-1]) if other.endswith("*") else one == other

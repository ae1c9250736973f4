"""Reading a library's file in a process of its own, with limits: who brought it may have meant no good by it.

A file of 64 MiB may take half a minute and half a gigabyte to be read; here it takes them from nobody. Run as a program
(`python -Im renderowl.services.library_reader FILE contents|counts`) this answers with JSON on standard output.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

import msgspec

from renderowl.domain.errors import FieldError, MediaUnreadable, ValidationFailed
from renderowl.pipeline.bounded import read_apart
from renderowl.services.library_file import Contents, read_file

_TIMEOUT_S: Final = 180.0
_MEMORY_BYTES: Final = 2 * 1024**3
_at_once: Final = asyncio.Semaphore(1)
"""Files that one process has read at a time; others wait."""


class _Told(msgspec.Struct, frozen=True):
    """What the process of its own found."""

    counts: dict[str, int] = {}
    contents: Contents | None = None
    problems: list[FieldError] = []
    unreadable: str = ""


async def count_items(path: Path) -> dict[str, int]:
    """How many items of each kind a file holds, having read all of it. Raises as `library_file.read_file` does."""
    return (await _told(path, "counts")).counts


async def read_contents(path: Path) -> Contents:
    """What a file holds. Raises as `library_file.read_file` does."""
    contents = (await _told(path, "contents")).contents
    assert contents is not None, "it was asked for"
    return contents


async def _told(path: Path, wanted: str) -> _Told:
    argv = (sys.executable, "-Im", "renderowl.services.library_reader", str(path), wanted)
    async with _at_once:
        out = await read_apart(argv, path, timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES)
        told = await asyncio.to_thread(msgspec.json.decode, out, type=_Told)
    if told.unreadable:
        raise MediaUnreadable(told.unreadable)
    if told.problems:
        raise ValidationFailed(errors=told.problems)
    return told


def _read(path: Path, wanted: str) -> _Told:
    try:
        contents = read_file(path)
    except ValidationFailed as error:
        return _Told(problems=list(error.errors))
    except MediaUnreadable as error:
        return _Told(unreadable=error.detail)
    return _Told(contents.counts, contents if wanted == "contents" else None)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_read(Path(sys.argv[1]), sys.argv[2])))

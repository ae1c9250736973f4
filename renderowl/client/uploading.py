"""Files to the addresses that the server signs for them, whole or in parts."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import httpx
import msgspec

from renderowl.client.problem import Problem

CHUNK_BYTES: Final = 1024 * 1024
_PARTS_AT_ONCE: Final = 4


class Part(msgspec.Struct, frozen=True):
    part_number: int
    url: str


class Upload(msgspec.Struct, frozen=True):
    """Where a file is to be put: in one piece, or those `parts` that have not arrived."""

    url: str = ""
    headers: dict[str, str] = {}
    multipart: bool = False
    part_size_bytes: int = 0
    parts: list[Part] = []


async def put_file(http: httpx.AsyncClient, path: Path, size_bytes: int, upload: Upload) -> None:
    """Send a file, or those parts of it that are to be sent. Raises Problem when it is refused, and what httpx does."""
    if upload.multipart:
        await _put_parts(http, path, size_bytes, upload)
    else:
        await _put(http, upload.url, path, 0, size_bytes, upload.headers)


async def _put_parts(http: httpx.AsyncClient, path: Path, size_bytes: int, upload: Upload) -> None:
    """Send parts of a file, a few at a time. Once one is refused no other is begun; those on their way are not lost."""
    left = deque(upload.parts)

    async def put() -> None:
        while left:
            part = left.popleft()
            start = (part.part_number - 1) * upload.part_size_bytes
            end = min(size_bytes, start + upload.part_size_bytes)
            try:
                await _put(http, part.url, path, start, end, {})
            except Exception:
                left.clear()
                raise

    ended = await asyncio.gather(*(put() for _ in range(_PARTS_AT_ONCE)), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error


async def _put(
    http: httpx.AsyncClient, url: str, path: Path, start: int, end: int, headers: Mapping[str, str]
) -> httpx.Response:
    sent = {"Content-Length": str(end - start), **headers}
    answer = await http.put(url, content=_read(path, start, end), headers=sent)
    if answer.is_error:
        raise Problem.of(answer.status_code, answer.content)
    return answer


async def _read(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while (left := end - file.tell()) > 0 and (chunk := await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))):
            yield chunk

"""Files to the addresses that the server signs for them, whole or in parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

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


async def put_file(http: httpx.AsyncClient, path: Path, size_bytes: int, upload: Upload) -> dict[str, Any]:
    """Send a file and return what the confirmation has to say of it."""
    if upload.multipart:
        return {"parts": await _put_parts(http, path, size_bytes, upload)}
    await _put(http, upload.url, path, 0, size_bytes, upload.headers)
    return {}


async def _put_parts(http: httpx.AsyncClient, path: Path, size_bytes: int, upload: Upload) -> list[dict[str, Any]]:
    """Send a file in parts, a few at a time, and return the list of their ETags."""
    gate = asyncio.Semaphore(_PARTS_AT_ONCE)

    async def put(part: Part) -> dict[str, Any]:
        start = (part.part_number - 1) * upload.part_size_bytes
        end = min(size_bytes, start + upload.part_size_bytes)
        async with gate:
            answer = await _put(http, part.url, path, start, end, {})
        return {"part_number": part.part_number, "etag": answer.headers["ETag"]}

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(put(part)) for part in upload.parts]
    return [task.result() for task in tasks]


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

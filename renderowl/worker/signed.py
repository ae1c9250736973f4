"""Signed URLs as a remote machine uses them: objects read and written over plain HTTP, tried again while that helps."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import httpx
import structlog

from renderowl.domain.errors import SourceUnavailable
from renderowl.storage.hashed import save
from renderowl.worker.order import Place

log = structlog.get_logger(__name__)

_TRIES: Final = 4
_FIRST_WAIT_S: Final = 0.5
_CHUNK_BYTES: Final = 1024**2


async def download(http: httpx.AsyncClient, place: Place, path: Path, content_hash: str) -> None:
    """Write the object of this SHA-256 to `path`. Raises SourceUnavailable."""
    for wait_s in _waits():
        try:
            async with http.stream("GET", place.url, headers=place.headers) as answer:
                if answer.is_success:
                    if await save(answer.aiter_bytes(), path) != content_hash:
                        raise SourceUnavailable("an input is not what was uploaded")
                    return
                if answer.is_client_error and answer.status_code != 429:
                    raise SourceUnavailable(f"an input cannot be had: {answer.status_code}")
        except httpx.TransportError as error:
            log.warning("download_again", reason=str(error))
        await asyncio.sleep(wait_s)
    raise SourceUnavailable("an input cannot be had")


async def persistently(http: httpx.AsyncClient, method: str, place: Place, file: Path | None = None) -> httpx.Response:
    """The good answer to a request that may be made again. Raises SourceUnavailable."""
    for wait_s in _waits():
        try:
            content = None if file is None else _chunks(file)
            answer = await http.request(method, place.url, headers=place.headers, content=content)
            if answer.is_success:
                return answer
            if answer.is_client_error and answer.status_code != 429:
                raise SourceUnavailable(f"a signed URL answered {answer.status_code}")
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise SourceUnavailable("a signed URL is none of HTTP's") from None
        except httpx.TransportError as error:
            log.warning("request_again", method=method, reason=str(error))
        await asyncio.sleep(wait_s)
    raise SourceUnavailable("a signed URL does not answer")


def _waits() -> Iterator[float]:
    return iter([_FIRST_WAIT_S * 2.0**n for n in range(_TRIES - 1)] + [0.0])


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with open(path, "rb") as file:  # noqa: ASYNC230 - opening is quick; the reading is done in a thread
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk

"""Files and the SHA-256 of their bytes, by which the service knows them again."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

_WRITE_BYTES: Final = 4 * 1024**2


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def save(chunks: AsyncIterator[bytes], path: Path) -> str:
    """Write what comes to `path`, in a thread and a few MiB at a time, and return its SHA-256."""
    digest, buffer = hashlib.sha256(), bytearray()
    with open(path, "wb") as file:  # noqa: ASYNC230 - opening is quick; the writing is done in a thread
        async for chunk in chunks:
            buffer += chunk
            if len(buffer) >= _WRITE_BYTES:
                await asyncio.to_thread(_write, file, digest, bytes(buffer))
                buffer.clear()
        await asyncio.to_thread(_write, file, digest, bytes(buffer))
    return digest.hexdigest()


def _write(file: BinaryIO, digest: "hashlib._Hash", data: bytes) -> None:
    file.write(data)
    digest.update(data)

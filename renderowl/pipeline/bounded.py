"""Reading an untrusted file in a process of its own, with limits: it may break, hang or grow and takes nobody along."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from renderowl.domain.errors import MediaUnreadable
from renderowl.pipeline.walls import enclosed, exit_code


async def read_apart(
    argv: Sequence[str], path: Path, *, timeout_s: float, memory_bytes: int, writable: Path | None = None
) -> bytes:
    """Return what a program prints about the file `path`; raises MediaUnreadable with its last words when it fails.

    It writes files in `writable`, if anywhere.
    """
    cpu_s = max(1, int(timeout_s))
    process = await asyncio.create_subprocess_exec(
        *enclosed(argv, memory_bytes=memory_bytes, cpu_s=cpu_s, file_bytes=0, writable=writable),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, complaint = await process.communicate()
    except TimeoutError as error:
        raise MediaUnreadable(f"the file could not be read within {timeout_s:g} s") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise MediaUnreadable(_sentence(exit_code(process.returncode), complaint, path))
    return out


def _sentence(returncode: int, complaint: bytes, path: Path) -> str:
    if returncode < 0:
        return "reading the file broke the reader or its limits"
    lines = [line for line in complaint.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1].replace(f"file:{path}", "the file").replace(str(path), "the file")
    return f"the file cannot be read: {last[:200]}" if lines else "the file cannot be read"

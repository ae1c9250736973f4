"""Reading an untrusted file in a process of its own, with limits: it may break, hang or grow and takes nobody along."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from renderowl.domain.errors import MediaUnreadable
from renderowl.pipeline import launch


async def read_apart(argv: Sequence[str], path: Path, *, timeout_s: float, memory_bytes: int) -> bytes:
    """Return what a program prints about the file `path`; raises MediaUnreadable with its last words when it fails."""
    bounds = (os.getpid(), memory_bytes, max(1, int(timeout_s)), 0)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-IS", launch.__file__, *map(str, bounds), *argv),
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
        raise MediaUnreadable(_sentence(process.returncode, complaint, path))
    return out


def _sentence(returncode: int, complaint: bytes, path: Path) -> str:
    if returncode < 0:
        return "reading the file broke the reader or its limits"
    lines = [line for line in complaint.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1].replace(f"file:{path}", "the file").replace(str(path), "the file")
    return f"the file cannot be read: {last[:200]}" if lines else "the file cannot be read"

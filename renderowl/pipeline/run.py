"""Run FFmpeg: in a session of its own, dying with its parent, watched for progress, stopped by a ladder.

The exit code and playability of a stopped FFmpeg mean nothing (`q` gives 0 and a playable, truncated file), so callers
write to a temporary name and count frames.
"""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import msgspec

from renderowl.domain.errors import EncoderFailed, Interrupted, OutOfDisk, Stalled
from renderowl.pipeline.diagnose import diagnose
from renderowl.pipeline.jpegs import JpegSplitter
from renderowl.pipeline.progress import FfmpegProgress, ProgressParser
from renderowl.pipeline.walls import enclosed, exit_code

_QUIT_S: Final = 0.8
_TERMINATE_S: Final = 0.7
_TAIL_LINES: Final = 60
_LINE_LIMIT: Final = 64 * 1024
_KEPT_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR")


class ProcessLimits(msgspec.Struct, frozen=True):
    """What one process may use; 0 is no limit."""

    memory_bytes: int = 6 * 1024**3
    cpu_s: int = 6 * 3600
    file_bytes: int = 64 * 1024**3
    stall_timeout_s: float = 60.0


class Observer(Protocol):
    """Who is told how a step goes and may stop it. Calls come from the event loop and must return at once."""

    stop: asyncio.Event

    def progress(self, report: FfmpegProgress) -> None:
        """Take a progress report."""

    def preview(self, jpeg: bytes) -> None:
        """Take a small picture of what is being encoded."""


class Silent:
    """An observer that wants to know nothing."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()

    def progress(self, report: FfmpegProgress) -> None:
        """Drop the report."""

    def preview(self, jpeg: bytes) -> None:
        """Drop the picture."""


async def run(
    argv: Sequence[str], *, work_dir: Path, observer: Observer, limits: ProcessLimits, log_path: Path | None = None
) -> FfmpegProgress:
    """Run FFmpeg to its end and return its last report.

    Raises Interrupted when the observer's `stop` was set, Stalled when nothing advanced for `stall_timeout_s`, and what
    `diagnose` makes of any exit code but 0. When this returns or raises, every process of the group is gone or killed.
    """
    if observer.stop.is_set():
        raise Interrupted("the step was asked to stop before it began")
    process = await _start(argv, work_dir, limits)
    session = _Session(process, observer, log_path)
    try:
        await session.until_end(limits.stall_timeout_s)
    finally:
        await _end(process)
        await session.drain()
    if observer.stop.is_set():
        raise Interrupted("the step was asked to stop")
    returncode = process.returncode if process.returncode is not None else -signal.SIGKILL
    if returncode != 0:
        raise diagnose(exit_code(returncode), session.tail)
    return session.last


async def _start(argv: Sequence[str], work_dir: Path, limits: ProcessLimits) -> asyncio.subprocess.Process:
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= {"LC_ALL": "C", "FONTCONFIG_FILE": "fonts.conf", "AV_LOG_FORCE_NOCOLOR": "1"}
    command = enclosed(
        argv,
        memory_bytes=limits.memory_bytes,
        cpu_s=limits.cpu_s,
        file_bytes=limits.file_bytes,
        writable=work_dir,
    )
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=work_dir,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
    except OSError as error:
        raise EncoderFailed(f"FFmpeg cannot be started: {error.strerror}") from error


class _Session:
    """What one running process says."""

    def __init__(self, process: asyncio.subprocess.Process, observer: Observer, log_path: Path | None) -> None:
        self.last = FfmpegProgress()
        self._process = process
        self._observer = observer
        self._log_path = log_path
        self._messages: deque[str] = deque(maxlen=_TAIL_LINES)
        self._advanced = asyncio.Event()
        self._readers = [asyncio.create_task(self._read_messages()), asyncio.create_task(self._read_previews())]

    @property
    def tail(self) -> str:
        return "\n".join(self._messages)

    async def until_end(self, stall_timeout_s: float) -> None:
        """Return when the process ended, was asked to stop or cannot be read; raise Stalled when it no longer advances."""
        ended = asyncio.ensure_future(self._process.wait())
        stopped = asyncio.ensure_future(self._observer.stop.wait())
        unread = asyncio.ensure_future(asyncio.wait(self._readers, return_when=asyncio.FIRST_EXCEPTION))
        advanced = asyncio.ensure_future(self._advanced.wait())
        try:
            while True:
                done, _ = await asyncio.wait(
                    {ended, stopped, unread, advanced}, timeout=stall_timeout_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    raise Stalled(f"no progress for {stall_timeout_s:g} s")
                if done != {advanced}:
                    return
                self._advanced.clear()
                advanced = asyncio.ensure_future(self._advanced.wait())
        finally:
            for waiter in (ended, stopped, unread, advanced):
                waiter.cancel()

    async def drain(self) -> None:
        """Wait for the rest of what the ended process wrote."""
        await asyncio.gather(*self._readers)

    async def _read_messages(self) -> None:
        parser = ProgressParser()
        assert self._process.stderr is not None
        log = None
        try:
            log = self._log_path.open("a", encoding="utf-8") if self._log_path else None
            async for raw in _lines(self._process.stderr):
                line = raw.decode(errors="replace").rstrip()
                if not parser.takes(line):
                    self._messages.append(line)
                    if log:
                        log.write(line + "\n")
                elif report := parser.feed(line):
                    self._report(report)
        except OSError as error:
            raise OutOfDisk(f"the log cannot be written: {error.strerror}") from error
        finally:
            if log:
                log.close()

    def _report(self, report: FfmpegProgress) -> None:
        if report.is_ahead_of(self.last):
            self.last = report
            self._advanced.set()
            self._observer.progress(report)

    async def _read_previews(self) -> None:
        """Take every picture at once: nothing is awaited but the pipe, a full one would hold up the encoder."""
        splitter = JpegSplitter()
        assert self._process.stdout is not None
        while piece := await self._process.stdout.read(_LINE_LIMIT):
            for picture in splitter.feed(piece):
                self._observer.preview(picture)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines however long they are: what exceeds the reader's limit comes in pieces."""
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                yield end.partial
            return
        except asyncio.LimitOverrunError as overrun:
            line = await stream.readexactly(overrun.consumed)
        yield line


async def _end(process: asyncio.subprocess.Process) -> None:
    """Climb the ladder: `q`, SIGTERM, SIGKILL to the whole group; under two seconds in all, and at once when cancelled."""
    try:
        if process.returncode is None:
            with suppress(OSError, RuntimeError):
                assert process.stdin is not None
                process.stdin.write(b"q")
            if not await _gone(process, _QUIT_S):
                _signal_group(process, signal.SIGTERM)
                await _gone(process, _TERMINATE_S)
    finally:
        _signal_group(process, signal.SIGKILL)
    await process.wait()


async def _gone(process: asyncio.subprocess.Process, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        return False
    return True


def _signal_group(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)

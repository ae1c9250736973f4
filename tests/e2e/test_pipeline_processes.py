"""Encoder processes: they stop when told to, die with their parent, keep to their limits and are named when they fail."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from renderowl.domain.errors import (
    EncoderFailed,
    Interrupted,
    LimitExceeded,
    OutOfDisk,
    OutOfMemory,
    RenderOwlError,
    Stalled,
)
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.pipeline.run import ProcessLimits, Silent, run
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.signals import until

ENDLESS = ("-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-c:v", "libx264", "-preset", "ultrafast", "-f", "null", "-")
CHATTY = """
import sys, time
while True:
    print("frame=7\\nprogress=continue", file=sys.stderr, flush=True)
    time.sleep(0.02)
"""


class Watching(Silent):
    """Knows when the first frames are through."""

    def __init__(self) -> None:
        super().__init__()
        self.moving = asyncio.Event()
        self.reports: list[FfmpegProgress] = []

    def progress(self, report: FfmpegProgress) -> None:
        self.reports.append(report)
        if report.frame > 0:
            self.moving.set()


def encoders_in(work_dir: Path) -> list[psutil.Process]:
    """The living processes whose working directory is this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(work_dir) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def argv(tools: Toolchain, *rest: str) -> tuple[str, ...]:
    return (tools.ffmpeg, "-hide_banner", "-y", "-nostats", "-progress", "pipe:2", "-stats_period", "0.1", *rest)


async def test_stopping_ends_the_group_within_two_seconds(tools: Toolchain, tmp_path: Path) -> None:
    observer = Watching()
    running = asyncio.create_task(
        run(argv(tools, *ENDLESS), work_dir=tmp_path, observer=observer, limits=ProcessLimits())
    )
    await asyncio.wait_for(observer.moving.wait(), 20)
    assert encoders_in(tmp_path)  # three of them behind walls
    began = time.monotonic()
    observer.stop.set()
    with pytest.raises(Interrupted):
        await running
    assert time.monotonic() - began < 2
    assert not encoders_in(tmp_path)


async def test_a_cancelled_task_leaves_no_process(tools: Toolchain, tmp_path: Path) -> None:
    observer = Watching()
    running = asyncio.create_task(
        run(argv(tools, *ENDLESS), work_dir=tmp_path, observer=observer, limits=ProcessLimits())
    )
    await asyncio.wait_for(observer.moving.wait(), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not encoders_in(tmp_path)


async def test_a_program_that_ignores_all_signals_is_gone_within_two_seconds(tmp_path: Path) -> None:
    deaf = f"import signal\nfor number in (2, 15): signal.signal(number, signal.SIG_IGN)\n{CHATTY}"
    observer = Watching()
    running = asyncio.create_task(
        run((sys.executable, "-c", deaf), work_dir=tmp_path, observer=observer, limits=ProcessLimits())
    )
    await asyncio.wait_for(observer.moving.wait(), 20)
    began = time.monotonic()
    observer.stop.set()
    with pytest.raises(Interrupted):
        await running
    assert time.monotonic() - began < 2
    assert not encoders_in(tmp_path)


async def test_a_task_that_is_cancelled_once_more_while_it_ends_leaves_no_process(tmp_path: Path) -> None:
    deaf = f"import signal\nfor number in (2, 15): signal.signal(number, signal.SIG_IGN)\n{CHATTY}"
    observer = Watching()
    running = asyncio.create_task(
        run((sys.executable, "-c", deaf), work_dir=tmp_path, observer=observer, limits=ProcessLimits())
    )
    await asyncio.wait_for(observer.moving.wait(), 20)
    for _ in range(2):
        running.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running

    async def gone() -> bool:
        return not encoders_in(tmp_path)

    await until(gone, timeout_s=30)


async def test_a_log_that_cannot_be_written_ends_the_process_at_once(tmp_path: Path) -> None:
    chatty, patient = (sys.executable, "-c", CHATTY), ProcessLimits(stall_timeout_s=600)
    running = asyncio.create_task(
        run(chatty, work_dir=tmp_path, observer=Silent(), limits=patient, log_path=tmp_path)  # a folder
    )
    await asyncio.wait({running}, timeout=30)
    assert running.done()
    assert isinstance(running.exception(), OutOfDisk)
    assert not encoders_in(tmp_path)


async def test_no_advance_is_a_stall_even_when_it_talks(tmp_path: Path) -> None:
    with pytest.raises(Stalled):
        await run(
            (sys.executable, "-c", CHATTY),
            work_dir=tmp_path,
            observer=Silent(),
            limits=ProcessLimits(stall_timeout_s=0.5),
        )
    assert not encoders_in(tmp_path)


async def test_a_killed_parent_leaves_no_encoder(tools: Toolchain, tmp_path: Path) -> None:
    script = f"""
import asyncio
from pathlib import Path
from renderowl.pipeline.run import ProcessLimits, Silent, run
class Told(Silent):
    def progress(self, report): print("moving", flush=True)
asyncio.run(run({argv(tools, *ENDLESS)!r}, work_dir=Path({str(tmp_path)!r}), observer=Told(), limits=ProcessLimits()))
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    assert await asyncio.wait_for(parent.stdout.readline(), 20) == b"moving\n"
    orphans = encoders_in(tmp_path)
    assert orphans
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, orphans, 3)
    assert not alive
    assert gone


async def test_the_memory_limit_has_its_own_error(tools: Toolchain, tmp_path: Path) -> None:
    single = ("-filter_threads", "1", "-threads", "1")
    big = (
        *single,
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=3840x2160:d=2",
        "-threads",
        "1",
        "-c:v",
        "libx264",
        "-f",
        "null",
        "-",
    )
    with pytest.raises(OutOfMemory):
        await run(
            argv(tools, *big),
            work_dir=tmp_path,
            observer=Silent(),
            limits=ProcessLimits(memory_bytes=300 * 1024**2),
        )


async def test_limits_on_processor_time_and_file_size_have_their_own_error(tools: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        await run(argv(tools, *ENDLESS), work_dir=tmp_path, observer=Silent(), limits=ProcessLimits(cpu_s=1))
    noise = ("-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=9", "-c:v", "rawvideo", "-f", "nut", "big.nut")
    with pytest.raises(LimitExceeded):
        await run(argv(tools, *noise), work_dir=tmp_path, observer=Silent(), limits=ProcessLimits(file_bytes=5_000_000))


@pytest.mark.parametrize("rest", [("-i", "nothing.mp4", "-f", "null", "-"), ("-no-such-option",)])
async def test_a_failure_names_the_complaint_and_keeps_the_log(
    tools: Toolchain, tmp_path: Path, rest: tuple[str, ...]
) -> None:
    log = tmp_path / "ffmpeg.log"
    with pytest.raises(RenderOwlError) as failed:
        await run(argv(tools, *rest), work_dir=tmp_path, observer=Silent(), limits=ProcessLimits(), log_path=log)
    assert len(failed.value.detail) > 10
    assert log.read_text().strip()


async def test_a_program_that_is_not_there_is_an_encoder_failure(tmp_path: Path) -> None:
    with pytest.raises(EncoderFailed):
        await run(("/no/such/ffmpeg",), work_dir=tmp_path, observer=Silent(), limits=ProcessLimits())


async def test_encoders_give_way_to_whatever_serves_beside_them(tmp_path: Path) -> None:
    """Niceness alone says nothing between sessions where Linux shares by them, and each encoder has one of its own."""
    group = Path("/proc/self/autogroup")
    script = tmp_path / "who.py"
    script.write_text(f"""
import os, pathlib, sys
group = pathlib.Path({str(group)!r})
print(os.nice(0), group.read_text() if group.exists() else "", file=sys.stderr)
""")
    log = tmp_path / "log"
    await run([sys.executable, str(script)], work_dir=tmp_path, observer=Silent(), limits=ProcessLimits(), log_path=log)
    nice, *words = log.read_text().split()
    assert int(nice) == min(19, os.nice(0) + 10)
    if group.exists() and os.geteuid() == 0:  # others may write there ten times a second, all together
        assert words[-1] == "10"

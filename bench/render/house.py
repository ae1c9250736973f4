"""What the benchmarks of rendering share: a process measured from outside, and specs rendered by the command line."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import paths
import psutil

FOLDER: Final = paths.ROOT / ".renderowl" / "bench" / "render"
"""Sources, peers and what was rendered: kept, to be looked at and to be made only once."""
_LOOK_EVERY_S: Final = 0.1


class Use(NamedTuple):
    """What a process and its children took; `peak_mb` is the most memory all of them held at one moment (PSS)."""

    cpu_s: float
    wall_s: float
    peak_mb: float

    @property
    def told(self) -> dict[str, float]:
        """The numbers as results keep them."""
        return {"cpu_s": round(self.cpu_s, 2), "wall_s": round(self.wall_s, 2), "peak_mb": round(self.peak_mb, 1)}


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> Use:
    """Run a process to its end and measure it; raises RuntimeError with what it said when it fails."""
    log = folder / "log.txt"
    began = time.monotonic()
    with log.open("wb") as said:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        memory = _Memory(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    peak_mb = memory.stop()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {log.read_text(errors='replace')[-3000:]}")
    return Use(used.ru_utime + used.ru_stime, wall_s, peak_mb)


class _Memory:
    """Looks at the memory of a process and its children until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._ended = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return the peak in megabytes."""
        self._ended.set()
        self._thread.join()
        return self._peak / 1e6

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            with suppress(psutil.Error):
                process = psutil.Process(self._pid)
                self._peak = max(self._peak, sum(map(_held, [process, *process.children(recursive=True)])))


def _held(process: psutil.Process) -> int:
    with suppress(psutil.Error, OSError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def render(
    name: str,
    composition_id: str,
    props: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    cache_dir: Path | None = None,
    parallel: int = 0,
) -> tuple[Use, Path]:
    """Render a spec as a user does, by `renderowl render`, and measure all of it."""
    spec = FOLDER / f"{name}.json"
    out = FOLDER / f"{name}.mp4"
    spec.write_text(
        json.dumps({"composition_id": composition_id, "input_props": props, "output_settings": settings}, indent=1)
    )
    options = ["--cache-dir", str(cache_dir)] if cache_dir else []
    options += ["--parallel", str(parallel)] if parallel else []
    program = (sys.executable, "-m", "renderowl")
    return run([*program, "render", str(spec), "-o", str(out), "--json", *options], FOLDER), out


def ffmpeg() -> str:
    """The FFmpeg that everybody uses."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())

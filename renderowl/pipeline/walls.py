"""How FFmpeg and every other reader of untrusted media is started: with limits, and within walls where there are any.

The limits and the session of its own are always there (`launch.py`). Where bubblewrap is installed and allowed to work,
the program is also without a network, without sight of other processes, and can write nowhere but in one directory.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import Final

from renderowl.pipeline import launch

_WALLS: Final = (
    *("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/dev/shm", "/dev/shm"),  # noqa: S108 - shown, never written
)
_HARDWARE: Final = ("/dev/dri", "/dev/nvidia*")
"""Devices of encoders."""
_TRIAL_S: Final = 10
_BY_SIGNAL: Final = 128
"""What a shell, and bubblewrap, adds to the number of the signal that ended a program."""
_LAST_PLAIN_SIGNAL: Final = 31


@functools.cache
def bubblewrap() -> str | None:
    """The program that makes walls, or None where there is none or the kernel does not let it; asked once a process."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    trial = (program, *_walls(None), "--", sys.executable, "-IS", "-c", "")
    try:
        subprocess.run(trial, check=True, capture_output=True, timeout=_TRIAL_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return program


def enclosed(
    argv: Sequence[str], *, memory_bytes: int, cpu_s: int, file_bytes: int, writable: Path | None
) -> tuple[str, ...]:
    """The command that runs `argv` within limits (0 is none) and walls; only in `writable` and below may it write.

    To be started in a session of its own, by the process that it is to die with; `exit_code` reads how it ended.
    """
    bounds = (os.getpid(), memory_bytes, cpu_s, file_bytes)
    program = bubblewrap()
    walls = (program, *_walls(writable), "--") if program else ()
    return (sys.executable, "-IS", launch.__file__, *map(str, bounds), *walls, *argv)


def exit_code(returncode: int) -> int:
    """The program's own exit code, or minus the number of the signal that ended it, within walls and without.

    FFmpeg's own codes begin at 160 or are small: it returns 256 minus an error number below 96, or 255 when told to stop.
    """
    number = returncode - _BY_SIGNAL
    return -number if bubblewrap() and signal.SIGHUP <= number <= _LAST_PLAIN_SIGNAL else returncode


def _walls(writable: Path | None) -> tuple[str, ...]:
    devices = [word for pattern in _HARDWARE for path in sorted(glob(pattern)) for word in ("--dev-bind", path, path)]
    # files of other owners are read by root as ever, and nothing else is left of its powers
    powers = ("--cap-add", "CAP_DAC_READ_SEARCH") if os.geteuid() == 0 else ()
    place = str(writable.resolve()) if writable else None
    return (*_WALLS, *powers, *devices, *(("--bind", place, place) if place else ()))

"""Start a program that dies with its parent, keeps to its limits and gives way to servers.

`python -IS launch.py PARENT AS CPU FSIZE argv...`. A limit of 0 is none.

A file to be run, not imported: between fork and exec of a process with threads nothing but exec is safe, so the limits
are set by this small process in the middle, which then becomes the program.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_GRACE_S = 3
_GIVE_WAY = 10
"""An encoder takes every core that nobody else wants: an API, a database or a heartbeat beside it waits for none."""


def main(parent: str, memory_bytes: str, cpu_s: str, file_bytes: str, *argv: str) -> None:
    """Become `argv`, unless `parent` is already gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit(1)
    for limit, text in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
    ):
        _, hard = resource.getrlimit(limit)
        if value := int(text):
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            grace = _GRACE_S if limit == resource.RLIMIT_CPU else 0  # SIGXCPU first, which tells it from other kills
            resource.setrlimit(limit, (value, value + grace if hard == resource.RLIM_INFINITY else hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_GIVE_WAY)
    with (
        contextlib.suppress(OSError),
        open("/proc/self/autogroup", "w") as group,
    ):  # where each session has an equal share
        group.write(str(_GIVE_WAY))
    try:
        os.execvp(argv[0], argv)  # noqa: S606  # becoming the program, without a shell, is what this file is for
    except OSError as error:
        sys.exit(f"cannot start {argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Child processes that never outlive their parent, however it ends."""

import ctypes
import errno
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from renderowl.embedded.errors import EmbeddedError

_PR_SET_PDEATHSIG = 1
_LOWEST_PORT = 10_000
_PORT_DRAWS = 1000
_EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """What a child runs before exec so that the kernel sends it `death_signal` when its parent is gone.

    It must run after a change of user, which resets the request; `Popen` calls `preexec_fn` in that order.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # the parent died before the request was made
                os._exit(1)

    return before_exec


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    user: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, its output appended to `log`; it dies when this process does.

    Its own session keeps Ctrl-C in the terminal from reaching it: whoever started it decides when it stops.
    Raises EmbeddedError outside the main thread: the kernel's "parent" is the thread, and the child would die with it.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError("embedded servers must be started from the main thread")
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=cwd,
            user=user,
            group=user,
            extra_groups=None if user is None else (),
            pass_fds=pass_fds,
            start_new_session=True,
            umask=0o077,  # media, logs and intermediate files are nobody else's, however open the data directory is
            preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509 - only the main thread gets here
        )


def stop(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait its seconds for the process to end; SIGKILL is the last resort."""
    for number, timeout_s in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        process.kill()
        process.wait()


def free_port(host: str = "127.0.0.1", *, count: int = 1) -> int:
    """The first of `count` ports in a row that nobody uses right now; the caller retries when one was taken meanwhile.

    Drawn below the ports the kernel gives to outgoing connections: a server that is started again on its port must
    not find some client's end there.
    """
    for _ in range(_PORT_DRAWS):
        first = random.randrange(_LOWEST_PORT, ephemeral_from() - count)  # noqa: S311 - no secret
        if all(_is_free(host, port) for port in range(first, first + count)):
            return first
    raise EmbeddedError(f"no {count} free ports in a row on {host} between {_LOWEST_PORT} and {ephemeral_from()}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True


def ephemeral_from() -> int:
    """The first port of outgoing connections; the IANA's where the kernel does not say (RFC 6335, section 6)."""
    try:
        return max(int(_EPHEMERAL_PORTS.read_text().split()[0]), _LOWEST_PORT + 1024)
    except OSError:
        return 49152


def last_lines(log: Path, count: int = 12, *, since: int = 0) -> str:
    """The end of a log file, from the byte `since` on, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def private_text(path: Path, draw: Callable[[], str]) -> str:
    """The text kept in `path`, readable by its owner only; drawn and stored the first time."""
    try:
        return path.read_text()
    except FileNotFoundError:
        text = draw()
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    return text

"""Keeping services alive: start them again when they die, and admit defeat when they die again and again."""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGTERM
from typing import Final, Protocol

from renderowl.embedded import process
from renderowl.embedded.errors import EmbeddedError

_MOST_DEATHS: Final = 5
_WINDOW_S: Final = 60.0
_FIRST_DELAY_S: Final = 0.25


class Service(Protocol):
    """Something that runs in a process of its own and can be started again in place."""

    name: str
    log: Path

    @property
    def running(self) -> bool:
        """Whether the process is alive."""

    def start(self) -> None:
        """Start it; raises EmbeddedError when that fails."""

    def stop(self) -> None:
        """End it and wait for the end; stopping a stopped service does nothing."""


class Command:
    """One of RenderOwl's own commands as a service: `renderowl <arguments>` in this Python with `environment`."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.grace_s = 3.0
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the process ended; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the command; it dies with this process."""
        argv = [sys.executable, "-m", "renderowl", *self._arguments]
        self._process = process.spawn(argv, log=self.log, env=self._environment)

    def ask_to_stop(self) -> None:
        """Send SIGTERM and return at once, so that several may stop side by side."""
        if self._process is not None and self.running:
            self._process.send_signal(SIGTERM)

    def stop(self) -> None:
        """Ask it to stop, wait `grace_s`, then kill it."""
        if self._process is not None:
            process.stop(self._process, (SIGTERM, self.grace_s))
            self._process = None


class Keeper:
    """Starts a service again when it has died: at once, then after twice as long each time.

    More than five deaths within a minute are a fault that starting again does not mend: `tend` raises EmbeddedError.
    """

    def __init__(
        self, service: Service, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.service = service
        self._say = say
        self._clock = clock
        self._deaths: deque[float] = deque()
        self._start_at: float | None = None

    def tend(self) -> None:
        """Look after the service; call it often."""
        if self.service.running:
            return
        now = self._clock()
        if self._start_at is None:
            self._start_at = now + self._count_death(now)
        if now >= self._start_at:
            self._start_at = None
            self.service.start()

    def _count_death(self, now: float) -> float:
        """The seconds to wait before the next start."""
        while self._deaths and now - self._deaths[0] > _WINDOW_S:
            self._deaths.popleft()
        self._deaths.append(now)
        name, log = self.service.name, self.service.log
        if len(self._deaths) > _MOST_DEATHS:
            raise EmbeddedError(
                f"{name} died {len(self._deaths)} times in a minute; {log} ends:\n{process.last_lines(log)}"
            )
        delay_s = 0.0 if len(self._deaths) == 1 else _FIRST_DELAY_S * 2 ** (len(self._deaths) - 1)
        self._say(f"{name} died and is started again in {delay_s:g} s; its log is {log}")
        return delay_s


class LogFollower:
    """Copies what services add to their logs to `show`, a line at a time, each with its service's name in front."""

    def __init__(self, services: list[Service], show: Callable[[str], None]) -> None:
        self._show = show
        self._places = {
            service.log: (service.name, service.log.stat().st_size if service.log.exists() else 0)
            for service in services
        }

    def copy(self) -> None:
        """Show the lines completed since the last call."""
        for log, (name, place) in self._places.items():
            try:
                with log.open("rb") as file:
                    file.seek(place)
                    complete = file.read().rpartition(b"\n")[0]
            except FileNotFoundError:
                continue
            if complete:
                self._places[log] = (name, place + len(complete) + 1)
                for line in complete.decode(errors="replace").splitlines():
                    self._show(f"{name:>9} | {line}")

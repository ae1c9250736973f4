"""What the embedded servers have in common: one directory, one process in it, one port as long as it is started again."""

import signal
import subprocess
from abc import abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from renderowl.embedded import process
from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.lock import DirectoryLock


class Server:
    """A server with all its state under `data_dir`: `start()` and `stop()`, or a context manager. It dies with us."""

    name: str
    stopping: tuple[tuple[signal.Signals, float], ...]
    """What it is sent to end, each with the seconds it is given."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.log = self.data_dir / f"{self.name}.log"
        self.port = 0
        self._lock = DirectoryLock(self.data_dir)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it; the same after a restart."""

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise EmbeddedError(f"the embedded {self.name} is not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return when the server answers, made anew, stopped cleanly or killed before.

        Raises EmbeddedError when another process holds the directory or the server refuses, with the end of its log.
        """
        if self.running:
            return
        self._lock.acquire()
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and free the data directory; stopping a stopped one does nothing."""
        if self._process is not None:
            process.stop(self._process, *self.stopping)
            self._process = None
        self._lock.release()

    @abstractmethod
    def _launch(self) -> None:
        """Start the process and return when it answers. Raises EmbeddedError."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

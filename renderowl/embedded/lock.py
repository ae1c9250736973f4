"""One holder of a data directory, ever: an advisory lock that the kernel drops with its process."""

import fcntl
import os
from pathlib import Path

from renderowl.embedded.errors import EmbeddedError


class DirectoryLock:
    """An exclusive lock on a directory; a second holder is refused and told who has it.

    The lock is `flock` on `<directory>/lock`: it survives nothing, not even `kill -9`, so there is never a stale one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, making the directory when needed; taking a lock one already holds does nothing.

        Raises EmbeddedError naming the holder's process id.
        """
        if self._descriptor is not None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise EmbeddedError(f"cannot use the data directory {self.directory}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise EmbeddedError(
                f"the data directory {self.directory} is in use by process {holder}; "
                "stop it, or choose another directory"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; the file stays, so that two processes can never lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

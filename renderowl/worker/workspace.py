"""A worker process's own folder of temporary files, gone with it whatever happens to it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import structlog

from renderowl.domain.errors import OutOfDisk

log = structlog.get_logger(__name__)

_LOCK: Final = "lock"


class Workspace:
    """`<work_dir>/runs/<random>/`, held by a lock that the kernel frees when the process dies.

    Opening one removes the folders whose lock nobody holds: those of killed predecessors. A step begins only while
    `spare_bytes` are left on the disk.
    """

    def __init__(self, work_dir: Path, *, spare_bytes: int = 0) -> None:
        self._spare_bytes = spare_bytes
        runs = work_dir / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        with _locked(runs):  # nobody sweeps a folder between its making and its locking
            sweep(runs)
            self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
            self._lock = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.drafts = self.folder / "drafts"
        self.drafts.mkdir()

    def has_room(self) -> bool:
        """Whether a step may begin."""
        return shutil.disk_usage(self.folder).free >= self._spare_bytes

    @contextmanager
    def step_folder(self) -> Iterator[Path]:
        """A folder for one step, removed afterwards. Raises OutOfDisk when the disk is as good as full."""
        free = shutil.disk_usage(self.folder).free
        if free < self._spare_bytes:
            raise OutOfDisk(
                f"the worker has {free // 1024**2} MiB left on its disk and needs {self._spare_bytes // 1024**2}"
            )
        folder = Path(tempfile.mkdtemp(prefix="step-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sweep(runs: Path) -> int:
    """Remove the folders of processes that died without removing them; returns how many."""
    dead = [folder for folder in runs.iterdir() if not _is_held(folder / _LOCK)]
    for folder in dead:
        shutil.rmtree(folder, ignore_errors=True)
    if dead:
        log.info("workspaces_swept", count=len(dead))
    return len(dead)


def _is_held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

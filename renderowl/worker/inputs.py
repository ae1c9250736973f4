"""The inputs a worker has fetched: files named by the SHA-256 of their bytes, fetched once, the oldest dropped first."""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from renderowl.domain.errors import SourceUnavailable
from renderowl.storage.base import ObjectMissing, Storage
from renderowl.storage.hashed import save

log = structlog.get_logger(__name__)

Files = dict[str, Path]
Guard = Callable[[Coroutine[Any, Any, Files]], Awaitable[Files]]


class InputCache:
    """Inputs below one folder, at most about `max_bytes`. Files in use are never dropped; several processes may share it.

    A file's modification time is when it was last used. Half of a file lies in `drafts`, a folder of this process on the
    same disk that is removed with it. `make_room` keeps `spare_bytes` of the disk free as long as there are files to drop.
    """

    def __init__(self, folder: Path, storage: Storage, *, drafts: Path, max_bytes: int, spare_bytes: int = 0) -> None:
        self._folder = folder
        self._drafts = drafts
        self._spare_bytes = spare_bytes
        self._storage = storage
        self._max_bytes = max_bytes
        self._fetching: dict[str, asyncio.Task[Path]] = {}
        self._in_use: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def files(self, wanted: dict[str, str], unless_stopped: Guard) -> AsyncIterator[Files]:
        """Local files of these inputs (content hash -> storage key) by hash, kept for the length of the block.

        `unless_stopped` runs the fetching and may give it up. Raises SourceUnavailable when an input
        is gone or its bytes are not those of its hash.
        """
        for content_hash in wanted:
            self._in_use[content_hash] = self._in_use.get(content_hash, 0) + 1
        try:
            yield await unless_stopped(self._have_all(wanted))
        finally:
            self._release(wanted)
            await asyncio.to_thread(self.make_room)

    async def adopt(self, content_hash: str, path: Path) -> None:
        """Take over a file of this hash that lies on the same disk, so that it need not be fetched."""
        await asyncio.to_thread(os.replace, path, self._folder / content_hash)

    async def _have_all(self, wanted: dict[str, str]) -> Files:
        paths = await asyncio.gather(*(self._have(content_hash, key) for content_hash, key in wanted.items()))
        return dict(zip(wanted, paths, strict=True))

    async def _have(self, content_hash: str, key: str) -> Path:
        path = self._folder / content_hash
        if await asyncio.to_thread(_touch, path):
            return path
        task = self._fetching.get(content_hash)
        if task is None:
            task = asyncio.create_task(self._fetch(content_hash, key, path))
            self._fetching[content_hash] = task
            task.add_done_callback(lambda _: self._fetching.pop(content_hash, None))
        return await asyncio.shield(task)  # one step's cancellation does not take the file from the others

    async def _fetch(self, content_hash: str, key: str, path: Path) -> Path:
        draft = self._drafts / f"{content_hash}.{uuid.uuid4().hex}"
        try:
            if await save(self._storage.read(key), draft) != content_hash:
                raise SourceUnavailable("a stored input is not what was uploaded")
            os.replace(draft, path)
        except ObjectMissing as error:
            raise SourceUnavailable("a stored input is gone") from error
        finally:
            draft.unlink(missing_ok=True)
        log.debug("input_fetched", content_hash=content_hash)
        return path

    def _release(self, wanted: Iterable[str]) -> None:
        for content_hash in wanted:
            self._in_use[content_hash] -= 1
            if not self._in_use[content_hash]:
                del self._in_use[content_hash]

    def make_room(self) -> None:
        """Drop the least recently used until the rest fits; another process's newest are spared by their times."""
        files: list[tuple[float, int, Path]] = []
        for path in self._folder.iterdir():
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            files.append((stat.st_mtime, stat.st_size, path))
        excess = sum(size for _, size, _ in files) - self._max_bytes
        excess = max(excess, self._spare_bytes - shutil.disk_usage(self._folder).free)
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            if path.name not in self._in_use:
                path.unlink(missing_ok=True)
                excess -= size


def _touch(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True

"""A data directory on which nothing runs: its database for a moment, and the settings `up` would have."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from renderowl.embedded.lock import DirectoryLock
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.settings import Settings


@contextlib.contextmanager
def resting(data_dir: Path, settings: Settings) -> Iterator[Settings]:
    """Settings with the directory's own database, which runs until the end of the block, and its storage.

    What `settings` name already is used as it is. Raises EmbeddedError while `renderowl up` runs on the directory.
    """
    data_dir = data_dir.absolute()
    with contextlib.ExitStack() as stack:
        lock = DirectoryLock(data_dir)
        lock.acquire()
        stack.callback(lock.release)
        (data_dir / "storage").mkdir(mode=0o700, exist_ok=True)
        found = {"storage_url": settings.storage_url or (data_dir / "storage").as_uri()}
        secret_file = data_dir / "secret_key"
        if not settings.secret_key and secret_file.exists():
            found["secret_key"] = secret_file.read_text()
        if not settings.database_url:
            found["database_url"] = stack.enter_context(EmbeddedPostgres(data_dir / "postgres")).url
        yield msgspec.structs.replace(settings, **found)

"""A backup: everything in Postgres as of one moment and everything in storage but the segment cache, in a folder.

`backup.json` is written last: a folder without it is no backup. Objects lie below `objects` under the SHA-256 of their
bytes, `objects.jsonl` says which keys have them.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from renderowl import __version__
from renderowl.db.dump import dump, is_empty, load
from renderowl.db.migrate import applied, migrate, shipped
from renderowl.domain.errors import Conflict, NotFound
from renderowl.security.signing import derive
from renderowl.services.segment_cache import PREFIX as CACHE
from renderowl.storage.base import ObjectMissing, Storage
from renderowl.storage.hashed import sha256_of

FORMAT: Final = 1
_AT_ONCE: Final = 8


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `secret` tells whether a secret key is the one it was made under."""

    format: int
    renderowl: str
    made_at: datetime
    migrations: list[str]
    secret: str
    database_sha256: str
    index_sha256: str
    objects: int
    bytes: int


class _Entry(msgspec.Struct, frozen=True):
    key: str
    size_bytes: int
    content_type: str
    sha256: str


def secret_mark(secret_key: str) -> str:
    """What is kept of a secret key, to know it again by."""
    return derive(secret_key, "backup").hex()[:16]


async def back_up(database_url: str, storage: Storage, secret_key: str, folder: Path, *, programs: Path) -> Manifest:
    """Back up into `folder`, a new or empty one, while everything runs. Raises Conflict for a folder with files in it.

    Objects are copied after the rows: one that is deleted meanwhile is missing, as it is in the original.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    if await asyncio.to_thread(lambda: any(folder.iterdir())):
        raise Conflict(f"{folder} is not empty")
    migrations = await applied(database_url)
    await dump(database_url, folder / "database.dump", programs=programs)
    (folder / "objects").mkdir()
    entries: list[_Entry] = []
    async for keys in _batched(storage):
        copied = await asyncio.gather(*(_copy_out(storage, key, folder / "objects") for key in keys))
        entries += [one for one in copied if one is not None]
    index = b"".join(msgspec.json.encode(one) + b"\n" for one in entries)
    await asyncio.to_thread((folder / "objects.jsonl").write_bytes, index)
    manifest = Manifest(
        FORMAT,
        __version__,
        datetime.now(UTC),
        migrations,
        secret_mark(secret_key),
        await asyncio.to_thread(sha256_of, folder / "database.dump"),
        hashlib.sha256(index).hexdigest(),
        len(entries),
        sum(one.size_bytes for one in entries),
    )
    await asyncio.to_thread(_write_durably, folder / "backup.json", msgspec.json.encode(manifest))
    return manifest


async def restore(
    database_url: str, storage: Storage, folder: Path, *, programs: Path, say: Callable[[str], None]
) -> Manifest:
    """Fill an empty database and an empty storage from a backup, and bring the schema to this version's.

    Nothing is written before all of the backup was read and found whole. One that was interrupted may be begun again.
    Raises NotFound for what is no backup, Conflict for one that is damaged or too new, and for a target with something in it.
    """
    manifest, entries = await asyncio.to_thread(_read, folder)
    say(f"checking {manifest.objects} objects, {manifest.bytes} bytes")
    await asyncio.to_thread(_verify, folder, manifest, entries)
    if not await is_empty(database_url):
        raise Conflict(
            "the database has tables already; restore into an empty one"
            " (one that an interrupted restore has loaded needs `renderowl db migrate` and nothing else)"
        )
    there = await _present(storage, {one.key: one.size_bytes for one in entries})
    left = [one for one in entries if one.key not in there]
    say(f"storing {len(left)} objects")
    for start in range(0, len(left), _AT_ONCE):
        await asyncio.gather(*(_copy_in(storage, one, folder) for one in left[start : start + _AT_ONCE]))
    say("loading the database")
    await load(database_url, folder / "database.dump", programs=programs)
    await migrate(database_url)
    return manifest


async def _batched(storage: Storage) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    async for found in storage.scan(""):
        if not found.key.startswith(CACHE):
            batch.append(found.key)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    yield batch


async def _copy_out(storage: Storage, key: str, folder: Path) -> _Entry | None:
    draft = folder / f".{hashlib.sha256(key.encode()).hexdigest()}"
    try:
        info = await storage.get_file(key, draft)
        content_type = info.content_type or (await storage.head(key)).content_type
    except ObjectMissing:  # deleted since it was listed
        draft.unlink(missing_ok=True)
        return None
    digest = await asyncio.to_thread(sha256_of, draft)
    draft.replace(folder / digest)
    return _Entry(key, info.size_bytes, content_type, digest)


async def _copy_in(storage: Storage, entry: _Entry, folder: Path) -> None:
    await storage.put_file(entry.key, folder / "objects" / entry.sha256, content_type=entry.content_type)


def _read(folder: Path) -> tuple[Manifest, list[_Entry]]:
    try:
        manifest = msgspec.json.decode((folder / "backup.json").read_bytes(), type=Manifest)
        index = (folder / "objects.jsonl").read_bytes()
    except FileNotFoundError as missing:
        raise NotFound(f"{folder} is no finished backup: {Path(missing.filename).name} is missing") from None
    except msgspec.DecodeError as error:
        raise Conflict(f"{folder} is damaged: backup.json: {error}") from None
    if manifest.format != FORMAT or not set(manifest.migrations) <= set(shipped()):
        raise Conflict(f"{folder} was made by RenderOwl {manifest.renderowl}, which is newer; restore it with that one")
    if hashlib.sha256(index).hexdigest() != manifest.index_sha256:
        raise Conflict(f"{folder} is damaged: objects.jsonl is not what was written")
    return manifest, [msgspec.json.decode(line, type=_Entry) for line in index.splitlines()]


def _verify(folder: Path, manifest: Manifest, entries: Iterable[_Entry]) -> None:
    wanted = [(folder / "database.dump", manifest.database_sha256)]
    wanted += [(folder / "objects" / digest, digest) for digest in sorted({one.sha256 for one in entries})]
    broken = [path.name for path, digest in wanted if not path.is_file() or sha256_of(path) != digest]
    if broken:
        raise Conflict(f"{folder} is damaged: missing or not what was written: {', '.join(broken)}")


async def _present(storage: Storage, wanted: dict[str, int]) -> set[str]:
    """The keys that are there already, as an earlier attempt left them. Raises Conflict for anything else."""
    found = set()
    async for one in storage.scan(""):
        if wanted.get(one.key) != one.size_bytes:
            raise Conflict(f"the storage has something in it already ({one.key}); restore into an empty one")
        found.add(one.key)
    return found


def _write_durably(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

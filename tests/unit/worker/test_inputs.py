"""The input cache: one fetch for many, the right bytes, a bound on the disk."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from renderowl.domain.errors import SourceUnavailable
from renderowl.storage.base import ObjectMissing, Storage
from renderowl.worker.inputs import Files, InputCache


class Shelf:
    """A storage that counts what is read from it and can be held up."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.reads: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self.reads.append(key)
        await self.gate.wait()
        if key not in self.objects:
            raise ObjectMissing(key)
        data = self.objects[key]
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]


async def freely(fetching: Coroutine[Any, Any, Files]) -> Files:
    return await fetching


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _cache(folder: Path, shelf: Shelf, max_bytes: int = 10**9, spare_bytes: int = 0) -> InputCache:
    drafts = folder / "drafts"
    drafts.mkdir(exist_ok=True)
    return InputCache(
        folder / "inputs", cast(Storage, shelf), drafts=drafts, max_bytes=max_bytes, spare_bytes=spare_bytes
    )


async def test_many_who_want_the_same_bytes_cause_one_fetch(tmp_path: Path) -> None:
    data = os.urandom(5000)
    shelf = Shelf({"a": data})
    shelf.gate.clear()
    cache = _cache(tmp_path, shelf)

    async def use() -> bytes:
        async with cache.files({_sha(data): "a"}, freely) as files:
            return files[_sha(data)].read_bytes()

    users = [asyncio.create_task(use()) for _ in range(5)]
    impatient = asyncio.create_task(use())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    impatient.cancel()
    shelf.gate.set()
    assert await asyncio.gather(*users) == [data] * 5
    assert await use() == data
    assert shelf.reads == ["a"]


async def test_wrong_bytes_and_missing_objects_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    cache = _cache(tmp_path, Shelf({"a": b"changed"}))
    for wanted in ({_sha(b"original"): "a"}, {_sha(b"original"): "gone"}):
        with pytest.raises(SourceUnavailable):
            async with cache.files(wanted, freely):
                pass
    assert list((tmp_path / "inputs").iterdir()) == []


async def test_the_least_recently_used_goes_first_and_nothing_in_use(tmp_path: Path) -> None:
    parts = {name: name.encode() * 1000 for name in "abc"}
    cache = _cache(tmp_path, Shelf(parts), max_bytes=2500)
    hashes = {name: _sha(data) for name, data in parts.items()}
    async with cache.files({hashes["a"]: "a"}, freely) as held:
        os.utime(held[hashes["a"]], (1, 1))
        for name, age in (("b", 2), ("c", 3)):
            async with cache.files({hashes[name]: name}, freely) as files:
                os.utime(files[hashes[name]], (age, age))
        assert {path.name for path in (tmp_path / "inputs").iterdir()} == {hashes["a"], hashes["c"]}


async def test_unused_files_make_room_on_a_full_disk(tmp_path: Path) -> None:
    objects = {name: os.urandom(1000) for name in "ab"}
    cache = _cache(tmp_path, Shelf(objects), spare_bytes=1 << 60)
    wanted = {_sha(objects["a"]): "a"}
    async with cache.files(wanted, freely) as files, cache.files({_sha(objects["b"]): "b"}, freely):
        cache.make_room()
        assert files[_sha(objects["a"])].exists(), "what is in use stays"
    cache.make_room()
    assert list((tmp_path / "inputs").iterdir()) == []

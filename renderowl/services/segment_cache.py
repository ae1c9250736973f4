"""Encoded segments and sound tracks in storage, under the hash of all that decides about their bits.

An entry is two objects: the bytes, then `<key>.json` with the facts about them. It is there when the facts are, so they
are written last and to be deleted first.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from renderowl.domain.errors import Internal
from renderowl.storage.base import ObjectMissing, Storage

Kind = Literal["segments", "audio"]

_AT_ONCE: Final = 16


class Facts(msgspec.Struct, frozen=True):
    """What the assembly must know of an encoded part without opening it."""

    frames: int = 0
    duration_s: float = 0.0
    extradata_hash: str = ""


class Cached(msgspec.Struct, frozen=True):
    """A local copy of an entry."""

    path: Path
    size_bytes: int
    facts: Facts


def object_key(kind: Kind, key: str, suffix: str) -> str:
    """Where the encoded bytes of a plan's key lie."""
    return f"cache/{kind}/{key}{suffix}"


async def store(storage: Storage, key: str, path: Path, facts: Facts) -> None:
    """Make an entry. Doing it again, or by two at once, is harmless: equal keys are equal bits."""
    await storage.put_file(key, path, content_type="application/octet-stream")
    await storage.put_bytes(_facts_key(key), msgspec.json.encode(facts), content_type="application/json")


async def present(storage: Storage, keys: Iterable[str]) -> frozenset[str]:
    """Those of the entries that are there."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(key: str) -> str | None:
        async with gate:
            try:
                await storage.head(_facts_key(key))
            except ObjectMissing:
                return None
            return key

    found = await asyncio.gather(*(look(key) for key in set(keys)))
    return frozenset(key for key in found if key is not None)


async def fetch(storage: Storage, keys: Iterable[str], folder: Path) -> dict[str, Cached]:
    """Local copies of entries. Raises Internal when one has left the cache since the plan was made."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def copy(key: str) -> tuple[str, Cached]:
        path = folder / key.replace("/", "-")
        async with gate:
            try:
                info = await storage.get_file(key, path)
                facts = b"".join([chunk async for chunk in storage.read(_facts_key(key))])
            except ObjectMissing:
                raise Internal("an encoded part has left the cache; try the render again") from None
        return key, Cached(path, info.size_bytes, msgspec.json.decode(facts, type=Facts))

    return dict(await asyncio.gather(*(copy(key) for key in set(keys))))


def _facts_key(key: str) -> str:
    return f"{key}.json"

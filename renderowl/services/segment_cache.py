"""Encoded segments and sound tracks in storage, under the hash of all that decides about their bits, shared by all workers.

The bytes are objects below `cache/`; the catalogue in Postgres says which of them are whole and when they were last used.
"""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from renderowl.db import cache
from renderowl.db.cache import Entry
from renderowl.domain.records import Render
from renderowl.pipeline.estimate import Sample
from renderowl.services import metrics
from renderowl.services.context import Context
from renderowl.storage.base import ObjectMissing

log = structlog.get_logger(__name__)

Kind = Literal["segments", "audio"]

PREFIX: Final = "cache/"
UNUSED_S: Final = 60.0
"""An entry is safe for this long after its last use, whatever the limit: a render has just come for it."""
STRAY_S: Final = 24 * 3600.0
"""How old bytes without a row must be to be collected: nobody stores a part for that long."""
_AT_ONCE: Final = 16
_BATCH: Final = 500


class Facts(msgspec.Struct, frozen=True):
    """What the assembly must know of an encoded part without opening it."""

    frames: int = 0
    duration_s: float = 0.0
    extradata_hash: str = ""
    sample: Sample | None = None
    """Of a segment: what it took and what came out, for estimates of others."""


class Cached(msgspec.Struct, frozen=True):
    """A local copy of an entry."""

    path: Path
    size_bytes: int
    facts: Facts
    made_by: str


def object_key(kind: Kind, key: str, suffix: str) -> str:
    """Where the encoded bytes of a plan's key lie."""
    return f"{PREFIX}{kind}/{key}{suffix}"


def maker(render: Render) -> str:
    """How an attempt of a render is called in the catalogue."""
    return f"{render.id}/{render.attempt}"


def count_parts(needed: int, found: int, *, bypassed: bool = False) -> None:
    """Count what a film needed and how much of it was there."""
    metrics.CACHE_PARTS.labels("yes").inc(found)
    metrics.CACHE_PARTS.labels("bypassed" if bypassed else "no").inc(needed - found)


async def store(ctx: Context, key: str, path: Path, facts: Facts, made_by: str) -> None:
    """Make an entry. Doing it again, or by two at once, is harmless: equal keys are equal bits."""
    info = await ctx.storage.put_file(key, path, content_type="application/octet-stream")
    await cache.insert(ctx.db, key, size_bytes=info.size_bytes, facts=facts, made_by=made_by)


async def look_up(ctx: Context, keys: Iterable[str]) -> dict[str, Entry]:
    """Those of the entries that are there, by key; they are not kept for that."""
    return {entry.key: entry for entry in await cache.get_many(ctx.db, sorted(set(keys)))}


async def fetch(ctx: Context, keys: Iterable[str], folder: Path) -> dict[str, Cached]:
    """Local copies of those of the entries that are there. One whose bytes are gone is forgotten and left out."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def copy(entry: Entry) -> tuple[str, Cached] | None:
        path = folder / entry.key.replace("/", "-")
        async with gate:
            try:
                info = await ctx.storage.get_file(entry.key, path)
            except ObjectMissing:
                log.warning("cached_bytes_gone", key=entry.key)
                await cache.forget(ctx.db, entry)
                return None
        return entry.key, Cached(path, info.size_bytes, msgspec.convert(entry.facts, Facts), entry.made_by)

    found = await asyncio.gather(*(copy(entry) for entry in (await look_up(ctx, keys)).values()))
    return dict(one for one in found if one is not None)


async def make_room(ctx: Context) -> int:
    """Drop the least recently used entries beyond the limit, never what an active render uses; how many. The slow tick.

    Their rows go first: whoever dies before the bytes went leaves strays, and nobody is promised them.
    """
    dropped: list[tuple[str, int]] = []
    if ctx.settings.cache_bytes:
        dropped = await cache.evict(ctx.db, max_bytes=ctx.settings.cache_bytes, unused_for_s=UNUSED_S)
    for start in range(0, len(dropped), _BATCH):
        await ctx.storage.delete([key for key, _ in dropped[start : start + _BATCH]])
    metrics.CACHE_EVICTIONS.inc(len(dropped))
    metrics.CACHE_EVICTED_BYTES.inc(sum(size_bytes for _, size_bytes in dropped))
    metrics.CACHE_BYTES.set(await cache.fill_bytes(ctx.db))
    return len(dropped)


async def collect_strays(ctx: Context, *, older_than_s: float = STRAY_S) -> int:
    """Remove bytes that no row speaks of, left by whoever was killed between the two; how many objects. Reads all keys."""
    now_s, removed = time.time(), 0
    batch: list[str] = []
    async for found in ctx.storage.scan(PREFIX):
        if found.modified_at < now_s - older_than_s:
            batch.append(found.key)
        if len(batch) == _BATCH:
            removed += await _remove_unknown(ctx, batch)
            batch = []
    return removed + await _remove_unknown(ctx, batch)


async def _remove_unknown(ctx: Context, keys: list[str]) -> int:
    known = await look_up(ctx, keys)
    strays = [key for key in keys if key not in known]
    if strays:
        await ctx.storage.delete(strays)
    return len(strays)

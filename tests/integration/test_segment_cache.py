"""The segment cache: its limit, what it drops first and what never, and what is left of whoever was killed in between."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderowl.db import cache, projects
from renderowl.db.database import Database
from renderowl.services import segment_cache
from renderowl.services.callers import BOOTSTRAP_USER, ensure_bootstrap_user
from renderowl.services.context import Context
from renderowl.services.segment_cache import Facts
from renderowl.storage.local import LocalStorage
from renderowl.testing.signals import until

FACTS = Facts(frames=25, extradata_hash="x")


class Play:
    """A cache with its limit, and active renders that use parts of it."""

    def __init__(self, db: Database, storage: LocalStorage, folder: Path) -> None:
        self.db, self.storage, self.folder = db, storage, folder
        self.limit(0)

    def limit(self, max_bytes: int) -> None:
        limits = type("Settings", (), {"cache_bytes": max_bytes})
        self.ctx = cast(Context, type("C", (), {"db": self.db, "storage": self.storage, "settings": limits}))

    async def store(self, name: str, size_bytes: int = 100, made_by: str = "rnd_1/1") -> str:
        """An entry that was last used an hour ago."""
        path = self.folder / "part"
        path.write_bytes(b"x" * size_bytes)
        key = segment_cache.object_key("segments", name, ".nut")
        await segment_cache.store(self.ctx, key, path, FACTS, made_by)
        await self.unused_for(key, 3600)
        return key

    async def unused_for(self, key: str, seconds: float) -> None:
        await self.db.execute(
            "UPDATE cache_entries SET used_at = now() - make_interval(secs => $2) WHERE key = $1", key, seconds
        )

    async def render(self, render_id: str, *keys: str, status: str = "processing") -> None:
        await self.db.execute(
            "INSERT INTO renders (id, project_id, composition_id, status, priority, attempt, input_props, output_settings,"
            " created_by, cache_keys) VALUES ($1, 'prj_1', 'timeline', $2, 'normal', 1, '{}', '{}', $3, $4)",
            render_id,
            status,
            BOOTSTRAP_USER,
            list(keys),
        )

    async def there(self) -> set[str]:
        """The entries, whose bytes are there and nobody else's."""
        rows = {row["key"] for row in await self.db.fetch("SELECT key FROM cache_entries")}
        assert {one.key async for one in self.storage.scan("cache/")} == rows
        return rows


@pytest.fixture
async def play(database_url: str, tmp_path: Path) -> AsyncIterator[Play]:
    db = Database(database_url)
    await db.open()
    await ensure_bootstrap_user(db)
    await projects.insert(db, project_id="prj_1", owner_id=BOOTSTRAP_USER, name="p", description=None, settings={})
    yield Play(db, LocalStorage(tmp_path / "storage", "http://test", [b"secret"]), tmp_path)
    await db.close()


async def test_an_entry_is_found_with_its_facts_and_maker(play: Play) -> None:
    key = await play.store("a", 7, made_by="rnd_9/2")
    found = await segment_cache.look_up(play.ctx, [key, "cache/segments/b.nut"])
    assert {one: (entry.size_bytes, entry.made_by) for one, entry in found.items()} == {key: (7, "rnd_9/2")}
    (local,) = (await segment_cache.fetch(play.ctx, [key], play.folder)).values()
    assert (local.path.read_bytes(), local.size_bytes, local.facts) == (b"x" * 7, 7, FACTS)


async def test_bytes_that_somebody_removed_are_forgotten_and_not_promised_again(play: Play) -> None:
    key, other = await play.store("a"), await play.store("b")
    await play.storage.delete([key])
    assert set(await segment_cache.fetch(play.ctx, [key, other], play.folder)) == {other}
    assert set(await segment_cache.look_up(play.ctx, [key, other])) == {other}


async def test_without_a_limit_nothing_goes(play: Play) -> None:
    await play.store("a", 10_000)
    assert await segment_cache.make_room(play.ctx) == 0


async def test_the_least_recently_used_goes_first_and_only_as_much_as_must(play: Play) -> None:
    old, older, new = [await play.store(name) for name in "abc"]
    await play.unused_for(old, 2000)
    await play.unused_for(older, 3000)
    await play.unused_for(new, 1000)
    play.limit(250)
    assert await segment_cache.make_room(play.ctx) == 1
    assert await play.there() == {old, new}
    assert await segment_cache.make_room(play.ctx) == 0


async def test_what_an_active_render_uses_stays_whatever_the_limit(play: Play) -> None:
    used, queued, done = [await play.store(name) for name in "abc"]
    await play.render("rnd_1", used, "cache/segments/not-there-yet.nut")
    await play.render("rnd_2", queued, status="queued")
    await play.render("rnd_3", done, status="completed")
    play.limit(1)
    assert await segment_cache.make_room(play.ctx) == 1
    assert await play.there() == {used, queued}


async def test_a_render_that_comes_for_an_entry_saves_it_from_an_eviction_under_way(play: Play) -> None:
    key = await play.store("a")
    came, go = asyncio.Event(), asyncio.Event()

    async def come() -> None:
        async with play.db.transaction():
            assert [entry.key for entry in await cache.use(play.db, [key])] == [key]
            came.set()
            await go.wait()

    async def evicting_waits() -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await play.db.fetch_value(waiting))

    render = asyncio.create_task(come())
    await came.wait()
    evicting = asyncio.create_task(cache.evict(play.db, max_bytes=1, unused_for_s=60))
    await until(evicting_waits)
    go.set()
    await render
    assert await evicting == []
    assert await play.there() == {key}


async def test_two_renders_that_use_the_same_entries_never_wait_in_a_ring(play: Play) -> None:
    keys = [await play.store(f"{number:02}") for number in range(40)]

    async def use(wanted: list[str]) -> None:
        for _ in range(10):
            async with play.db.transaction():
                assert len(await cache.use(play.db, wanted)) == 40

    await asyncio.gather(use(keys), use(keys[::-1]), use(sorted(keys, key=hash)))


async def test_bytes_without_a_row_are_collected_when_they_are_old(play: Play) -> None:
    kept = await play.store("a")
    await play.storage.put_bytes("cache/segments/new.nut", b"x", content_type="a/b")
    for key in (kept, "cache/segments/old.nut", "cache/segments/old.nut.json"):
        await play.storage.put_bytes(key, b"x", content_type="a/b")
        os.utime(play.folder / "storage" / "objects" / key, (0, 0))
    assert await segment_cache.collect_strays(play.ctx) == 2
    assert {one.key async for one in play.storage.scan("cache/")} == {kept, "cache/segments/new.nut"}


async def test_whoever_dies_while_evicting_promises_nothing_that_is_gone(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await play.store("a")
    play.limit(1)

    async def die(_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(play.storage, "delete", die)
    with pytest.raises(asyncio.CancelledError):
        await segment_cache.make_room(play.ctx)
    monkeypatch.undo()
    assert await segment_cache.look_up(play.ctx, [key]) == {}
    assert await segment_cache.collect_strays(play.ctx, older_than_s=-60) == 1
    assert await play.there() == set()


Part = tuple[int, int, bool]
"""Bytes, seconds since its last use, and whether an active render uses it."""


def kept(parts: list[Part], limit: int) -> set[int]:
    """The model: drop the longest unused until the rest fits, but for what is used or was just now."""
    left = dict(enumerate(parts))
    for number in sorted(left, key=lambda number: (-parts[number][1], number)):
        if sum(size for size, _, _ in left.values()) <= limit:
            break
        if parts[number][1] > segment_cache.UNUSED_S and not parts[number][2]:
            del left[number]
    return set(left)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(st.integers(0, 90), st.sampled_from([10, 200, 300, 400, 500, 600]), st.booleans()), max_size=12
    ),
    limit=st.integers(1, 500),
)
async def test_any_cache_drops_what_the_model_drops(play: Play, parts: list[Part], limit: int) -> None:
    await play.db.execute("DELETE FROM cache_entries")
    await play.db.execute("DELETE FROM renders")
    for number, (size, unused_s, _) in enumerate(parts):
        await cache.insert(play.db, f"{number:02}", size_bytes=size, facts=FACTS, made_by="")
        await play.unused_for(f"{number:02}", unused_s)
    # one moment for all, so that equal ages tie as in the model
    await play.db.execute("UPDATE cache_entries SET used_at = date_trunc('second', used_at)")
    await play.render("rnd_1", *(f"{number:02}" for number, part in enumerate(parts) if part[2]))
    await cache.evict(play.db, max_bytes=limit, unused_for_s=segment_cache.UNUSED_S)
    rows: list[Any] = await play.db.fetch("SELECT key FROM cache_entries")
    assert {int(row["key"]) for row in rows} == kept(parts, limit)

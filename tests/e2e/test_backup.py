"""Backups: a film is made, all is backed up while everything runs, restored somewhere else, and the film is there."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from renderowl.app import open_context
from renderowl.cli.backup import opened
from renderowl.db.migrate import migrate
from renderowl.domain.errors import Conflict, NotFound
from renderowl.embedded.postgres_binaries import install_dir
from renderowl.embedded.resting import resting
from renderowl.services import callers, renders
from renderowl.services.backup import back_up, restore
from renderowl.settings import Settings, load
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.moto_s3 import make_bucket, moto_s3
from renderowl.testing.serving import make_account

SPEC = {"width": 320, "height": 180, "tracks": [{"clips": [{"type": "color", "color": "#336699", "duration": 1}]}]}
PROGRAMS = install_dir() / "bin"


@pytest.fixture
async def farm(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> AsyncIterator[Farm]:
    async with open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")) as opened:
        yield opened


def _renderowl(*argv: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RENDEROWL_")}
    environment |= {f"RENDEROWL_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "renderowl", *argv]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


async def test_a_film_and_a_key_outlive_their_servers(farm: Farm, tmp_path: Path) -> None:
    made = await farm.completed(await farm.submit(SPEC))
    film = await farm.download(made, tmp_path)
    principal, key = await make_account(farm.ctx, ["read"])
    epoch = await farm.ctx.db.fetch_value("SELECT event_epoch FROM projects WHERE id = $1", farm.project_id)
    now = farm.ctx.settings
    told = {name: str(getattr(now, name)) for name in ("database_url", "storage_url", "secret_key")}
    backup = tmp_path / "backup"

    done = await asyncio.to_thread(_renderowl, "backup", str(backup), **told)
    assert done.returncode == 0, done.stderr
    assert now.secret_key not in "".join(path.read_text("latin-1") for path in backup.iterdir() if path.is_file())
    data_dir = tmp_path / "elsewhere"
    done = await asyncio.to_thread(_renderowl, "restore", str(backup), "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    assert "is not the one of the backup" in done.stderr

    with resting(data_dir, load({}, redis_url=now.redis_url, secret_key=now.secret_key)) as settings:
        async with open_context(settings) as ctx:
            again = await renders.get(ctx, farm.principal, farm.project_id, made.id)
            assert again.output == made.output
            restored = Farm(ctx, farm.principal, farm.project_id)
            (tmp_path / "restored").mkdir()
            assert (await restored.download(again, tmp_path / "restored")).read_bytes() == film.read_bytes()
            assert (await callers.authenticate(ctx, key)).user_id == principal.user_id
            assert await ctx.db.fetch_value("SELECT event_epoch FROM projects") != epoch  # no cursor of before fits
            assert await ctx.db.fetch_value("SELECT count(*) FROM cache_entries") == 0
        async with open_farm(settings) as other:
            await other.completed(await other.submit(SPEC))


def _storage(folder: Path) -> Settings:
    folder.mkdir(exist_ok=True)
    return load({}, storage_url=folder.as_uri())


@pytest.fixture
async def backup(database_url: str, tmp_path: Path) -> Path:
    """A backup of an installation with two objects."""
    folder = tmp_path / "backup"
    async with opened(_storage(tmp_path / "old")) as storage:
        await storage.put_bytes("projects/prj_1/assets/ast_1", b"first", content_type="text/plain")
        await storage.put_bytes("projects/prj_1/assets/ast_2", b"second", content_type="image/png")
        await storage.put_bytes("cache/a", b"can be made again", content_type="video/mp4")
        assert (await back_up(database_url, storage, "s" * 32, folder, programs=PROGRAMS)).objects == 2
    return folder


async def test_what_is_not_whole_or_not_empty_is_refused_before_anything_is_written(
    backup: Path, database_url: str, empty_database_url: Callable[[], str], tmp_path: Path
) -> None:
    empty = empty_database_url()
    async with opened(_storage(tmp_path / "new")) as storage:

        async def attempt(url: str) -> None:
            await restore(url, storage, backup, programs=PROGRAMS, say=lambda _: None)

        with pytest.raises(Conflict, match="has tables"):
            await attempt(database_url)
        damaged = next((backup / "objects").iterdir())
        whole = damaged.read_bytes()
        damaged.write_bytes(b"other")
        with pytest.raises(Conflict, match=damaged.name):
            await attempt(empty)
        damaged.write_bytes(whole)
        (backup / "backup.json").rename(tmp_path / "backup.json")
        with pytest.raises(NotFound, match="no finished backup"):
            await attempt(empty)
        (tmp_path / "backup.json").rename(backup / "backup.json")
        assert [one.key async for one in storage.scan("")] == []
        await storage.put_bytes("projects/prj_2/scenes.json", b"{}", content_type="application/json")
        with pytest.raises(Conflict, match="prj_2"):
            await attempt(empty)
        with pytest.raises(Conflict, match="not empty"):
            await back_up(database_url, storage, "s" * 32, backup, programs=PROGRAMS)


async def test_a_restore_that_was_interrupted_goes_on(
    backup: Path, empty_database_url: Callable[[], str], tmp_path: Path
) -> None:
    url = empty_database_url()
    async with opened(_storage(tmp_path / "new")) as storage:
        await storage.put_bytes("projects/prj_1/assets/ast_1", b"first", content_type="text/plain")
        await restore(url, storage, backup, programs=PROGRAMS, say=lambda _: None)
        there = {one.key: one.content_type async for one in storage.scan("")}
    assert there == {"projects/prj_1/assets/ast_1": "text/plain", "projects/prj_1/assets/ast_2": "image/png"}
    assert await migrate(url) == []


async def test_objects_go_from_a_bucket_to_another_with_their_types(
    database_url: str, empty_database_url: Callable[[], str], tmp_path: Path
) -> None:
    with moto_s3() as at:
        bucket: dict[str, Settings] = {}
        for name in ("old", "new"):
            make_bucket(at, name)
            url = f"s3://{name}/media?endpoint_url={at}&region=us-east-1"
            bucket[name] = load({}, storage_url=url, s3_access_key="key", s3_secret_key="secret")
        key = "projects/prj_1/assets/ast_1"
        async with opened(bucket["old"]) as old:
            await old.put_bytes(key, b"a picture", content_type="image/png")
            await back_up(database_url, old, "s" * 32, tmp_path / "backup", programs=PROGRAMS)
        async with opened(bucket["new"]) as new:
            await restore(empty_database_url(), new, tmp_path / "backup", programs=PROGRAMS, say=lambda _: None)
            assert (await new.head(key)).content_type == "image/png"
            assert b"".join([chunk async for chunk in new.read(key)]) == b"a picture"

"""What is left of a worker that hangs, fills its disk or dies: nothing that stays."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.db import renders, workers
from renderowl.services.collecting import collect
from renderowl.settings import Settings
from renderowl.storage.base import ObjectInfo
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.signals import until
from renderowl.worker import assembling
from renderowl.worker.workspace import Workspace

FILM: dict[str, Any] = {
    "width": 320, "height": 180, "fps": 25, "tracks": [{"clips": [{"type": "color", "color": "#2050a0", "duration": 1}]}]
}  # fmt: skip


@pytest.fixture
def settings(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> Settings:
    return farm_settings(database_url, redis_url, storage_dir, tmp_path / "work", silence_timeout_s=2.0)


@pytest.fixture
async def farm(settings: Settings) -> AsyncIterator[Farm]:
    async with open_farm(settings) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nobody_tidies_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker that completes a render removes what others left: here it is too late for what the tests put there."""

    async def do_nothing(_: object) -> None:
        """Leave it to the janitor."""

    monkeypatch.setattr(assembling, "_discard_losers", do_nothing)


async def _due(farm: Farm) -> None:
    await farm.ctx.db.execute("UPDATE steps SET not_before = NULL WHERE not_before IS NOT NULL")


async def _keys(farm: Farm, render_id: str) -> list[str]:
    return [one.key async for one in farm.ctx.storage.scan(f"projects/{farm.project_id}/renders/{render_id}/")]


async def test_an_upload_that_hangs_is_given_up_and_tried_once_more(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = farm.ctx.storage.put_file
    hung: list[str] = []

    async def hang_once(key: str, path: Path, *, content_type: str) -> ObjectInfo:
        if "-video" in key and not hung:
            hung.append(key)
            await asyncio.Event().wait()
        return await put_file(key, path, content_type=content_type)

    monkeypatch.setattr(farm.ctx.storage, "put_file", hang_once)
    render_id = await farm.submit(FILM)

    async def gave_up() -> bool:
        return bool(await farm.ctx.db.fetch_value("SELECT 1 FROM steps WHERE failures = 1 AND status = 'queued'"))

    await until(gave_up, timeout_s=30)
    assert await farm.ctx.db.fetch_value("SELECT error->>'code' FROM steps WHERE failures = 1") == "stalled"
    await _due(farm)
    await farm.completed(render_id)


async def test_files_of_a_killed_worker_go_when_its_render_was_cancelled(farm: Farm) -> None:
    """A worker that is killed between its upload and its report leaves objects that nobody shows."""
    render_id = await farm.submit(FILM)
    done = await farm.completed(render_id)
    assert done.output is not None
    prefix = f"projects/{farm.project_id}/renders/{render_id}/"
    shown = [file["key"] for file in done.output["outputs"]]
    kept = [*shown, f"{prefix}logs/1/audio.txt", f"{prefix}2-retry/0-video.mp4"]
    for key in (f"{prefix}1-killed/0-video.mp4", *kept[len(shown) :]):
        await farm.ctx.storage.put_bytes(key, b"x", content_type="text/plain")
    assert await collect(farm.ctx, ended_for_s=3600) == 0
    assert await collect(farm.ctx, ended_for_s=0) == 1
    assert await collect(farm.ctx, ended_for_s=0) == 0
    assert set(kept) <= set(await _keys(farm, render_id))
    assert f"{prefix}1-killed/0-video.mp4" not in await _keys(farm, render_id)


async def test_objects_that_cannot_be_removed_now_hold_up_nobody_elses(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = [await farm.submit(FILM | {"fps": fps}) for fps in (20, 25)]
    for render_id in ended:
        await farm.completed(render_id)
        key = f"projects/{farm.project_id}/renders/{render_id}/1-killed/0-video.mp4"
        await farm.ctx.storage.put_bytes(key, b"x", content_type="text/plain")
    delete = farm.ctx.storage.delete

    async def refuse_the_first(keys: Sequence[str]) -> None:
        if ended[0] in keys[0]:
            raise OSError("not now")
        await delete(keys)

    monkeypatch.setattr(farm.ctx.storage, "delete", refuse_the_first)
    assert await collect(farm.ctx, ended_for_s=0) == 1
    monkeypatch.undo()
    assert await collect(farm.ctx, ended_for_s=0) == 1


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_a_render_that_shows_nothing_keeps_nothing(farm: Farm, status: str) -> None:
    render_id = await farm.submit(FILM)
    await farm.completed(render_id)
    await farm.ctx.db.execute("UPDATE renders SET status = $2, output = NULL WHERE id = $1", render_id, status)
    assert [key for key in await _keys(farm, render_id) if "/logs/" not in key]
    await collect(farm.ctx, ended_for_s=0)
    assert [key for key in await _keys(farm, render_id) if "/logs/" not in key] == []


async def test_a_retry_is_tidied_up_after_again(farm: Farm) -> None:
    render_id = await farm.submit(FILM)
    await farm.completed(render_id)
    await collect(farm.ctx, ended_for_s=0)
    await farm.ctx.db.execute("UPDATE renders SET status = 'failed', output = NULL WHERE id = $1", render_id)
    again = await renders.set_status(farm.ctx.db, render_id, "queued")
    assert again is not None
    await renders.set_status(farm.ctx.db, render_id, "cancelled")
    key = f"projects/{farm.project_id}/renders/{render_id}/2-killed/0-video.mp4"
    await farm.ctx.storage.put_bytes(key, b"x", content_type="text/plain")
    await collect(farm.ctx, ended_for_s=0)
    assert key not in await _keys(farm, render_id)


async def test_a_worker_whose_disk_is_full_is_given_nothing_until_it_has_room(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full worker does not spoil one render after another."""
    free = [0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": free[0]}))
    async with open_farm(msgspec.structs.replace(settings, heartbeat_s=0.2)) as farm:

        async def worker_status() -> str:
            return str(await farm.ctx.db.fetch_value("SELECT status FROM workers"))

        async def full() -> bool:
            return await worker_status() == "full"

        await until(full)
        render_id = await farm.submit(FILM)
        assert await workers.slots(farm.ctx.db, alive_s=60) == []
        free[0] = 1 << 40
        await farm.completed(render_id)
        assert await worker_status() == "active"


async def test_a_step_that_meets_a_full_disk_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk filled up since the worker's last heartbeat."""
    monkeypatch.setattr(Workspace, "has_room", lambda _: True)
    full = msgspec.structs.replace(settings, spare_disk_bytes=1 << 60)
    async with open_farm(full) as farm:
        render_id = await farm.submit(FILM)

        async def failed() -> bool:
            await _due(farm)
            return (await farm.get(render_id)).status == "failed"

        await until(failed, timeout_s=30)
        render = await farm.get(render_id)
        assert render.error is not None
        assert (render.error["code"], render.error["retryable"]) == ("out_of_disk", True)
        assert await farm.ctx.db.fetch_value("SELECT attempt FROM steps WHERE render_id = $1", render_id) == 4

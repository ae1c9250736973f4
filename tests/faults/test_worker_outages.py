"""Redis or Postgres goes away under a running worker: encoding goes on, reports are repeated, the queue is read again."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from renderowl.db import steps
from renderowl.db.migrate import migrate
from renderowl.domain.records import Step
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.signals import until


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey of this test's own, to be killed."""
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A Postgres of this test's own, to be killed."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


def scenes(count: int) -> dict[str, Any]:
    """A film of different scenes that takes a while to encode: nothing in it stands still."""
    clips = [
        {"type": "text", "text": f"scene {n}", "duration": 8, "fade_in": 8, "style": {"font_size": 200}}
        for n in range(count)
    ]
    return {"width": 1920, "height": 1080, "fps": 30, "tracks": [{"clips": clips}]}


async def _segments(farm: Farm, render_id: str) -> list[Step]:
    return [step for step in await steps.list_of_render(farm.ctx.db, render_id, 1) if step.kind == "segment"]


async def _until_encoding(farm: Farm, render_id: str) -> None:
    async def reports() -> bool:
        return any(one["current_frame"] > 0 for one in farm.progress(render_id))

    await until(reports, timeout_s=120)


async def _all_in_one_try(farm: Farm, render_id: str) -> bool:
    return all((step.attempt, step.lost, step.failures) == (1, 0, 0) for step in await _segments(farm, render_id))


class TestRedis:
    @pytest.fixture
    async def farm(
        self, database_url: str, valkey: EmbeddedValkey, storage_dir: Path, tmp_path: Path
    ) -> AsyncIterator[Farm]:
        async with open_farm(farm_settings(database_url, valkey.url, storage_dir, tmp_path / "work")) as opened:
            yield opened

    async def test_running_steps_go_on_and_the_queue_is_read_again_after_a_restart(
        self, farm: Farm, valkey: EmbeddedValkey
    ) -> None:
        render_id = await farm.submit(scenes(3), {"preset": "medium"})
        await _until_encoding(farm, render_id)
        before = {step.id: step.attempt for step in await _segments(farm, render_id) if step.status == "running"}
        assert before
        os.kill(valkey.pid, signal.SIGKILL)
        await until(lambda: _is_down(valkey))
        valkey.start()
        await farm.completed(render_id, timeout_s=150)
        after = {step.id: step for step in await _segments(farm, render_id)}
        assert {step_id: after[step_id].attempt for step_id in before} == before
        assert all((step.lost, step.failures) == (0, 0) for step in after.values())
        await farm.completed(await farm.submit(scenes(1), {"preset": "ultrafast"}), timeout_s=150)

    async def test_a_flushed_redis_costs_no_render(self, farm: Farm, valkey: EmbeddedValkey) -> None:
        renders = [await farm.submit(scenes(2), {"preset": "ultrafast", "crf": crf}) for crf in range(20, 26)]
        await _until_encoding(farm, renders[0])
        client = redis.asyncio.Redis.from_url(valkey.url)
        await client.flushall()
        await client.aclose()
        for render_id in renders:
            await farm.completed(render_id, timeout_s=150)


async def _is_down(server: EmbeddedValkey | EmbeddedPostgres) -> bool:
    return not server.running


async def test_encoding_goes_on_without_postgres_and_its_end_is_reported_later(
    postgres: EmbeddedPostgres, redis_url: str, storage_dir: Path, tmp_path: Path
) -> None:
    await migrate(postgres.url)
    async with open_farm(farm_settings(postgres.url, redis_url, storage_dir, tmp_path / "work")) as farm:
        render_id = await farm.submit(scenes(2), {"preset": "medium"})
        await _until_encoding(farm, render_id)
        os.kill(postgres.pid, signal.SIGKILL)
        await until(lambda: _is_down(postgres))
        postgres.start()
        await farm.completed(render_id, timeout_s=150)
        assert await _all_in_one_try(farm, render_id)

"""Labels: a render that requires some is done by workers that have them, in every step and every attempt."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.services import renders
from renderowl.settings import Settings
from renderowl.testing.farm import Farm, farm_settings, open_farm


@pytest.fixture
def settings(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> Settings:
    return farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")


@pytest.fixture
async def farm(settings: Settings) -> AsyncIterator[Farm]:
    async with open_farm(settings, labels=["gpu"]) as opened:
        yield opened


def film(scenes: int = 1, *, seconds: float = 1.0, width: int = 320, height: int = 180) -> dict[str, Any]:
    """A film of different scenes, none of which stands still; a large and long one is made in several steps."""
    clips = [{"type": "text", "text": f"scene {n}", "duration": seconds, "fade_in": seconds} for n in range(scenes)]
    return {"width": width, "height": height, "fps": 30, "tracks": [{"clips": clips}]}


FAST = {"preset": "ultrafast"}


async def test_every_step_of_a_render_goes_to_a_worker_with_its_labels(farm: Farm) -> None:
    render = await farm.completed(await farm.submit(film(2, seconds=8, width=1280, height=720), requires=["gpu"]))
    assert render.requires == ["gpu"]
    rows = await farm.ctx.db.fetch("SELECT kind, requires FROM steps")
    assert {"prepare", "segment", "assemble"} == {row["kind"] for row in rows}
    assert all("gpu" in row["requires"] for row in rows)


async def test_what_no_worker_has_waits_and_holds_up_nobody(farm: Farm) -> None:
    waiting = await farm.submit(film(), FAST, priority="urgent", requires=["gpu", "eu"])
    await farm.completed(await farm.submit(film(), FAST))
    assert (await farm.get(waiting)).status == "queued"


async def test_a_retry_requires_what_the_render_did(farm: Farm) -> None:
    render_id = await farm.submit(film(), FAST, requires=["eu", "eu"])
    await farm.ctx.db.execute("UPDATE renders SET status = 'failed'")
    await farm.ctx.db.execute("UPDATE steps SET status = 'cancelled'")
    again = await renders.retry(farm.ctx, farm.principal, farm.project_id, render_id)
    assert again.requires == ["eu"]
    assert await farm.ctx.db.fetch_value("SELECT requires FROM steps WHERE render_attempt = 2") == ["eu"]


@pytest.mark.parametrize("labels", [[""], ["x" * 65], [str(n) for n in range(9)]])
async def test_labels_are_few_and_short(farm: Farm, labels: list[str]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await farm.submit(film(), FAST, requires=labels)
    assert [error.path for error in refused.value.errors] == ["/requires"]

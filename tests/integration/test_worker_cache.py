"""What a render says of the cache is true, and what the cache lost is made again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from renderowl.testing.farm import Farm, farm_settings, forget_cache, open_farm

FAST = {"preset": "ultrafast"}


@pytest.fixture
async def farm(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> AsyncIterator[Farm]:
    async with open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")) as opened:
        yield opened


def film(*colors: str) -> dict[str, Any]:
    clips = [{"type": "color", "color": color, "duration": 3} for color in colors]
    return {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}


async def test_force_encodes_everything_anew(farm: Farm) -> None:
    spec = film("#ff0000", "#0000ff")
    await farm.completed(await farm.submit(spec, FAST))
    forced = await farm.completed(await farm.submit(spec, FAST, force=True))
    assert (forced.force, forced.cache) == (True, {"segments": 2, "reused": 0})
    again = await farm.completed(await farm.submit(spec, FAST))
    assert again.cache == {"segments": 2, "reused": 2}


async def test_parts_that_somebody_removed_are_made_again(farm: Farm, storage_dir: Path) -> None:
    spec = film("#ff0000", "#00ff00")
    await farm.completed(await farm.submit(spec, FAST))
    forget_cache(storage_dir)
    await farm.completed(await farm.submit(spec, FAST))
    await farm.completed(await farm.submit(spec, FAST))


async def test_an_ended_render_holds_nothing_in_the_cache(farm: Farm) -> None:
    render = await farm.completed(await farm.submit(film("#123456"), FAST))
    assert await farm.ctx.db.fetch_value("SELECT cache_keys FROM renders WHERE id = $1", render.id) == []

"""A film that is watched while it is made, its pieces and its parts in an S3 store."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.moto_s3 import make_bucket
from renderowl.testing.strict_s3 import StrictS3
from renderowl.testing.watching import times, watched
from renderowl.worker import main
from renderowl.worker.executor import Executor

KEYS = (StrictS3.access_key, StrictS3.secret_key)


@pytest.fixture
async def farm(
    store_url: str,
    database_url: str,
    redis_url: str,
    storage_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Farm]:
    """A farm that does every film step by step."""
    bucket = hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    make = partial(make_bucket, access_key=KEYS[0], secret_key=KEYS[1], region=StrictS3.region)
    await asyncio.to_thread(make, store_url, bucket)
    stored: dict[str, Any] = {
        "storage_url": f"s3://{bucket}?endpoint_url={quote(store_url, safe='')}&region={StrictS3.region}",
        "s3_access_key": KEYS[0],
        "s3_secret_key": KEYS[1],
    }
    monkeypatch.setattr(main, "Executor", partial(Executor, short_cost=0.0))
    settings = farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")
    async with open_farm(msgspec.structs.replace(settings, **stored)) as opened:
        yield opened


async def test_its_pieces_follow_one_another_and_a_change_takes_the_rest_from_the_cache(
    farm: Farm, tmp_path: Path
) -> None:
    clips: list[dict[str, Any]] = [
        {"type": "color", "color": color, "duration": 6} for color in ("#ff0000", "#00ff00", "#0000ff")
    ]
    spec = {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}
    settings: dict[str, Any] = {"preset": "ultrafast", "preview": {"hls": True}}
    for reused in (0, 2):
        render = await farm.completed(await farm.submit(spec, settings))
        assert render.cache == {"segments": 3, "reused": reused}
        (video,) = await watched(farm, render, tmp_path)
        frames = times(video, "video")
        assert len(frames) == 450
        assert {round(25 * (after - before)) for before, after in itertools.pairwise(frames)} == {1}
        assert (await farm.download(render, tmp_path)).stat().st_size > 0
        clips[1]["color"] = "#ffff00"

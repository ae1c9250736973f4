"""A worker that hangs between its upload and its commit: another one's film is shown, and only that one is stored."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from renderowl.db.dispatches import HELD
from renderowl.domain.records import Claim
from renderowl.services import steps
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.signals import until

SPEC = {
    "width": 320,
    "height": 180,
    "fps": 25,
    "tracks": [{"clips": [{"type": "color", "color": "#336699", "duration": 1}]}],
}


async def _outputs(farm: Farm, render_id: str) -> list[str]:
    prefix = f"projects/{farm.project_id}/renders/{render_id}/"
    return [one.key async for one in farm.ctx.storage.scan(prefix) if "/logs/" not in one.key]


async def test_the_late_one_of_two_uploads_is_removed(
    database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = steps.complete_render
    uploaded, wake = asyncio.Event(), asyncio.Event()
    claims: list[Claim] = []

    async def hang_the_first_time(ctx: Any, claim: Claim, *rest: Any, **more: Any) -> Any:
        claims.append(claim)
        if len(claims) == 1:
            uploaded.set()
            await wake.wait()
        return await complete(ctx, claim, *rest, **more)

    monkeypatch.setattr(steps, "complete_render", hang_the_first_time)
    # No heartbeat within this test: the lease that is let run out is not renewed.
    settings = farm_settings(database_url, redis_url, storage_dir, tmp_path / "work", heartbeat_s=60.0, lease_s=60.0)
    async with open_farm(settings) as farm:
        render_id = await farm.submit(SPEC, {"preset": "ultrafast"})
        await asyncio.wait_for(uploaded.wait(), 30)
        (hanging,) = await _outputs(farm, render_id)
        await farm.ctx.db.execute("UPDATE steps SET lease_expires_at = now() - interval '1 s' WHERE status = 'running'")
        render = await farm.completed(render_id)
        assert render.output is not None
        shown = [file["key"] for file in render.output["outputs"]]
        assert claims[1].token in shown[0]
        await until(lambda: _is(farm, render_id, shown))
        assert hanging not in shown
        wake.set()
        await until(lambda: _all_ended(farm))
        assert await _outputs(farm, render_id) == shown
        assert await farm.get(render_id) == render


async def _is(farm: Farm, render_id: str, keys: list[str]) -> bool:
    return await _outputs(farm, render_id) == keys


async def _all_ended(farm: Farm) -> bool:
    return not await farm.ctx.db.fetch_value(f"SELECT 1 FROM {HELD} held LIMIT 1")

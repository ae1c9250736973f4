"""What a render says of the cache is true, and what the cache lost is made again."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.domain.records import Render
from renderowl.services import blueprint
from renderowl.services.blueprint import Blueprint
from renderowl.services.segment_cache import maker
from renderowl.testing.farm import Farm, forget_cache
from renderowl.worker import executor

pytestmark = pytest.mark.parametrize("farm", ["within one step", "step by step"], indirect=True)

FAST = {"preset": "ultrafast"}
RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


def film(*colors: str) -> dict[str, Any]:
    clips = [{"type": "color", "color": color, "duration": 3} for color in colors]
    return {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}


async def cached(farm: Farm, *colors: str, **more: Any) -> tuple[int, int]:
    """Render scenes of these colours; (segments, reused) as the render tells at its end."""
    render = await farm.completed(await farm.submit(film(*colors), FAST, **more))
    return render.cache["segments"], render.cache["reused"]


def after_planning(monkeypatch: pytest.MonkeyPatch, act: Callable[[Render, Blueprint], Awaitable[Blueprint]]) -> None:
    """Have something happen between a render's plan and its first step."""
    draw = blueprint.draw

    async def draw_and_act(ctx: Any, render: Render, *more: Any) -> Blueprint:
        return await act(render, await draw(ctx, render, *more))

    monkeypatch.setattr(executor, "draw", draw_and_act)


async def test_force_encodes_everything_anew(farm: Farm) -> None:
    assert await cached(farm, RED, BLUE) == (2, 0)
    assert await cached(farm, RED, BLUE, force=True) == (2, 0)
    assert await cached(farm, RED, BLUE) == (2, 2)


async def test_parts_that_somebody_removed_are_made_again_and_not_called_reused(farm: Farm, storage_dir: Path) -> None:
    await cached(farm, RED, GREEN)
    forget_cache(storage_dir)
    assert await cached(farm, RED, GREEN, RED, BLUE) == (4, 0)
    assert await cached(farm, RED, GREEN, RED, BLUE) == (4, 4)


async def test_an_evicted_part_is_made_again_and_not_called_reused(farm: Farm, storage_dir: Path) -> None:
    await cached(farm, RED, GREEN)
    await farm.ctx.db.execute("DELETE FROM cache_entries")
    forget_cache(storage_dir)
    assert await cached(farm, RED, GREEN) == (2, 0)


async def test_a_part_that_is_lost_between_plan_and_use_is_not_called_reused(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cached(farm, RED, GREEN, BLUE)

    async def lose_one(_: Render, plan: Blueprint) -> Blueprint:
        await farm.ctx.storage.delete(plan.objects[:1])
        return plan

    after_planning(monkeypatch, lose_one)
    assert await cached(farm, RED, GREEN, RED, BLUE) == (4, 2), "red is shown twice"


async def test_what_another_render_made_since_the_plan_is_reused_by_steps(
    farm: Farm, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    await cached(farm, RED, GREEN)

    async def plan_before_that(_: Render, plan: Blueprint) -> Blueprint:
        return msgspec.structs.replace(plan, present=frozenset())

    after_planning(monkeypatch, plan_before_that)
    # who does it all in one step does not look again
    reused = {"within one step": 0, "step by step": 4}
    assert await cached(farm, RED, GREEN, RED, RED) == (4, reused[request.node.callspec.id])


async def test_what_the_lost_predecessor_of_a_step_made_is_not_called_reused(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cached(farm, RED, GREEN, BLUE)

    async def be_the_predecessor(render: Render, plan: Blueprint) -> Blueprint:
        own = frozenset(plan.objects[:2])
        made_by = "UPDATE cache_entries SET made_by = $1 WHERE key = ANY($2::text[])"
        await farm.ctx.db.execute(made_by, maker(render), sorted(own))
        return msgspec.structs.replace(plan, present=plan.present - own)

    after_planning(monkeypatch, be_the_predecessor)
    assert await cached(farm, RED, GREEN, BLUE) == (3, 1)


async def test_an_ended_render_holds_nothing_in_the_cache(farm: Farm) -> None:
    render = await farm.completed(await farm.submit(film("#123456"), FAST))
    assert await farm.ctx.db.fetch_value("SELECT cache_keys FROM renders WHERE id = $1", render.id) == []

"""`client.render`: one render for one call, followed to its end whatever happens on the way."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from renderowl.client import Client, Problem, RenderCancelled, RenderFailed
from renderowl.domain.events import Progress
from renderowl.testing.gateway import Gateway
from renderowl.testing.serving import World
from renderowl.testing.signals import until

FILM: Final = {
    "composition_id": "timeline",
    "input_props": {
        "width": 320,
        "height": 180,
        "tracks": [{"clips": [{"type": "color", "color": "#602040", "start": 0, "duration": 2}]}],
    },
    "output_settings": {"preset": "ultrafast"},
}


async def statuses(world: World) -> list[str]:
    """Of every render of the project."""
    rows = await world.ctx.db.fetch("SELECT status FROM renders WHERE project_id = $1", world.project.id)
    return [row["status"] for row in rows]


@pytest.mark.usefixtures("workers")
async def test_an_answer_that_is_lost_makes_no_second_render(
    world: World, client: Client, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.lost_answers = 2
    told: list[Progress] = []
    render = await client.render(world.project.id, FILM, on_progress=told.append)
    assert await statuses(world) == ["completed"]
    assert gateway.counts["submit"] == 3
    percents = [progress.percent for progress in told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert all(before != after for before, after in pairwise(told))
    assert (await client.download(world.project.id, render.id, tmp_path / "film.mp4")).stat().st_size > 0
    assert (await client.follow(world.project.id, render.id)).id == render.id


@pytest.mark.parametrize("upgrades", [True, False])
async def test_a_render_that_somebody_cancels_is_an_error_that_names_it(
    world: World, client: Client, gateway: Gateway, upgrades: bool
) -> None:
    gateway.upgrades = upgrades
    rendering = asyncio.create_task(client.render(world.project.id, FILM))

    async def watched() -> list[str]:
        return [] if not world.hub.rooms else await _ids(world)

    (render_id,) = await until(watched)
    await client.cancel_render(world.project.id, render_id)
    with pytest.raises(RenderCancelled) as cancelled:
        await rendering
    assert (cancelled.value.render.id, cancelled.value.code) == (render_id, "cancelled")


async def test_a_render_that_fails_is_an_error_that_says_why(world: World, client: Client) -> None:
    made = await client.create_render(world.project.id, FILM["composition_id"], FILM["input_props"])
    error = '{"code": "out_of_disk", "message": "no space", "fault": "us", "retryable": true}'
    following = asyncio.create_task(client.follow(world.project.id, made.id))
    await world.members(1)
    await world.ctx.db.execute("UPDATE renders SET status = 'failed', error = $2 WHERE id = $1", made.id, error)
    await world.happen("render.failed", made.id)
    with pytest.raises(RenderFailed, match="no space") as failed:
        await following
    assert (failed.value.code, failed.value.retryable, failed.value.render.id) == ("out_of_disk", True, made.id)


@pytest.mark.parametrize("on_cancel", ["cancel", "leave"])
async def test_whoever_stops_waiting_stops_the_render_unless_it_is_to_be_left(
    world: World, client: Client, on_cancel: Any
) -> None:
    rendering = asyncio.create_task(client.render(world.project.id, FILM, on_cancel=on_cancel))
    await world.members(1)
    rendering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rendering
    assert await statuses(world) == ["cancelled" if on_cancel == "cancel" else "queued"]


async def test_a_spec_that_is_refused_is_not_sent_again(world: World, client: Client, gateway: Gateway) -> None:
    with pytest.raises(Problem, match="/input_props"):
        await client.render(world.project.id, {"composition_id": "timeline", "input_props": {"trakcs": []}})
    assert gateway.counts["submit"] == 1


async def _ids(world: World) -> list[str]:
    rows = await world.ctx.db.fetch("SELECT id FROM renders WHERE project_id = $1", world.project.id)
    return [row["id"] for row in rows]

"""The Python client against the served API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from renderowl.client import Client, Problem
from renderowl.testing.serving import World


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with Client(world.http_url, world.key) as client:
        yield client


async def test_a_file_is_uploaded_looked_into_and_rendered(client: Client, tmp_path: Path) -> None:
    Image.new("RGB", (320, 180), "red").save(tmp_path / "red.png")
    project = await client.create_project("Trailer")
    uploaded = await client.upload(project.id, tmp_path / "red.png")
    asset = await client.ready_asset(project.id, uploaded.id)
    assert (asset.type, asset.status, asset.name) == ("image", "ready", "red.png")

    props = {"tracks": [{"clips": [{"type": "image", "src": f"asset://{asset.id}", "start": 0, "duration": 1}]}]}
    render = await client.create_render(project.id, "timeline", props, idempotency_key="once")
    again = await client.create_render(project.id, "timeline", props, idempotency_key="once")
    assert (render.status, again.id) == ("queued", render.id)
    assert (await client.cancel_render(project.id, render.id)).status == "cancelled"
    assert (await client.get_render(project.id, render.id)).status == "cancelled"


async def test_a_file_that_lies_is_a_problem_that_says_so(client: Client, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("this is no film")
    project = await client.create_project("Trailer")
    with pytest.raises(Problem, match=r"film\.mp4"):
        uploaded = await client.upload(project.id, tmp_path / "film.mp4")
        await client.ready_asset(project.id, uploaded.id)


async def test_a_refused_request_is_a_problem_with_its_places(client: Client) -> None:
    project = await client.create_project("Trailer")
    with pytest.raises(Problem) as refused:
        await client.create_render(project.id, "timeline", {"trakcs": []})
    assert (refused.value.status, refused.value.code) == (422, "validation_failed")
    assert "/input_props" in str(refused.value)

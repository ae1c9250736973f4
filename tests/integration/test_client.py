"""The Python client against the served API."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from renderowl.client import Client, Problem, uploading
from renderowl.db import assets as rows
from renderowl.testing.serving import World, serve


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


async def test_an_upload_that_broke_off_goes_on(
    database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renderowl.services.uploading.PART_BYTES", 100_000)
    Image.frombytes("RGB", (300, 300), random.Random(7).randbytes(270_000)).save(tmp_path / "noise.bmp")
    put = uploading._put

    async def put_at_first(http: httpx.AsyncClient, url: str, path: Path, start: int, *rest: Any) -> httpx.Response:
        if start > 0:
            await first.wait()
            raise httpx.ConnectError("the network is gone")
        answer = await put(http, url, path, start, *rest)
        first.set()
        return answer

    first = asyncio.Event()
    async with (
        serve(database_url, redis_url, storage_dir, multipart_threshold_bytes=1) as world,
        Client(world.http_url, world.key) as client,
    ):
        monkeypatch.setattr(uploading, "_put", put_at_first)
        with pytest.raises(httpx.ConnectError):
            await client.upload(world.project.id, tmp_path / "noise.bmp")
        (pending,) = await rows.list_page(world.ctx.db, world.project.id, before_id=None, limit=2)
        monkeypatch.setattr(uploading, "_put", put)
        await client.resume_upload(world.project.id, pending.id, tmp_path / "noise.bmp")
        assert (await client.ready_asset(world.project.id, pending.id)).status == "ready"


async def test_an_upload_that_takes_longer_than_its_urls_are_good_for_asks_for_new_ones(
    database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.frombytes("RGB", (5000, 4000), random.Random(7).randbytes(60_000_000)).save(tmp_path / "noise.bmp")
    async with (
        serve(database_url, redis_url, storage_dir, multipart_threshold_bytes=1) as world,
        Client(world.http_url, world.key) as client,
    ):
        sign, signed = world.ctx.storage.sign_part, Counter[int]()

        async def sign_one_for_good(key: str, upload_id: str, number: int, *, ttl_s: int, size_bytes: int) -> Any:
            signed[number] += 1
            ttl_s = ttl_s if signed[number] == number else -1
            return await sign(key, upload_id, number, ttl_s=ttl_s, size_bytes=size_bytes)

        monkeypatch.setattr(world.ctx.storage, "sign_part", sign_one_for_good)
        made = await client.upload(world.project.id, tmp_path / "noise.bmp")
        assert (await client.ready_asset(world.project.id, made.id)).status == "ready"
        assert signed == {1: 1, 2: 2, 3: 3, 4: 4}

        async def sign_none_for_good(key: str, upload_id: str, number: int, *, ttl_s: int, size_bytes: int) -> Any:
            return await sign(key, upload_id, number, ttl_s=-1, size_bytes=size_bytes)

        monkeypatch.setattr(world.ctx.storage, "sign_part", sign_none_for_good)
        with pytest.raises(Problem) as refused:
            await client.upload(world.project.id, tmp_path / "noise.bmp")
        assert refused.value.code == "url_expired"


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

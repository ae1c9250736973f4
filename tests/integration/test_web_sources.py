"""Sources from the web: fetched by the worker that prepares the render, kept, and asked for again by their validators."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from renderowl.domain.errors import AssetNotFound, AssetNotReady, SourceRefused, ValidationFailed
from renderowl.domain.records import Render
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.services import fetching, plans
from renderowl.services.asking import RenderRequest
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.media import MadeMedia
from renderowl.testing.origin import Asked, Origin, endless, page, redirect
from renderowl.testing.signals import until

FAST = {"preset": "ultrafast"}


@pytest.fixture
async def farm(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> AsyncIterator[Farm]:
    settings = farm_settings(
        database_url,
        redis_url,
        storage_dir,
        tmp_path / "work",
        outbound_allow=("127.0.0.1",),
        outbound_plain_http=True,
        max_asset_bytes=2_000_000,
    )
    async with open_farm(settings) as opened:
        yield opened


def film(*sources: str) -> dict[str, Any]:
    """A small film of these videos, one after another."""
    clips = [{"type": "video", "src": src, "duration": 1} for src in sources]
    return {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}


def files(storage_dir: Path) -> list[Path]:
    """The copies in the storage."""
    return [path for path in storage_dir.rglob("sources/*") if path.is_file()]


async def failed(farm: Farm, render_id: str) -> Render:
    """The render, failed; each next try is made due at once."""

    async def at_an_end() -> Render | None:
        await farm.ctx.db.execute("UPDATE steps SET not_before = NULL WHERE not_before IS NOT NULL")
        render = await farm.get(render_id)
        return render if render.status in ("failed", "completed") else None

    render = await until(at_an_end, timeout_s=60)
    assert render.status == "failed"
    assert render.error is not None
    return render


async def test_a_film_is_made_of_what_the_web_has(
    farm: Farm, origin: Origin, media: MadeMedia, tools: Toolchain, tmp_path: Path
) -> None:
    clip = (await media.video(colors=["red"], tone_hz=440)).read_bytes()
    start = origin.put("/start.mp4", redirect("/clip"))
    origin.put("/clip", page(clip, headers={"ETag": '"1"', "Content-Type": "text/html"}))
    render = await farm.completed(await farm.submit(film(start), FAST))
    found = await probe(await farm.download(render, tmp_path), tools, ours=True)
    assert (found.width, found.height, found.frames) == (320, 180, 25)
    told = farm.progress(render.id)
    assert {one["stage"] for one in told} >= {"fetching", "encoding"}
    percents = [one["percent"] for one in told]
    assert percents == sorted(percents)


async def test_what_has_not_changed_is_not_fetched_again_and_what_has_is(
    farm: Farm, origin: Origin, media: MadeMedia, storage_dir: Path
) -> None:
    red, blue = [(await media.video(colors=[color])).read_bytes() for color in ("red", "blue")]
    tagged = origin.put("/tagged", page(red, headers={"ETag": '"1"'}))
    dated = origin.put("/dated", page(red, headers={"Last-Modified": "Sat, 21 Nov 2026 08:00:00 GMT"}))
    plain = origin.put("/plain", page(red))
    first = await farm.completed(await farm.submit(film(tagged, dated, plain), FAST))
    assert len(files(storage_dir)) == 3
    again = await farm.completed(await farm.submit(film(tagged, dated, plain), FAST))
    assert len(files(storage_dir)) == 3
    assert again.cache == {"segments": first.cache["segments"], "reused": first.cache["segments"]}
    conditions = {one.path: one.headers for one in origin.asked[3:]}
    assert conditions["/tagged"]["if-none-match"] == '"1"'
    assert conditions["/dated"]["if-modified-since"] == "Sat, 21 Nov 2026 08:00:00 GMT"
    assert not conditions["/plain"].keys() & {"if-none-match", "if-modified-since"}
    origin.put("/tagged", page(blue, headers={"ETag": '"2"'}))
    changed = await farm.completed(await farm.submit(film(tagged, dated, plain), FAST))
    assert changed.cache["reused"] < changed.cache["segments"]
    assert len(files(storage_dir)) == 4


async def test_captions_come_from_the_web_too(farm: Farm, origin: Origin, media: MadeMedia) -> None:
    src = origin.put("/v", page((await media.video()).read_bytes()))
    captions = origin.put("/c.srt", page(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n"))
    request = RenderRequest("captioned_video", {"src": src, "captions_src": captions}, dict(FAST))
    await farm.completed(await farm.submit_request(request))
    bad = origin.put("/bad.srt", page(b"<html>Not found</html>"))
    request = RenderRequest("captioned_video", {"src": src, "captions_src": bad}, dict(FAST))
    render = await failed(farm, await farm.submit_request(request))
    assert render.error is not None
    assert render.error["code"] == "media_unreadable"
    assert [one["path"] for one in render.error["errors"]] == ["/input_props/captions_src"]


async def test_what_cannot_be_had_fails_the_render_at_once_and_every_field_is_named(
    farm: Farm, origin: Origin, media: MadeMedia, storage_dir: Path
) -> None:
    good = origin.put("/good", page((await media.video()).read_bytes()))
    gone, closed = origin.url + "/gone", origin.put("/closed", page(status=403))
    html = origin.put("/html", page(b"<html>Please log in</html>"))
    packed = origin.put("/packed", page(b"x", headers={"Content-Encoding": "gzip"}))
    large, endlessly = origin.put("/large", page(bytes(2_000_001))), origin.put("/endless", endless())
    sources = [good, gone, closed, html, packed, large, endlessly, gone]
    render = await failed(farm, await farm.submit(film(*sources), FAST))
    assert render.error is not None
    told = {one["path"].split("/")[5]: one["message"] for one in render.error["errors"]}
    assert sorted(told) == ["1", "2", "3", "4", "5", "6", "7"]
    assert "answers 404" in told["1"]
    assert "answers 403" in told["2"]
    assert "no known media type" in told["3"]
    assert "packed" in told["4"]
    assert "2000001 bytes" in told["5"]
    assert "more than 2000000" in told["6"]
    assert render.error["retryable"] is False
    assert render.error["fault"] == "caller"
    assert [one.path for one in origin.asked].count("/gone") == 1


@pytest.mark.parametrize(("status", "code"), [(404, "source_not_found"), (403, "source_forbidden")])
async def test_a_refusal_of_the_other_side_has_its_own_code(farm: Farm, origin: Origin, status: int, code: str) -> None:
    render = await failed(farm, await farm.submit(film(origin.put("/v", page(status=status))), FAST))
    assert render.error is not None
    assert render.error["code"] == code


async def test_a_server_in_trouble_is_asked_again_as_its_class_allows(
    farm: Farm, origin: Origin, media: MadeMedia
) -> None:
    src = origin.put("/v", page(status=503))
    render = await failed(farm, await farm.submit(film(src), FAST))
    assert render.error is not None
    assert (render.error["code"], render.error["retryable"]) == ("source_unavailable", True)
    assert len(origin.asked) == 4
    origin.put("/v", page((await media.video()).read_bytes()))
    await farm.retry(render.id)
    await farm.completed(render.id)


async def test_what_does_not_fit_what_came_fails_the_render_naming_the_field(
    farm: Farm, origin: Origin, media: MadeMedia
) -> None:
    src = origin.put("/v", page((await media.video()).read_bytes()))
    spec = film(src)
    spec["tracks"][0]["clips"][0] |= {"trim": {"start": 50, "end": 60}}
    del spec["tracks"][0]["clips"][0]["duration"]
    render = await failed(farm, await farm.submit(spec, FAST))
    assert render.error is not None
    assert render.error["code"] == "validation_failed"
    assert render.error["errors"][0]["path"].startswith("/input_props/tracks/0/clips/0/trim")


async def test_what_may_not_be_asked_for_is_refused_before_anything_is_queued(farm: Farm, origin: Origin) -> None:
    sources = ["https://10.0.0.1/v.mp4", "https://169.254.169.254/v.mp4", "https://2130706433/v.mp4"]
    with pytest.raises(SourceRefused) as refused:
        await farm.submit(film(*sources), FAST)
    assert [one.path for one in refused.value.errors] == [f"/input_props/tracks/0/clips/{n}/src" for n in range(3)]
    with pytest.raises(AssetNotFound):
        await farm.submit(film("https://good.example/v.mp4", "asset://ast_none"), FAST)
    assert await farm.ctx.db.fetch_value("SELECT count(*) FROM renders") == 0
    assert origin.asked == []


async def test_a_plan_knows_what_was_fetched_before(farm: Farm, origin: Origin, media: MadeMedia) -> None:
    src = origin.put("/v", page((await media.video()).read_bytes(), headers={"ETag": '"1"'}))
    request = RenderRequest("timeline", film(src), dict(FAST))
    with pytest.raises(AssetNotReady) as unknown:
        await plans.plan(farm.ctx, farm.principal, farm.project_id, request, await _tools())
    assert unknown.value.errors[0].path == "/input_props/tracks/0/clips/0/src"
    await farm.completed(await farm.submit(film(src), FAST))
    planned = await plans.plan(farm.ctx, farm.principal, farm.project_id, request, await _tools())
    assert planned.cache.reused == planned.cache.segments == 1
    assert len(origin.asked) == 1


async def test_a_cancelled_render_fetches_no_more(farm: Farm, origin: Origin) -> None:
    begun, hung_up = asyncio.Event(), asyncio.Event()

    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Said\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                begun.set()
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)  # the pace of a slow server
        finally:
            hung_up.set()

    render_id = await farm.submit(film(origin.put("/v", drip)), FAST)
    async with asyncio.timeout(30):
        await begun.wait()
        await farm.cancel(render_id)
        await hung_up.wait()
    assert (await farm.get(render_id)).status == "cancelled"


async def test_copies_that_nobody_uses_are_dropped_and_fetched_again_when_wanted(
    farm: Farm, origin: Origin, media: MadeMedia, storage_dir: Path
) -> None:
    src = origin.put("/v", page((await media.video()).read_bytes(), headers={"ETag": '"1"'}))
    await farm.completed(await farm.submit(film(src), FAST))
    assert await fetching.sweep(farm.ctx) == 0
    await farm.ctx.db.execute("UPDATE fetched SET used_at = now() - interval '8 days'")
    assert await fetching.sweep(farm.ctx) == 1
    assert files(storage_dir) == []
    assert await farm.ctx.db.fetch_value("SELECT count(*) FROM fetched") == 0
    await farm.completed(await farm.submit(film(src), {**FAST, "crf": 30}))
    assert len(files(storage_dir)) == 1


async def test_a_copy_whose_fetcher_died_in_between_is_found_and_dropped(
    farm: Farm, origin: Origin, media: MadeMedia, storage_dir: Path
) -> None:
    """The row stands before the object: killed between the two, or right after them, it is swept like an old one."""
    src = origin.put("/v", page((await media.video()).read_bytes(), headers={"ETag": '"1"'}))
    await farm.completed(await farm.submit(film(src), FAST))
    await farm.ctx.db.execute("UPDATE fetched SET status = 'fetching'")
    await farm.completed(await farm.submit(film(src), {**FAST, "crf": 30}))
    assert "if-none-match" not in origin.asked[-1].headers
    assert len(files(storage_dir)) == 2
    await farm.ctx.db.execute("UPDATE fetched SET used_at = now() - interval '8 days' WHERE status = 'fetching'")
    assert await fetching.sweep(farm.ctx) == 1
    assert len(files(storage_dir)) == 1


async def test_a_spec_names_a_bounded_number_of_urls(farm: Farm) -> None:
    with pytest.raises(ValidationFailed, match="at most 200"):
        await farm.submit(film(*(f"https://good.example/{n}.mp4" for n in range(201))), FAST)


async def _tools() -> Toolchain:
    from renderowl.pipeline.tools import discover

    return await discover()

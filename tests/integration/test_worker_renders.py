"""A real worker: from a row to a downloadable film, with real Postgres, Valkey, files and FFmpeg."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from renderowl.db import events, steps
from renderowl.domain.errors import FontMissing
from renderowl.domain.records import Render
from renderowl.pipeline.fonts import FONTS
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import discover
from renderowl.testing.farm import Farm
from renderowl.testing.signals import until


def film(*colors: str, seconds: float = 1.0, size: tuple[int, int] = (320, 180)) -> dict[str, Any]:
    """A film of coloured scenes, one after another."""
    clips = [{"type": "color", "color": color, "duration": seconds} for color in colors]
    return {"width": size[0], "height": size[1], "fps": 25, "tracks": [{"clips": clips}]}


FAST = {"preset": "ultrafast"}


async def _media(folder: Path) -> tuple[Path, Path]:
    """A tone and a moving test picture."""
    tools = await discover()
    clip, tone = folder / "clip.mp4", folder / "tone.wav"
    made = (
        ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=3", "-c:v", "libx264", str(clip)),
        ("-f", "lavfi", "-i", "sine=frequency=440:duration=3", str(tone)),
    )
    for arguments in made:
        subprocess.run([tools.ffmpeg, "-loglevel", "error", "-y", *arguments], check=True)
    return clip, tone


async def test_a_short_film_with_media_is_made_within_one_step(farm: Farm, tmp_path: Path) -> None:
    clip, tone = await _media(tmp_path)
    video, audio = await farm.upload(clip, "video/mp4"), await farm.upload(tone, "audio/wav")
    spec = {
        "width": 320,
        "height": 180,
        "fps": 25,
        "tracks": [
            {"clips": [{"type": "video", "src": video, "trim": {"start": 0.5, "end": 2.5}}]},
            {"clips": [{"type": "audio", "src": audio, "duration": 2}]},
        ],
    }
    render = await farm.completed(await farm.submit(spec, {**FAST, "poster": {"at": 1}}))
    assert [step.kind for step in await steps.list_of_render(farm.ctx.db, render.id, 1)] == ["prepare"]
    found = await probe(await farm.download(render, tmp_path), await discover(), ours=True)
    assert (found.width, found.height, found.frames, found.has_audio) == (320, 180, 50, True)
    assert abs(found.duration_s - 2.0) < 0.05
    assert (await farm.download(render, tmp_path, "poster")).read_bytes()[:2] == b"\xff\xd8"
    assert render.progress.percent == 100.0
    assert render.progress.stage == "completed"
    logs = [one.key async for one in farm.ctx.storage.scan(f"projects/{farm.project_id}/renders/{render.id}/logs/1/")]
    assert any(key.endswith("segment-0.txt") for key in logs)


async def test_a_long_film_goes_through_the_queue_step_by_step_and_tells_of_it(farm: Farm, tmp_path: Path) -> None:
    spec = film("#ff0000", "#00ff00", "#0000ff", seconds=6, size=(1920, 1080))
    for clip in spec["tracks"][0]["clips"]:
        clip["fade_in"] = 6  # what stands still is made in no time
    render = await farm.completed(await farm.submit(spec, FAST))
    made = await steps.list_of_render(farm.ctx.db, render.id, 1)
    assert [step.kind for step in made] == ["prepare", "segment", "segment", "segment", "assemble"]
    assert {step.status for step in made} == {"completed"}
    found = await probe(await farm.download(render, tmp_path), await discover(), ours=True)
    assert found.frames == 450
    told = farm.progress(render.id)
    percents = [one["percent"] for one in told]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert max(percents) < 100
    assert any(message.kind == "preview" for message in farm.heard)
    written = await events.read_after(farm.ctx.db, farm.project_id, 0, limit=1000)

    async def told_to_the_end() -> bool:
        return len(farm.events()) >= len(written)

    await until(told_to_the_end)
    assert farm.events() == written


async def test_what_was_made_before_is_not_made_again(farm: Farm) -> None:
    colors = ["#ff0000", "#00ff00", "#0000ff"]
    first = await farm.completed(await farm.submit(film(*colors, seconds=3), FAST))
    assert (first.cache["segments"], first.cache["reused"]) == (3, 0)
    again = await farm.completed(await farm.submit(film(*colors, seconds=3), FAST))
    assert (again.cache["segments"], again.cache["reused"]) == (3, 3)
    edited = await farm.completed(await farm.submit(film("#ff0000", "#ffffff", "#0000ff", seconds=3), FAST))
    assert (edited.cache["segments"], edited.cache["reused"]) == (3, 2)


async def test_equal_scenes_are_made_once(farm: Farm, tmp_path: Path) -> None:
    render = await farm.completed(await farm.submit(film("#ff0000", "#0000ff", "#ff0000", seconds=3), FAST))
    found = await probe(await farm.download(render, tmp_path), await discover(), ours=True)
    assert found.frames == 225


async def test_a_font_of_ones_own_travels_to_the_worker_and_is_part_of_what_makes_a_segment_the_same(
    farm: Farm, tmp_path: Path
) -> None:
    (heebo,) = next(font for font in FONTS if font.family == "Heebo").paths()
    (arabic,) = next(font for font in FONTS if font.family == "Noto Sans Arabic").paths()
    clip = {"type": "text", "text": "שלום", "duration": 3, "style": {"font_family": "Brand"}}

    async def rendered(src: str, text: str = "שלום") -> Render:
        fonts = [{"family": "Brand", "src": src}]
        props = {"width": 320, "height": 180, "fonts": fonts, "tracks": [{"clips": [{**clip, "text": text}]}]}
        return await farm.completed(await farm.submit(props, FAST))

    brand = await farm.upload(heebo, "font/ttf")
    assert (await rendered(brand)).cache == {"segments": 1, "reused": 0}
    assert (await rendered(await farm.upload(heebo, "font/ttf"))).cache["reused"] == 1, "the same file by another name"
    assert (await rendered(await farm.upload(arabic, "font/ttf"))).cache["reused"] == 0
    with pytest.raises(FontMissing, match="neither Brand nor any installed font"):
        await rendered(brand, "\U00012000")


async def test_an_asset_that_lies_in_wait_no_more_fails_the_render_with_its_name(farm: Farm, tmp_path: Path) -> None:
    clip, _ = await _media(tmp_path)
    src = await farm.upload(clip, "video/mp4")
    key = await farm.ctx.db.fetch_value("SELECT storage_key FROM assets")
    await farm.ctx.storage.delete([key])
    spec = {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": [{"type": "video", "src": src}]}]}
    render_id = await farm.submit(spec, FAST)

    await until(lambda: _failed_at_last(farm, render_id), timeout_s=30)
    render = await farm.get(render_id)
    assert render.error is not None
    assert render.error["code"] == "source_unavailable"


async def _failed_at_last(farm: Farm, render_id: str) -> bool:
    """Whether the render has failed; each next try is made due at once."""
    await farm.ctx.db.execute("UPDATE steps SET not_before = NULL WHERE not_before IS NOT NULL")
    return (await farm.get(render_id)).status == "failed"


async def test_cancelling_stops_the_encoder_and_the_outputs_of_nobody_are_left(farm: Farm) -> None:
    render_id = await farm.submit(film("#101010", seconds=60, size=(1920, 1080)), {"preset": "veryslow"})

    async def running() -> bool:
        return (await farm.get(render_id)).status == "processing" and bool(farm.progress(render_id))

    await until(running, timeout_s=30)
    await farm.cancel(render_id)
    assert (await farm.ended(render_id)).status == "cancelled"
    next_one = await farm.completed(await farm.submit(film("#202020"), FAST))
    assert next_one.status == "completed"

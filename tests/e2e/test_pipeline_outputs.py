"""Whole renders to files: every format, poster and sidecars, progress, previews, steps found again."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from renderowl.domain.errors import Interrupted, MediaUnreadable, OutputWrong, RenderOwlError
from renderowl.pipeline import assemble
from renderowl.pipeline.encode import EncodedSegment
from renderowl.pipeline.join import film_command, joins_unopened
from renderowl.pipeline.magic import sniff
from renderowl.pipeline.plan import Encoding, Poster
from renderowl.pipeline.probe import probe
from renderowl.pipeline.render_file import RenderProgress, render_file
from renderowl.pipeline.timeline import AudioClip, Box, ColorContent, ImageContent, Subtitle, VideoContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage
from renderowl.testing.media import MadeMedia, frame_pixels


async def a_stage(tools: Toolchain, media: MadeMedia, frames: int = 30) -> Stage:
    stage = Stage(tools, frames=frames)
    stage.put(VideoContent(await stage.open(await media.video(colors=["red", "blue"], each_s=0.5))))
    stage.put(ImageContent(await stage.open(await media.picture(color="white"))), Box(160, 90, 40, 40))
    stage.audio.append(AudioClip("tone", 0, frames, await stage.open(await media.tone(duration_s=3))))
    return stage


@pytest.mark.parametrize(
    ("form", "video", "audio", "codec"),
    [
        ("mp4", "h264", "aac", "h264"),
        ("mp4", "hevc", "aac", "hevc"),
        ("mp4", "av1", "aac", "av1"),
        ("mov", "h264", "aac", "h264"),
        ("webm", "vp9", "opus", "vp9"),
        ("webm", "av1", "opus", "av1"),
    ],
)
async def test_every_codec_joins_exactly_and_keeps_its_colours(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str, video: str, audio: str, codec: str
) -> None:
    settings = {"format": form, "video_codec": video, "audio_codec": audio, "preset": "ultrafast", "crf": 20}
    film = await (await a_stage(tools, media)).film(
        tmp_path / f"film.{form}", [8, 20], encoding=msgspec.convert(settings, Encoding)
    )
    found = await probe(film.path, tools, ours=True)
    assert (found.codec, found.frames, found.has_audio) == (codec, 30, True)
    assert found.duration_s == pytest.approx(1.0, abs=0.04)
    for frame, wanted in ((7, (255, 0, 0)), (14, (255, 0, 0)), (15, (0, 0, 255)), (29, (0, 0, 255))):
        (pixel,) = await frame_pixels(film.path, tools, frame, [(40, 40)])
        assert all(abs(a - b) < 25 for a, b in zip(pixel, wanted, strict=True)), (frame, pixel)


@pytest.mark.parametrize("unopened", [True, False], ids=["unopened", "opened"])
@pytest.mark.parametrize(
    ("form", "video", "audio"),
    [
        ("mp4", "h264", "aac"),
        ("mp4", "hevc", "aac"),
        ("mp4", "av1", "aac"),
        ("mov", "h264", "aac"),
        ("webm", "vp9", "opus"),
        ("webm", "av1", "opus"),
        ("hls", "h264", "aac"),
        ("gif", "gif", "none"),
    ],
)
async def test_the_same_film_is_the_same_bytes_however_its_parts_are_joined(
    tools: Toolchain,
    media: MadeMedia,
    tmp_path: Path,
    form: str,
    video: str,
    audio: str,
    unopened: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {"format": form, "video_codec": video, "audio_codec": audio, "preset": "medium", "crf": 20}
    stage = await a_stage(tools, media)
    if audio == "none":
        stage.audio.clear()
    plan = stage.plan([8, 20], encoding=msgspec.convert(settings, Encoding))

    async def rendered() -> list[bytes]:
        made = await render_file(plan, stage.inputs, tmp_path / f"film.{form}", tools, cache_dir=tmp_path / "cache")
        return [file.path.read_bytes() for file in made]

    first = await rendered()
    monkeypatch.setattr(assemble, "joins_unopened", lambda *_: unopened and joins_unopened(plan, tools))
    assert await rendered() == first


async def test_a_join_that_fails_without_a_word_is_done_again_and_says_why(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = await a_stage(tools, media)
    plan, cache = stage.plan([8, 20]), tmp_path / "cache"
    await render_file(plan, stage.inputs, tmp_path / "film.mp4", tools, cache_dir=cache)
    sound = cache / f"{plan.audio and plan.audio.key}.audio"
    sound.write_bytes(bytes(sound.stat().st_size))
    with pytest.raises(MediaUnreadable, match="Error opening input"):
        await render_file(plan, stage.inputs, tmp_path / "film.mp4", tools, cache_dir=cache)


@pytest.mark.parametrize(("form", "video"), [("gif", "gif"), ("png", "none"), ("jpg", "none")])
async def test_pictures_are_made_of_films_too(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str, video: str
) -> None:
    stage = await a_stage(tools, media, 20 if form == "gif" else 1)
    stage.audio.clear()
    encoding = msgspec.convert({"format": form, "video_codec": video, "audio_codec": "none"}, Encoding)
    film = await stage.film(tmp_path / f"film.{form}", encoding=encoding)
    assert sniff(film.path.read_bytes()[:64]) == film.content_type
    assert (film.width, film.height) == (320, 180)
    with Image.open(film.path) as image:
        pixel = image.convert("RGB").getpixel((40, 40))
    assert isinstance(pixel, tuple)
    assert all(abs(a - b) < 12 for a, b in zip(pixel, (255, 0, 0), strict=True)), pixel
    if form == "gif":
        assert (await probe(film.path, tools)).frames == 20


async def test_poster_and_sidecars_lie_beside_the_film(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = await a_stage(tools, media)
    plan = stage.plan([10], poster=Poster(0.8), subtitles=(Subtitle(0, 0.5, "hello"),))
    made = await render_file(plan, stage.inputs, tmp_path / "film.mp4", tools)
    assert [(file.kind, file.name) for file in made] == [
        ("video", "film.mp4"),
        ("poster", "film.poster.jpg"),
        ("captions", "film.srt"),
        ("captions", "film.vtt"),
    ]
    (pixel,) = await frame_pixels(made[1].path, tools, 0, [(40, 40)])
    assert pixel[2] > 200
    assert {path.name for path in tmp_path.iterdir()} == {file.name for file in made}, "nothing else is left"


async def test_progress_is_monotonic_and_ends_at_a_hundred(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    told: list[RenderProgress] = []
    previews: list[bytes] = []
    stage = await a_stage(tools, media)
    plan = stage.plan([10, 20], preview=True)
    await render_file(
        plan, stage.inputs, tmp_path / "film.mp4", tools, on_progress=told.append, on_preview=previews.append
    )
    percents = [each.percent for each in told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert max(percents[:-1]) < 100
    assert {each.step for each in told} == {"segment-0", "segment-1", "segment-2", "audio", "assemble"}
    assert previews
    assert all(sniff(picture) == "image/jpeg" for picture in previews)


async def test_steps_found_by_their_key_are_not_encoded_again(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = await a_stage(tools, media)
    plan, cache = stage.plan([10]), tmp_path / "cache"
    first = await render_file(plan, stage.inputs, tmp_path / "a.mp4", tools, cache_dir=cache)
    told: list[RenderProgress] = []
    again = await render_file(
        plan, {}, tmp_path / "b.mp4", tools, cache_dir=cache, on_progress=told.append
    )  # without inputs nothing could be encoded
    assert {each.step for each in told} == {"assemble"}
    assert first[0].path.read_bytes() == again[0].path.read_bytes()


async def test_a_failing_step_stops_the_others_and_leaves_no_film(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = await a_stage(tools, media)
    broken = tmp_path / "broken"
    broken.write_bytes(b"nothing")
    stage.inputs = dict.fromkeys(stage.inputs, broken)
    with pytest.raises(RenderOwlError):
        await render_file(stage.plan([5, 10, 15]), stage.inputs, tmp_path / "film.mp4", tools)
    assert not (tmp_path / "film.mp4").exists()


async def test_a_render_stops_when_told(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, width=1280, height=720, frames=3000)
    stage.put(ColorContent("#ff0000"), start=5)
    stop = asyncio.Event()
    with pytest.raises(Interrupted):
        await render_file(
            stage.plan([1500]), {}, tmp_path / "film.mp4", tools, stop=stop, on_progress=lambda _: stop.set()
        )
    assert not list(tmp_path.iterdir())


def test_segments_of_different_parameters_are_not_joined(tmp_path: Path) -> None:
    tools = Toolchain("ffmpeg", "0")
    plan = Stage(tools).plan([10])
    segments = [EncodedSegment(tmp_path, 10, 1, "a"), EncodedSegment(tmp_path, 20, 1, "b")]
    with pytest.raises(OutputWrong, match="different parameters"):
        film_command(plan, segments, None, tools)

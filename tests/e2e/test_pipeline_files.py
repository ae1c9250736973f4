"""The files a render makes of one film: each format and `range`, several at once, thumbnails, metadata, HLS."""

import itertools
import json
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.magic import sniff
from renderowl.pipeline.plan import make_plan
from renderowl.pipeline.probe import probe
from renderowl.pipeline.render_file import render_file
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia, frame_pixels

COLORS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")
RGB = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))


async def made(tools: Toolchain, media: MadeMedia, folder: Path, **settings: Any) -> dict[str, OutputFile]:
    """The files by name of a film whose colour says the second and that has a tone."""
    tone = await media.tone(duration_s=4)
    clips = [{"type": "color", "color": color, "duration": 1} for color in COLORS]
    tracks = [{"clips": clips}, {"clips": [{"type": "audio", "src": "tone.wav"}]}]
    props = {"width": 320, "height": 180, "fps": 25, "tracks": tracks}
    output = {"preset": "ultrafast", "preview": {"frames": False}, **settings}
    ask = compositions.parse("timeline", props, output, Limits(local_files=True))
    known = {"tone.wav": (await probe(tone, tools)).media("tone.wav", "tone")}
    further = compositions.compile_further(ask, known)
    plan = make_plan(compositions.compile(ask, known), ask.output, further=further, fingerprint=tools.fingerprint)
    files = await render_file(plan, {"tone.wav": tone}, folder / plan.output_name, tools)
    assert {path.name for path in folder.iterdir()} == {file.name for file in files}, "nothing else is left"
    assert all(file.size_bytes == file.path.stat().st_size for file in files)
    return {file.name: file for file in files}


def seen(path: Path, x: int, y: int) -> int:
    """Which second's colour a picture shows at a point."""
    with Image.open(path) as image:
        pixel = image.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    distance = [sum((a - b) ** 2 for a, b in zip(pixel, color, strict=True)) for color in RGB]
    assert min(distance) < 3000, pixel
    return distance.index(min(distance))


@pytest.mark.parametrize(
    ("form", "codec", "has_audio"),
    [
        ("mp4", "h264", True),
        ("mov", "h264", True),
        ("webm", "vp9", True),
        ("gif", "gif", False),
        ("mp3", "mp3", True),
        ("wav", "pcm_s16le", True),
    ],
)
async def test_a_range_is_the_whole_of_every_format(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str, codec: str, has_audio: bool
) -> None:
    files = await made(tools, media, tmp_path, format=form, range={"start": 0.6, "end": 2.4})
    (film,) = files.values()
    found = await probe(film.path, tools, ours=True)
    assert (found.codec, found.has_audio) == (codec, has_audio)
    assert form == "gif" or found.duration_s == pytest.approx(1.8, abs=0.06)
    assert film.duration_s == 1.8
    if form not in ("mp3", "wav"):
        assert found.frames == film.frames == 45
    if form in ("mp4", "mov"):
        head = film.path.read_bytes()
        assert head.index(b"moov") < head.index(b"mdat"), "a player can begin before it has everything"
        for frame, wanted in ((0, RGB[0]), (9, RGB[0]), (10, RGB[1]), (34, RGB[1]), (35, RGB[2])):
            (pixel,) = await frame_pixels(film.path, tools, frame, [(160, 90)])
            assert all(abs(a - b) < 25 for a, b in zip(pixel, wanted, strict=True)), (frame, pixel)


@pytest.mark.parametrize("form", ["png", "jpg"])
async def test_a_picture_is_the_frame_of_its_time_alone(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str
) -> None:
    (still,) = (await made(tools, media, tmp_path, format=form, poster={"at": 2.5})).values()
    assert (sniff(still.path.read_bytes()[:64]), still.kind) == (still.content_type, "image")
    assert seen(still.path, 160, 90) == 2


@pytest.mark.parametrize("form", ["gif", "webm"])
async def test_a_poster_is_the_frame_of_its_time_in_other_formats_too(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str
) -> None:
    files = await made(tools, media, tmp_path, format=form, poster={"at": 2.5})
    assert seen(files["video.poster.jpg"].path, 160, 90) == 2


@pytest.mark.parametrize("form", ["mp4", "hls"])
async def test_thumbnails_are_the_frames_of_their_times(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str
) -> None:
    files = await made(tools, media, tmp_path, format=form, thumbnails={"interval_s": 1, "width": 64})
    names = [f"video.thumbnail-{number:04}.jpg" for number in range(1, 5)]
    assert [file.name for file in files.values() if file.kind == "thumbnail"] == names
    for second, name in enumerate(names):
        assert (files[name].width, files[name].height) == (64, 36)
        assert seen(files[name].path, 32, 18) == second
        with Image.open(files[name].path) as image:
            assert image.size == (64, 36)


async def test_a_sprite_has_them_where_its_webvtt_file_says(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    sprite = {"interval_s": 1, "width": 64, "sprite": True}
    files = await made(tools, media, tmp_path, output_name="my film.mp4", thumbnails=sprite)
    assert list(files) == ["my film.mp4", "my film.thumbnails.vtt", "my film.thumbnails-1.jpg"]
    sheet = files["my film.thumbnails-1.jpg"]
    assert (sheet.width, sheet.height) == (256, 36)
    cues = files["my film.thumbnails.vtt"].path.read_text().split("\n\n")
    assert cues[0] == "WEBVTT"
    assert len(cues) == 5
    for second, cue in enumerate(cues[1:]):
        time, place = cue.strip().splitlines()
        assert time == f"00:00:0{second}.000 --> 00:00:0{second + 1}.000"
        name, _, where = place.partition("#xywh=")
        assert name == "my%20film.thumbnails-1.jpg"
        x, y, width, height = map(int, where.split(","))
        assert seen(sheet.path, x + width // 2, y + height // 2) == second


@pytest.mark.parametrize("form", ["mp4", "mov", "webm", "mp3", "wav"])
async def test_metadata_are_in_the_file_whatever_they_say(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str
) -> None:
    said = {"title": "Owls; =#\\ at\nnight", "artist": "Ümläut 電影", "comment": "[CHAPTER]"}
    files = await made(tools, media, tmp_path, format=form, metadata=said)
    with av.open(str(files[f"video.{form}"].path)) as container:
        told = {name.lower(): text for name, text in container.metadata.items()}
    if form == "mp3":
        with av.open(str(files["video.mp3"].path)) as container:
            told |= {name.lower(): text for name, text in container.streams[0].metadata.items()}
    assert told["title"] == "Owls; =#\\ at night"
    assert told["artist"] == said["artist"]
    assert told["comment"] == "[CHAPTER]"


async def test_an_hls_film_is_a_playlist_over_one_file_and_plays_to_its_end(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    files = await made(tools, media, tmp_path, format="hls", poster={"at": 3.2})
    assert [(file.kind, file.name) for file in files.values()] == [
        ("video", "video.m3u8"),
        ("media", "video.hls.mp4"),
        ("poster", "video.poster.jpg"),
    ]
    film = files["video.m3u8"]
    assert (film.duration_s, film.width, film.frames) == (4.0, 320, 100)
    assert film.content_type == "application/vnd.apple.mpegurl"
    assert seen(files["video.poster.jpg"].path, 160, 90) == 3
    playlist = film.path.read_text()
    assert '#EXT-X-MAP:URI="video.hls.mp4",BYTERANGE=' in playlist
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    with av.open(str(film.path)) as container:
        times = sorted(float(frame.pts * frame.time_base) for frame in container.decode(video=0))
    assert len(times) == 100
    assert {round(25 * (after - before)) for before, after in itertools.pairwise(times)} == {1}


async def test_further_files_share_what_is_the_same(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    outputs = [{"format": "mov"}, {"format": "hls"}, {"width": 160, "output_name": "small.mp4"}]
    ask = compositions.parse(
        "timeline",
        {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": [{"type": "color", "color": "#ff0000"}]}]},
        {"preset": "ultrafast", "outputs": outputs},
        Limits(),
    )
    plan = make_plan(
        compositions.compile(ask, {}), ask.output, further=compositions.compile_further(ask, {}), fingerprint="x"
    )
    (tmp_path / "out").mkdir()
    files = await render_file(plan, {}, tmp_path / "out" / "video.mp4", tools, cache_dir=cache)
    assert [file.name for file in files] == ["video.mp4", "video-2.mov", "video-3.m3u8", "video-3.hls.mp4", "small.mp4"]
    records = [json.loads(path.read_text()) for path in cache.glob("*.json")]
    assert len(records) == 2, "one segment at each size"
    assert plan.total_frames == 2 * 125


@pytest.mark.parametrize(
    ("form", "codec"), [("mp4", "h264"), ("mp4", "hevc"), ("mp4", "av1"), ("webm", "vp9"), ("hls", "hevc")]
)
async def test_what_stands_still_and_what_moves_is_one_film_in_every_codec(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str, codec: str
) -> None:
    moving = await media.counter(frames=75, fps="25")
    clips = [{"type": "color", "color": "#204060", "duration": 3}, {"type": "video", "src": moving.name}]
    props = {"width": 64, "height": 64, "fps": 25, "tracks": [{"clips": clips}]}
    settings = {"preset": "ultrafast", "format": form, "codec": codec, "preview": {"frames": False}}
    ask = compositions.parse("timeline", props, settings, Limits(local_files=True))
    known = {moving.name: (await probe(moving, tools)).media(moving.name, "moving")}
    plan = make_plan(compositions.compile(ask, known), ask.output, fingerprint=tools.fingerprint)
    assert len(plan.segments) == 2
    film = (await render_file(plan, {moving.name: moving}, tmp_path / plan.output_name, tools))[0]
    assert film.frames == 150

"""Every composition, from its spec to a film that is probed and looked at."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from renderowl.pipeline.probe import probe
from renderowl.pipeline.timeline import ImageContent, ViewKey
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage, composed
from renderowl.testing.media import MadeMedia, Pixel, chapters_of, frame_pixels, frame_rgb, level_db, sound_samples

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
SMALL = {"width": 320, "height": 180}


def near(found: Pixel, wanted: Pixel, tolerance: int = 14) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


async def test_a_slideshow_shows_its_scenes_and_lowers_music_under_the_voice(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {
        "red.png": await media.picture(color="red", size="320x180"),
        "green.jpg": await media.picture(color="green", size="100x180", suffix=".jpg", pix_fmt="yuvj444p"),
        "blue.png": await media.picture(color="blue", size="640x360"),
        "voiceovers/voice.wav": await media.tone(hz=1000, duration_s=3),
        "music.wav": await media.tone(hz=200, duration_s=2),
    }
    props = {
        "scenes": [
            {"images": ["red.png", "green.jpg"], "voiceover": "voice.wav"},
            {"images": ["blue.png"], "duration": 3, "text": "The end"},
        ],
        "renderOptions": {"minShot": 1, "music": "music.wav", "ducking": True, "xfade": 0.4},
    }
    film, *_ = await composed("slideshow", props, inputs, tmp_path / "film.mp4", tools, **SMALL)
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.height, found.has_audio) == (180, 320, 180, True)
    for frame, wanted in ((0, RED), (38, RED), (52, GREEN), (83, GREEN), (97, BLUE), (179, BLUE)):
        assert near((await frame_pixels(film.path, tools, frame, [(160, 60)]))[0], wanted), frame
    (mixed,) = await frame_pixels(film.path, tools, 45, [(160, 60)])
    assert 60 < mixed[0] < 200
    assert 20 < mixed[1] < 110
    samples = await sound_samples(film.path, tools)
    alone = level_db(samples[4 * 48_000 : int(4.5 * 48_000)])
    assert alone > -25, "music goes on after the voice"


async def test_ducked_music_is_lower_by_what_was_asked_however_loud_the_voice(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    music, voice = await media.tone(hz=200, duration_s=6), await media.tone(hz=5000, duration_s=2)
    for volume in (1.0, 0.2):
        props = {
            "width": 64,
            "height": 64,
            "tracks": [
                {"clips": [{"type": "color", "color": "#000", "duration": 6}]},
                {"id": "voice", "clips": [{"type": "audio", "src": "voice", "start": 2, "volume": volume}]},
                {"duck": {"against": ["voice"], "amount_db": -15}, "clips": [{"type": "audio", "src": "music"}]},
            ],
        }
        film, *_ = await composed("timeline", props, {"music": music, "voice": voice}, tmp_path / "film.mp4", tools)
        low = _without_5_khz(await sound_samples(film.path, tools))
        before, under, after = (level_db(low[int(at * 48_000) :][:24_000]) for at in (1, 3, 5))
        assert abs(before - after) < 0.5
        assert 12.5 < before - under < 16, volume


def _without_5_khz(samples: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the music beside the voice: over 48 samples, five whole waves, that sums to nothing."""
    sums = [0]
    for left, _ in samples:
        sums.append(sums[-1] + left)
    return [(round((b - a) / 48), 0) for a, b in zip(sums, sums[48:], strict=False)]


async def test_an_edit_list_cuts_between_cameras_in_step_with_the_sound(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {
        "wide.mp4": await media.video(colors=["red", "green", "blue", "white"], tone_hz=440),
        "close.mp4": await media.video(colors=["blue", "red", "green"]),
    }
    title = "Löwe; = # \\ and 'quotes'\n[CHAPTER]"
    program = [(500, 1000, "A"), (1000, 2000, "B"), (3000, 4000, "A")]
    edl = {
        "status": "locked",
        "masterCamera": "A",
        "durationMs": 4000,
        "sources": {"A": {"mezzanineUrl": "wide.mp4"}, "B": {"mezzanineUrl": "close.mp4", "offsetMs": 500}},
        "tracks": {
            "program": [{"startMs": start, "endMs": end, "camera": camera} for start, end, camera in program],
            "chapters": [{"title": title, "startMs": 500}, {"title": "End", "startMs": 3000}],
        },
    }
    spec = {"sessionId": "s", "format": "short_9_16", "edl": edl}
    film, *_ = await composed("edit_list", spec, inputs, tmp_path / "film.mp4", tools, width=180, height=320)
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.height, found.has_audio) == (75, 180, 320, True)
    shown = [(await frame_pixels(film.path, tools, frame, [(90, 160)]))[0] for frame in (0, 14, 15, 29, 30, 44, 45, 74)]
    wanted = (RED, RED, BLUE, BLUE, RED, RED, WHITE, WHITE)
    assert all(near(pixel, color) for pixel, color in zip(shown, wanted, strict=True)), shown
    samples = await sound_samples(film.path, tools)
    assert all(level_db(samples[at : at + 4800]) > -20 for at in range(0, 115_000, 4800))
    assert await chapters_of(film.path, tools) == [(0.0, 1.5, title.replace("\n", " ")), (1.5, 2.5, "End")]
    still, *_ = await composed(
        "edit_list", {**spec, "format": "thumbnail"}, inputs, tmp_path / "video.jpg", tools, output_name="video.jpg"
    )
    assert (still.kind, still.width, still.height) == ("image", 1280, 720)


def spotlight(effect: str, *regions: dict[str, object]) -> dict[str, object]:
    return {"input_key": "field.mp4", "params": {"effect_type": effect, "highlight_regions": list(regions)}}


async def test_an_overlay_dims_all_but_its_regions_and_only_for_their_time(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {"field.mp4": await media.video(colors=["0xc8c8c8"], each_s=2, tone_hz=300)}
    here = {"start_frame": 15, "end_frame": 45, "x": 0.25, "y": 0.5, "radius_x": 0.1, "radius_y": 0.2}
    there = {"start_time": 1, "end_time": 1.5, "x": 240, "y": 90, "radius_x": 32, "radius_y": 36}
    film, *_ = await composed(
        "overlay", spotlight("dark_overlay", {**here, "opacity": 0.5}, there), inputs, tmp_path / "film.mp4", tools
    )
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.has_audio) == (60, 320, True)
    light, half, dark = (200, 200, 200), (100, 100, 100), (80, 80, 80)
    points = [(80, 90), (240, 90), (160, 90), (80, 20)]
    for frame, wanted in (
        (14, (light, light, light, light)),
        (15, (light, half, half, half)),
        (29, (light, half, half, half)),
        (30, (light, light, dark, dark)),
        (44, (light, light, dark, dark)),
        (45, (light, light, light, light)),
    ):
        shown = await frame_pixels(film.path, tools, frame, points)
        assert all(near(pixel, color, 6) for pixel, color in zip(shown, wanted, strict=True)), (frame, shown)


async def test_a_region_moves_from_key_to_key_and_changes_its_colour(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {"field.mp4": await media.video(colors=["black"], each_s=2)}
    size = {"y": 0.5, "radius_x": 0.05, "radius_y": 0.1}
    keys = [
        {"time": 0, "x": 0.1, "color": "#ff0000", **size},
        {"time": 1, "x": 0.9, "color": "#0000ff", "opacity": 0.5, **size},
    ]
    region = {"start_time": 0, "end_time": 2, "opacity": 1, "keyframes": keys}
    film, *_ = await composed("overlay", spotlight("original", region), inputs, tmp_path / "film.mp4", tools)
    for frame, x, wanted in (
        (0, 32, RED),
        (15, 160, (96, 0, 96)),
        (30, 288, (0, 0, 128)),
        (59, 288, (0, 0, 128)),
    ):
        points = [(x, 90), (x - 26, 90), (x + 26, 90)]
        middle, left, right = await frame_pixels(film.path, tools, frame, points)
        assert near(middle, wanted), (frame, middle)
        assert near(left, BLACK)
        assert near(right, BLACK)


@pytest.mark.parametrize("effect", ["dark_overlay", "blur", "original"])
async def test_a_cut_through_a_highlight_changes_no_frame(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, effect: str
) -> None:
    inputs = {"field.mp4": await media.stripes(width=8)}
    keys = [{"time": at, "x": 0.1 + 0.7 * at, "y": 0.5, "radius_x": 0.2, "radius_y": 0.4} for at in (0, 0.3, 1)]
    props = spotlight(effect, {"start_time": 0.1, "end_time": 1, "keyframes": keys, "color": "#ff0000"})
    whole, *_ = await composed("overlay", props, inputs, tmp_path / "a.mp4", tools, crf=4)
    cut, *_ = await composed("overlay", props, inputs, tmp_path / "b.mp4", tools, crf=4, target_segment_s=0.3)
    await same_frames(whole.path, cut.path, tools, (2, 3, 8, 9, 10, 17, 18, 19, 29))


async def same_frames(first: Path, second: Path, tools: Toolchain, frames: Sequence[int]) -> None:
    for frame in frames:
        (_, _, a), (_, _, b) = await frame_rgb(first, tools, frame), await frame_rgb(second, tools, frame)
        assert sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a) < 1.5, frame


async def test_a_blur_leaves_the_region_sharp(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    inputs = {"field.mp4": await media.stripes(width=8)}
    region = {"start_time": 0, "end_time": 1, "x": 0.5, "y": 0.5, "radius_x": 0.2, "radius_y": 0.4}
    film, *_ = await composed("overlay", spotlight("blur", region), inputs, tmp_path / "film.mp4", tools)
    inside = await frame_pixels(film.path, tools, 10, [(x, 90) for x in range(140, 180)])
    outside = await frame_pixels(film.path, tools, 10, [(x, 90) for x in range(20, 60)])
    assert max(inside)[0] - min(inside)[0] > 200
    assert max(outside)[0] - min(outside)[0] < 90


async def test_a_longform_film_shows_its_backgrounds_through_all_its_sounds(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {
        "cover.png": await media.picture(color="red"),
        "rain.mp4": await media.video(colors=["blue", "white"], tone_hz=3000),
        "one.wav": await media.tone(hz=500, duration_s=4),
        "two.wav": await media.tone(hz=1000, duration_s=6),
    }
    props = {
        "canvas": SMALL,
        "backgrounds": [{"type": "image", "src": "cover.png"}, {"type": "video", "src": "rain.mp4"}],
        "crossfade": 0.4,
        "audio": [{"src": "one.wav"}, {"src": "two.wav"}],
    }
    film, *_ = await composed("longform", props, inputs, tmp_path / "film.mp4", tools, target_segment_s=2)
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.has_audio) == (300, 320, True)
    for frame, wanted in ((0, RED), (143, RED), (157, BLUE), (180, WHITE), (210, BLUE), (240, WHITE), (299, WHITE)):
        assert near((await frame_pixels(film.path, tools, frame, [(160, 90)]))[0], wanted), frame
    samples = await sound_samples(film.path, tools)
    one, joint, two = (level_db(samples[int(at * 48_000) :][:4800]) for at in (2, 3.95, 7))
    assert one == pytest.approx(two, abs=1)
    assert joint < one - 15


async def test_a_crop_follows_its_keyframes_to_a_fraction_of_a_pixel(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    """Stripes 32 pixels wide, seen 1.25 pixels further in each frame: where they lie in the film says where it was."""
    inputs = {"wide.mp4": await media.stripes(width=32, duration_s=1.5)}
    keys = [{"frame": n, "x": 1.25 * n, "y": 0, "width": 90, "height": 160} for n in range(0, 46)]
    clips = [{"clip_index": 0, "input_key": "wide.mp4", "crop_keyframes": keys}]
    size = {"output_width": 90, "output_height": 160}
    film, *_ = await composed("framing", {"params": {"clips": clips, **size}}, inputs, tmp_path / "a.mp4", tools, crf=4)
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.height) == (45, 90, 160)
    for frame in (0, 1, 2, 17, 30, 44):
        row = await frame_pixels(film.path, tools, frame, [(x, 80) for x in range(90)])
        edge = next(x for x in range(6, 84) if (row[x][0] > 128) != (row[x - 1][0] > 128))
        light = sum(min(255, pixel[0]) for pixel in row[edge - 5 : edge + 5]) / 255
        place = edge + 5 - light if row[edge][0] > 128 else edge - 5 + light
        assert (place + 1.25 * frame + 16) % 32 == pytest.approx(16, abs=0.2), frame
    cut, *_ = await composed(
        "framing", {"params": {"clips": clips, **size}}, inputs, tmp_path / "b.mp4", tools, crf=4, target_segment_s=0.4
    )
    await same_frames(film.path, cut.path, tools, (0, 11, 12, 13, 23, 24, 25, 36, 44))


async def test_clips_are_framed_in_the_order_of_their_index(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    inputs = {
        "two.mp4": await media.video(colors=["red", "green"], tone_hz=440),
        "tall.mp4": await media.video(colors=["blue"], size="180x320"),
    }
    clips = [
        {"clip_index": 5, "src": "tall.mp4"},
        {
            "clip_index": 1,
            "src": "two.mp4",
            "start": 0.5,
            "end": 1.5,
            "crop_keyframes": [
                {"time": 0, "x": 0, "y": 0, "width": 1, "height": 1},
                {"time": 1, "x": 0.5, "y": 0.5, "width": 0.25, "height": 0.25},
            ],
        },
    ]
    film, *_ = await composed(
        "framing",
        {"params": {"aspect_ratio": "1:1", "output_width": 160, "clips": clips}},
        inputs,
        tmp_path / "a.mp4",
        tools,
    )
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.height, found.has_audio) == (60, 160, 160, True)
    for frame, wanted in ((0, RED), (14, RED), (15, GREEN), (29, GREEN), (30, BLUE), (59, BLUE)):
        assert near((await frame_pixels(film.path, tools, frame, [(80, 80)]))[0], wanted), frame


async def test_a_thousand_crop_keyframes_are_one_expression(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    """Of 1100 frames with a key each the last 20 are rendered: FFmpeg reads the whole expression anew for every frame."""
    stage = Stage(tools, width=64, height=64, frames=20)
    src = await stage.open(await media.striped_picture(width=16, size="400x100"))
    keys = tuple(ViewKey(n, float(n % 300), float(n % 7), 64.0, 64.0) for n in range(1100))
    stage.put(ImageContent(src, view=keys), start=-1080, frames=1100)
    film = await stage.film(tmp_path / "film.mp4")
    for frame in (3, 8, 17, 19):
        is_white = (keys[1080 + frame].x + 32) // 16 % 2 == 1
        ground = (255, 255, 255) if is_white else (0, 0, 0)
        assert near((await frame_pixels(film.path, tools, frame, [(32, 32)]))[0], ground, 40), frame


async def test_annotated_clips_show_their_stars_and_notes(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    inputs = {"match.mp4": await media.video(colors=["red", "blue"], size="640x360", tone_hz=440)}
    clips = [
        {"start_time": 1.2, "end_time": 2, "rating": 5, "tags": ["goal"], "notes": "What a run: {\\b1} 100%"},
        {"start_time": 0, "end_time": 0.6, "rating": 1},
    ]
    props = {"input_key": "match.mp4", "params": {"clips": clips}}
    film, *_ = await composed("annotate", props, inputs, tmp_path / "film.mp4", tools)
    found = await probe(film.path, tools, ours=True)
    assert (found.frames, found.width, found.has_audio) == (42, 640, True)
    assert [title for _, _, title in await chapters_of(film.path, tools)] == ["What a run: {\\b1} 100%", "Clip 2"]
    for frame, ground, has_notes in ((0, BLUE, True), (23, BLUE, True), (24, RED, False), (41, RED, False)):
        width, height, raw = await frame_rgb(film.path, tools, frame)
        pixels = [(raw[at], raw[at + 1], raw[at + 2]) for at in range(0, len(raw), 3)]
        top, bottom = pixels[: width * height // 6], pixels[-width * height // 6 :]
        assert near(pixels[width * height // 2 + width // 2], ground), frame
        assert sum(near(pixel, (255, 212, 0), 40) for pixel in top) > 10, "stars are yellow"
        assert (sum(min(pixel) > 180 for pixel in bottom) > 15) is has_notes, frame


async def test_ken_burns_zooms_without_jitter_and_a_cut_changes_no_frame(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {"stripes.png": await media.striped_picture(width=64, size="1280x720")}
    clip = {"type": "image", "src": "stripes.png", "duration": 2, "ken_burns": {"direction": "in", "amount": 0.5}}
    props = {**SMALL, "tracks": [{"clips": [clip]}]}
    whole, *_ = await composed("timeline", props, inputs, tmp_path / "a.mp4", tools, crf=4)
    for frame in (0, 1, 2, 3, 30, 59):
        view = 1280 * (1 - frame / 59 / 3)
        row = await frame_pixels(whole.path, tools, frame, [(x, 90) for x in range(320)])
        edge = next(x for x in range(6, 300) if (row[x][0] > 128) != (row[x - 1][0] > 128))
        light = sum(min(255, pixel[0]) for pixel in row[edge - 5 : edge + 5]) / 255
        place = edge + 5 - light if row[edge][0] > 128 else edge - 5 + light
        source = (1280 - view) / 2 + place * view / 320
        assert (source + 32) % 64 == pytest.approx(32, abs=0.2 * view / 320), frame
    cut, *_ = await composed("timeline", props, inputs, tmp_path / "b.mp4", tools, crf=4, target_segment_s=0.4)
    await same_frames(whole.path, cut.path, tools, (0, 11, 12, 13, 24, 36, 59))

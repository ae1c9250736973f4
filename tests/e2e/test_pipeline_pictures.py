"""What a render shows, pixel by pixel."""

from pathlib import Path

import pytest

from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.timeline import Box, ColorContent, Crop, Fit, ImageContent, Rate, Seconds, VideoContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage
from renderowl.testing.media import MadeMedia, Pixel, first_plane_values, frame_pixels

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def near(found: Pixel, wanted: Pixel, tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


async def seen(film: OutputFile, tools: Toolchain, frame: int, *points: tuple[int, int]) -> list[Pixel]:
    return await frame_pixels(film.path, tools, frame, points)


async def test_colours_come_out_as_given_whatever_they_come_from(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=30)
    for index, path in enumerate(
        [
            await media.picture(color="0xc08040"),
            await media.picture(color="0xc08040", suffix=".jpg", pix_fmt="yuvj444p"),
            await media.video(colors=["0xc08040"], size="320x180"),
            await media.video(colors=["0xc08040"], size="1280x720"),
        ]
    ):
        src = await stage.open(path)
        content = ImageContent(src) if path.suffix in (".png", ".jpg") else VideoContent(src)
        stage.put(content, Box(40 + 60 * index, 90, 40, 40))
    stage.put(ColorContent("#c08040"), Box(280, 90, 40, 40))
    film = await stage.film(tmp_path / "film.mp4")
    for pixel in await seen(film, tools, 15, (40, 90), (100, 90), (160, 90), (220, 90), (280, 90)):
        assert near(pixel, (0xC0, 0x80, 0x40), 6)


@pytest.mark.parametrize(
    ("fit", "centre", "left_edge", "top_edge"),
    [
        ("cover", RED, RED, RED),
        ("contain", RED, BLACK, RED),
        ("fill", RED, RED, RED),
        ("none", RED, BLACK, BLACK),
        ("blur", RED, RED, RED),
    ],
)
@pytest.mark.parametrize("kind", ["image", "video"])
async def test_a_fit_fills_its_box_as_css_says(
    tools: Toolchain,
    media: MadeMedia,
    tmp_path: Path,
    kind: str,
    fit: Fit,
    centre: Pixel,
    left_edge: Pixel,
    top_edge: Pixel,
) -> None:
    stage = Stage(tools, frames=5)
    if kind == "image":
        stage.put(ImageContent(await stage.open(await media.picture(color="red", size="100x100")), fit))
    else:
        stage.put(VideoContent(await stage.open(await media.video(colors=["red"], size="100x100")), fit=fit))
    film = await stage.film(tmp_path / "film.mp4")
    found = await seen(film, tools, 2, (160, 90), (2, 90), (160, 2))
    assert [near(pixel, wanted) for pixel, wanted in zip(found, (centre, left_edge, top_edge), strict=True)] == [
        True
    ] * 3


async def test_the_blurred_surroundings_fit_boxes_of_any_size(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=1)
    src = await stage.open(await media.picture(color="red", size="40x100"))
    for index, side in enumerate((4, 16, 30, 60, 110)):
        stage.put(ImageContent(src, "blur"), Box(30 + 56 * index, 90, side, side))
    film = await stage.film(tmp_path / "film.mp4")
    assert all(near(pixel, RED) for pixel in await seen(film, tools, 0, *((30 + 56 * n, 90) for n in range(5))))


async def test_a_crop_shows_only_its_part(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=3)
    inner = await stage.open(await media.picture(color="white", size="100x50"))
    stage.put(ColorContent("#ff0000"))
    stage.put(ImageContent(inner, "fill", Crop(10, 10, 20, 20)), Box(160, 90, 100, 100))
    film = await stage.film(tmp_path / "film.mp4")
    white, red = await seen(film, tools, 1, (160, 90), (100, 90))
    assert near(white, WHITE)
    assert near(red, RED)


async def test_layers_lie_over_each_other_in_order_and_only_for_their_time(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=30)
    stage.put(ColorContent("#0000ff"))
    stage.put(ColorContent("#ff0000"), Box(160, 90, 100, 100), start=10, frames=10)
    stage.put(ColorContent("#ffffff"), Box(160, 90, 20, 20), start=15, frames=10)
    film = await stage.film(tmp_path / "film.mp4")
    for frame, wanted in ((9, BLUE), (10, RED), (14, RED), (15, WHITE), (19, WHITE), (24, WHITE), (25, BLUE)):
        assert near((await seen(film, tools, frame, (160, 90)))[0], wanted), frame
    assert near((await seen(film, tools, 19, (120, 90)))[0], RED)
    assert near((await seen(film, tools, 20, (120, 90)))[0], BLUE)


async def test_opacity_fades_and_rotation_mix_with_what_is_below(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=30)
    stage.put(ColorContent("#ffffff"), Box(60, 90, 40, 40), opacity=0.5)
    stage.put(ColorContent("#ffffff"), Box(160, 90, 40, 40), fade_in=10, fade_out=10)
    stage.put(ColorContent("#ffffff"), Box(260, 90, 80, 10, rotation=90))
    film = await stage.film(tmp_path / "film.mp4")
    half, shown, upright, beside = await seen(film, tools, 15, (60, 90), (160, 90), (260, 120), (290, 90))
    assert near(half, (128, 128, 128), 6)
    assert near(shown, WHITE)
    assert near(upright, WHITE)
    assert near(beside, BLACK)
    levels = [(await seen(film, tools, frame, (160, 90)))[0][0] for frame in (0, 3, 6, 23, 26, 29)]
    assert levels[0] < 10
    assert levels[0] < levels[1] < levels[2] < 250
    assert 250 > levels[3] > levels[4] > levels[5]


async def test_a_cut_through_a_fade_changes_no_frame(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=20)
    stage.put(ColorContent("#ffffff"), start=0, frames=20, fade_in=12, fade_out=6)
    whole = await first_plane_values((await stage.film(tmp_path / "a.mp4")).path, tools)
    cut = await first_plane_values((await stage.film(tmp_path / "b.mp4", [5, 16])).path, tools)
    assert all(abs(a - b) <= 2 for a, b in zip(whole, cut, strict=True))


async def test_a_translucent_png_lets_through_what_is_below(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=3)
    stage.put(ColorContent("#ffffff"))
    src = await stage.open(await media.picture(color="black@0.5", pix_fmt="rgba"))
    assert stage.media[src].has_alpha
    stage.put(ImageContent(src), Box(160, 90, 100, 100))
    film = await stage.film(tmp_path / "film.mp4")
    assert near((await seen(film, tools, 1, (160, 90)))[0], (127, 127, 127), 6)


@pytest.mark.parametrize("cuts", [[], [7], [1, 2, 13], [10, 20, 30, 40, 50]])
async def test_joints_show_every_frame_once_and_in_order(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, cuts: list[int]
) -> None:
    stage = Stage(tools, width=64, height=64, frames=60)
    stage.put(VideoContent(await stage.open(await media.counter(frames=100)), Seconds(1)))
    film = await stage.film(tmp_path / "film.mp4", cuts)
    values = await first_plane_values(film.path, tools)
    assert len(values) == 60
    assert all(abs(value - (16 + 30 + n)) <= 1 for n, value in enumerate(values)), values


@pytest.mark.parametrize(
    ("source", "canvas"), [("24", Rate(30)), ("60", Rate(30)), ("30000/1001", Rate(25)), ("30", Rate(30000, 1001))]
)
async def test_a_cut_anywhere_shows_the_same_frames_of_a_source_of_another_rate(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, source: str, canvas: Rate
) -> None:
    stage = Stage(tools, width=64, height=64, frames=50, rate=canvas)
    stage.put(VideoContent(await stage.open(await media.counter(frames=150, fps=source)), Seconds(1, 3)))
    whole = await first_plane_values((await stage.film(tmp_path / "a.mp4")).path, tools)
    cut = await first_plane_values((await stage.film(tmp_path / "b.mp4", [1, 9, 22, 37])).path, tools)
    assert len(whole) == len(cut) == 50
    assert all(abs(a - b) <= 1 for a, b in zip(whole, cut, strict=True)), (whole, cut)
    assert whole == sorted(whole)


async def test_speed_and_loop_walk_through_the_source(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    counter = await media.counter(frames=30)
    stage = Stage(tools, width=64, height=64, frames=40)
    src = await stage.open(counter)
    stage.put(VideoContent(src, speed=2.0), frames=12)
    stage.put(VideoContent(src, loop=True), start=12, frames=28)
    values = await first_plane_values((await stage.film(tmp_path / "film.mp4")).path, tools)
    assert [value - values[0] for value in values[:12]] == pytest.approx([2 * n for n in range(12)], abs=1)
    looping = Stage(tools, width=64, height=64, frames=75)
    looping.put(VideoContent(await looping.open(counter), loop=True))
    values = await first_plane_values((await looping.film(tmp_path / "loop.mp4")).path, tools)
    assert [values[n] for n in (0, 30, 60)] == pytest.approx([values[0]] * 3, abs=1)
    assert values[29] - values[0] == pytest.approx(29, abs=1)


async def test_the_last_frame_stays_when_a_source_ends_early(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, width=64, height=64, frames=40)
    stage.put(VideoContent(await stage.open(await media.counter(frames=30))))
    values = await first_plane_values((await stage.film(tmp_path / "film.mp4")).path, tools)
    assert values[39] == values[29]
    assert values[29] - values[0] == pytest.approx(29, abs=1)


async def test_a_phone_video_stands_upright(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=3)
    src = await stage.open(await media.turned(await media.video(colors=["red"], size="320x180"), 90))
    assert (stage.media[src].width, stage.media[src].height) == (180, 320)
    stage.put(VideoContent(src, fit="contain"))
    film = await stage.film(tmp_path / "film.mp4")
    middle, beside = await seen(film, tools, 1, (160, 90), (80, 90))
    assert near(middle, RED)
    assert near(beside, BLACK)

"""What moves is where it should be to a fraction of a pixel, transitions show what they should, and no cut is seen."""

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.motion import Direction, Key, Motion, Passage
from renderowl.pipeline.timeline import (
    Box,
    CaptionContent,
    ColorContent,
    ImageContent,
    TextContent,
    TextStyle,
    VideoContent,
)
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import FAST, Stage, composed
from renderowl.testing.media import MadeMedia, Pixel, frame_pixels, frame_rgb

WHITE, BLACK, RED, BLUE = (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255)


def near(found: Pixel, wanted: Pixel, tolerance: int = 14) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def keys(*pairs: tuple[int, float]) -> tuple[Key, ...]:
    return tuple(Key(frame, value) for frame, value in pairs)


async def seen(film: OutputFile, tools: Toolchain, frame: int, *points: tuple[int, int]) -> list[Pixel]:
    return await frame_pixels(film.path, tools, frame, points)


async def place(film: OutputFile, tools: Toolchain, frame: int) -> tuple[float, float, float]:
    """Return the centre of all the light in a frame, and how much there is: what a white clip on black is measured by."""
    width, _, raw = await frame_rgb(film.path, tools, frame)
    light = [value if value > 2 else 0 for value in raw[::3]]
    total = sum(light)
    x = sum((index % width + 0.5) * value for index, value in enumerate(light)) / total
    y = sum((index // width + 0.5) * value for index, value in enumerate(light)) / total
    return x, y, total / 255


async def same_frames(a: OutputFile, b: OutputFile, tools: Toolchain, frames: range | tuple[int, ...]) -> None:
    for frame in frames:
        whole, cut = await frame_rgb(a.path, tools, frame), await frame_rgb(b.path, tools, frame)
        assert whole[:2] == cut[:2]
        differences = [abs(one - other) for one, other in zip(whole[2], cut[2], strict=True)]
        assert sum(differences) / len(differences) < 0.5, frame
        assert max(differences) < 24, frame


async def test_a_clip_moves_without_a_jerk(tools: Toolchain, tmp_path: Path) -> None:
    """A quarter of a pixel or so a frame: drawn to whole pixels it would stand still and jump."""
    stage = Stage(tools, width=128, height=96, frames=40)
    motion = Motion(x=keys((0, 40.0), (40, 53.0)), y=keys((0, 50.0), (40, 41.0)))
    stage.put(ColorContent("#ffffff"), Box(0, 0, 30, 20), motion=motion)
    film = await stage.film(tmp_path / "film.mp4")
    for frame in range(0, 40, 3):
        x, y, light = await place(film, tools, frame)
        assert (x, y) == pytest.approx((40 + 13 * frame / 40, 50 - 9 * frame / 40), abs=0.1), frame
        assert light == pytest.approx(600, rel=0.02)


async def test_a_clip_grows_and_turns_about_its_middle(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, width=128, height=96, frames=31)
    motion = Motion(
        x=keys((0, 64.0)), y=keys((0, 48.0)), scale=keys((0, 0.3), (30, 1.8)), rotation=keys((0, 0.0), (30, 90.0))
    )
    stage.put(ColorContent("#ffffff"), Box(64, 48, 40, 20), motion=motion)
    film = await stage.film(tmp_path / "film.mp4")
    for frame in (0, 7, 12, 20, 30):
        x, y, light = await place(film, tools, frame)
        assert (x, y) == pytest.approx((64, 48), abs=0.15), frame
        assert light == pytest.approx(800 * (0.3 + 0.05 * frame) ** 2, rel=0.05), frame
    upright, beside = await seen(film, tools, 30, (64, 16), (40, 48))
    assert near(upright, WHITE)
    assert near(beside, BLACK)


async def test_an_anchor_stays_while_a_clip_grows(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, width=128, height=96, frames=21)
    motion = Motion(x=keys((0, 10.0)), y=keys((0, 90.0)), anchor_x=0, anchor_y=1, width=keys((0, 0.0), (20, 1.0)))
    stage.put(ColorContent("#ffffff"), Box(60, 85, 100, 10), motion=motion)
    film = await stage.film(tmp_path / "film.mp4")
    for frame in (5, 10, 20):
        x, y, light = await place(film, tools, frame)
        assert (x, y) == pytest.approx((10 + 2.5 * frame, 85), abs=0.2)
        assert light == pytest.approx(50 * frame, rel=0.03)


async def test_opacity_follows_its_keys(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=31)
    stage.put(ColorContent("#ffffff"), opacity_keys=(Key(0, 1.0), Key(10, 0.2, "hold"), Key(20, 0.6)))
    film = await stage.film(tmp_path / "film.mp4")
    for frame, wanted in ((0, 1.0), (5, 0.6), (10, 0.2), (19, 0.2), (20, 0.6), (30, 0.6)):
        (pixel,) = await seen(film, tools, frame, (160, 90))
        assert pixel[0] == pytest.approx(255 * wanted, abs=6), frame


async def test_a_thousand_keys_are_followed(tools: Toolchain, tmp_path: Path) -> None:
    way = keys(*((n, 20.0 + (n * 37) % 80) for n in range(1000)))
    stage = Stage(tools, width=128, height=32, frames=12)
    stage.put(
        ColorContent("#ffffff"), Box(0, 0, 8, 8), start=-500, frames=1000, motion=Motion(x=way, y=keys((0, 16.0)))
    )
    film = await stage.film(tmp_path / "film.mp4")
    for frame in (0, 5, 11):
        x, _, _ = await place(film, tools, frame)
        assert x == pytest.approx(way[500 + frame].value, abs=0.2)


async def test_no_cut_is_seen(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    """Pictures, text and captions that move, grow beyond a factor of two, turn, fade, come and go."""
    stage = Stage(tools, width=160, height=96, frames=50)
    photo = await stage.open(await media.striped_picture(width=9, size="77x33"))
    motion = Motion(
        x=(Key(0, -20.0, "ease_in_out"), Key(49, 150.0)),
        y=keys((0, 48.0), (30, 30.0)),
        scale=(Key(0, 0.2), Key(25, 2.5, "ease_out"), Key(49, 0.9)),
        rotation=keys((0, 0.0), (49, 250.0)),
    )
    stage.put(
        ImageContent(photo, "contain"), Box(80, 48, 60, 40), motion=motion, opacity_keys=keys((0, 1.0), (49, 0.4))
    )
    counter = await stage.open(await media.counter(frames=60))
    grown = Motion(x=keys((0, 130.0)), y=keys((0, 20.0)), scale=keys((0, 0.4), (49, 1.6)))
    stage.put(VideoContent(counter), Box(0, 0, 40, 30), motion=grown, fade_in=20)
    style = TextStyle(font_size=24, background="#ff000080")
    stage.put(TextContent("Hello", style), motion=Motion(x=keys((0, 40.0), (49, 120.0)), y=keys((0, 48.0))))
    stage.put(CaptionContent("one two"), come=Passage("wipe", 10, "right"), go=Passage("circle", 12))
    stage.put(
        ColorContent("#0000ff"), Box(20, 20, 30, 30), come=Passage("slide", 12, "down"), go=Passage("pixelize", 9)
    )
    fine = msgspec.structs.replace(FAST, crf=1)
    whole = await stage.film(tmp_path / "a.mp4", encoding=fine)
    cut = await stage.film(tmp_path / "b.mp4", [5, 14, 25, 41], encoding=fine)
    await same_frames(whole, cut, tools, (0, 4, 5, 6, 13, 14, 24, 25, 26, 40, 41, 44, 49))


async def test_what_lies_beyond_the_picture_is_not_drawn(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=5)
    stage.put(
        ColorContent("#ffffff"),
        Box(-200, 90, 100, 50),
        motion=Motion(x=keys((0, -200.0), (4, -150.0)), y=keys((0, 90.0))),
    )
    stage.put(ColorContent("#ffffff"), Box(400, 90, 100, 50))
    stage.put(ColorContent("#ff0000"), Box(317, 3, 30, 30, rotation=45))
    stage.put(ColorContent("#0000ff"), Box(-101, 90, 300, 800, rotation=17))
    film = await stage.film(tmp_path / "film.mp4")
    corner, left, middle, right = await seen(film, tools, 4, (318, 1), (1, 90), (160, 90), (318, 90))
    assert near(corner, RED)
    assert near(left, BLUE)
    assert near(middle, BLACK)
    assert near(right, BLACK)


GRID: dict[str, tuple[Passage, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]] = {
    # kind and direction, where the clip is seen at half of the way in, and where it is not: from its middle, in pixels
    **{
        f"wipe {direction}": (Passage("wipe", 10, direction), (at,), ((-at[0], -at[1]),))
        for direction, at in (("left", (12, 0)), ("right", (-12, 0)), ("up", (0, 12)), ("down", (0, -12)))
    },
    "circle": (Passage("circle", 10), ((0, 0),), ((17, 17), (-17, 17))),
    "radial": (Passage("radial", 10), ((12, 0),), ((-12, 0),)),
    "zoom": (Passage("zoom", 10), ((0, 0), (6, 6)), ((13, 0), (0, -13))),
}  # fmt: skip


@pytest.mark.parametrize("end", ["come", "go"])
async def test_transitions_show_a_part_of_the_clip_over_what_lies_below(
    tools: Toolchain, tmp_path: Path, end: str
) -> None:
    stage = Stage(tools, width=40 * len(GRID), height=40, frames=30)
    stage.put(ColorContent("#0000ff"))
    for index, (passage, _, _) in enumerate(GRID.values()):
        stage.put(ColorContent("#ff0000"), Box(40 * index + 20, 20, 38, 38), **{end: passage})
    film = await stage.film(tmp_path / "film.mp4")
    for frame, wanted in ((0, BLUE if end == "come" else RED), (15, RED), (29, RED if end == "come" else None)):
        for index in range(len(GRID)):
            (pixel,) = await seen(film, tools, frame, (40 * index + 20, 20))
            assert wanted is None or near(pixel, wanted), (frame, index)
    half = 5 if end == "come" else 25
    for index, (name, (passage, inside, outside)) in enumerate(GRID.items()):
        mirrored = end == "go" and passage.kind in ("wipe", "radial")
        shown, gone = (outside, inside) if mirrored else (inside, outside)
        for points, wanted in ((shown, RED), (gone, BLUE)):
            for x, y in points:
                (pixel,) = await seen(film, tools, half, (40 * index + 20 + x, 20 + y))
                assert near(pixel, wanted), (name, x, y)


@pytest.mark.parametrize("kind", ["dissolve", "pixelize"])
async def test_half_of_a_dissolve_is_half_of_the_clip(tools: Toolchain, tmp_path: Path, kind: Any) -> None:
    stage = Stage(tools, width=64, height=64, frames=12)
    fade = {"fade_in": 10} if kind == "pixelize" else {}
    stage.put(ColorContent("#ffffff"), come=Passage(kind, 10), **fade)
    film = await stage.film(tmp_path / "film.mp4")
    for frame, part in ((0, 0.0), (5, 0.5), (11, 1.0)):
        _, _, raw = await frame_rgb(film.path, tools, frame)
        assert sum(raw) / len(raw) / 255 == pytest.approx(part, abs=0.06), frame


@pytest.mark.parametrize(("direction", "side"), [("left", (300, 90)), ("down", (160, 20))])
async def test_a_clip_pushes_the_one_before_it_off(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, direction: Direction, side: tuple[int, int]
) -> None:
    inputs = {"a.png": await media.picture(color="red"), "b.png": await media.picture(color="blue")}
    transition = {"in": {"type": "push", "duration": 1, "direction": direction}}
    clips = [
        {"type": "image", "src": "a.png", "duration": 1},
        {"type": "image", "src": "b.png", "duration": 2, "transition": transition},
    ]
    props = {"width": 320, "height": 180, "fps": 20, "background": "#00ff00", "tracks": [{"clips": clips}]}
    film, *_ = await composed("timeline", props, inputs, tmp_path / "film.mp4", tools)
    for frame, beside, opposite in ((19, RED, RED), (30, BLUE, RED), (41, BLUE, BLUE)):
        other = 320 - side[0], 180 - side[1]
        found = await seen(film, tools, frame, side, other)
        assert [near(pixel, wanted) for pixel, wanted in zip(found, (beside, opposite), strict=True)] == [True] * 2, (
            frame
        )


async def test_a_crossfade_mixes_neighbours_and_what_is_not_covered_fades(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {"a.png": await media.picture(color="red"), "b.png": await media.picture(color="blue")}
    crossfade = {"in": {"type": "crossfade", "duration": 1}}
    clips = [
        {"type": "image", "src": "a.png", "duration": 1},
        {"type": "image", "src": "b.png", "duration": 2, "transition": crossfade},
        {"type": "image", "src": "a.png", "duration": 2, "width": 160, "height": 90, "transition": crossfade},
    ]
    props = {"width": 320, "height": 180, "fps": 20, "tracks": [{"clips": clips}]}
    film, *_ = await composed("timeline", props, inputs, tmp_path / "film.mp4", tools)
    for frame, middle, corner in (
        (19, RED, RED),
        (30, (127, 0, 128), (127, 0, 128)),
        (45, BLUE, BLUE),
        (70, (127, 0, 64), (0, 0, 127)),
        (85, RED, BLACK),
    ):
        found = await seen(film, tools, frame, (160, 90), (10, 10))
        assert near(found[0], middle, 20), (frame, found)
        assert near(found[1], corner, 20), (frame, found)


async def test_keys_that_do_not_change_are_the_field_itself(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    inputs = {"a.png": await media.striped_picture()}
    film = []
    still = {"scale": 0.5, "rotation": 30, "opacity": 0.7, "position": {"x": 50, "y": 60}}
    keyed = [
        {"property": name, "time": time, "value": value}
        for (name, value), time in itertools.product(
            (("scale", 0.5), ("rotation", 30), ("opacity", 0.7), ("x", 50), ("y", 60)), (0, 1)
        )
    ]
    for index, how in enumerate((still, {"keyframes": keyed})):
        clips = [{"type": "image", "src": "a.png", "duration": 0.2, **how}]
        props = {"width": 160, "height": 90, "tracks": [{"clips": clips}]}
        film += [(await composed("timeline", props, inputs, tmp_path / f"{index}.mp4", tools))[0]]
    assert await frame_rgb(film[0].path, tools, 3) == await frame_rgb(film[1].path, tools, 3)

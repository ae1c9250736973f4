"""Filters, keys, shapes, watermarks and fonts of one's own, seen in pixels."""

from pathlib import Path
from statistics import pstdev
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from renderowl.pipeline.timeline import (
    Box,
    CaptionContent,
    CaptionStyle,
    ChromaKey,
    ColorContent,
    Filter,
    ImageContent,
    ShapeContent,
    TextContent,
    TextStyle,
    VideoContent,
    Word,
)
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage, composed
from renderowl.testing.media import MadeMedia, Pixel, frame_pixels, frame_rgb

WHITE, BLACK, RED, BLUE = (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255)
BY_CSS: list[tuple[Filter, Pixel]] = [
    (Filter("brightness", 0.5), (100, 40, 20)),
    (Filter("brightness", 2.0), (255, 160, 80)),
    (Filter("contrast", 0.5), (164, 104, 84)),
    (Filter("contrast", 2.0), (255, 33, 0)),
    (Filter("saturation", 0.5), (151, 91, 71)),
    (Filter("grayscale", 1.0), (102, 102, 102)),
    (Filter("grayscale", 0.5), (151, 91, 71)),
    (Filter("hue", 120.0), (0, 139, 50)),
    (Filter("hue", -90.0), (165, 74, 200)),
    (Filter("sepia", 1.0), (148, 131, 102)),
    (Filter("sepia", 0.5), (174, 106, 71)),
    (Filter("invert", 1.0), (55, 175, 215)),
]
"""What becomes of #c85028 by the formulas of the CSS filter effects."""


def near(found: Pixel, wanted: Pixel, tolerance: int = 8) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


async def test_a_colour_filter_does_what_css_says_on_opaque_and_on_translucent_pictures(
    tools: Toolchain, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=1)
    for index, (one, _) in enumerate(BY_CSS):
        stage.put(ColorContent("#c85028"), Box(20 + 24 * index, 40, 20, 20), filters=(one,))
        stage.put(ColorContent("#c85028"), Box(20 + 24 * index, 120, 20, 20, rotation=90), filters=(one,))
    film = await stage.film(tmp_path / "film.mp4")
    for index, (one, wanted) in enumerate(BY_CSS):
        x = 20 + 24 * index
        opaque, turned, beside = await frame_pixels(film.path, tools, 0, [(x, 40), (x, 120), (x + 12, 120)])
        assert near(opaque, wanted), (one, opaque)
        assert near(turned, wanted), (one, turned)
        assert near(beside, BLACK), "what is transparent stays so"


async def test_blur_sharpen_denoise_and_vignette_change_edges_grain_and_corners(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=1)
    src = await stage.open(await media.striped_picture(width=20, size="160x80"))
    grainy, edge = Filter("noise", 0.5), Filter("contrast", 0.5)
    filters = [(edge,), (edge, Filter("blur", 6)), (edge, Filter("sharpen", 2.0))]
    filters += [(edge, grainy), (edge, grainy, Filter("denoise", 1.0)), (Filter("vignette", 1.0),)]
    for index, row in enumerate(filters):
        stage.put(ImageContent(src), Box(80 + 160 * (index % 2), 30 + 60 * (index // 2), 160, 60), filters=row)
    film = await stage.film(tmp_path / "film.mp4")
    _, _, raw = await frame_rgb(film.path, tools, 0)
    rows = [[raw[3 * (320 * (30 + 60 * (i // 2)) + 160 * (i % 2) + x)] for x in range(160)] for i in range(6)]
    plain, blurred, sharp, grain, smooth = rows[:5]
    assert max(plain) - min(plain) > 110
    assert max(blurred[40:120]) - min(blurred[40:120]) < 0.9 * (max(plain) - min(plain))
    assert max(sharp) - min(sharp) > 1.2 * (max(plain) - min(plain))
    assert pstdev(grain[44:56]) > 3 * pstdev(smooth[44:56])
    assert abs(smooth[50] - smooth[70]) > 90, "the edge stays"
    corners = await frame_pixels(film.path, tools, 0, [(319, 179), (310, 150), (268, 150)])
    assert near(corners[0], BLACK, 30)
    assert corners[1][0] < corners[2][0]


async def test_blur_does_not_bleed_the_colour_of_what_is_transparent(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=1)
    stage.put(ColorContent("#ffffff"))
    stage.put(ShapeContent("circle", fill="#ffffff"), Box(160, 90, 80, 80), filters=(Filter("blur", 8),))
    film = await stage.film(tmp_path / "film.mp4")
    for pixel in await frame_pixels(film.path, tools, 0, [(160, 90), (122, 90), (160, 54), (140, 60)]):
        assert near(pixel, WHITE), pixel


async def test_texts_and_captions_are_filtered_too(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=1)
    stage.put(ColorContent("#ffffff"))
    stage.put(TextContent("HHH", TextStyle(font_size=80)), filters=(Filter("brightness", 0.0),))
    karaoke = CaptionStyle(TextStyle(font_size=40), "karaoke")
    stage.put(CaptionContent("HHH", (Word("HHH", 0, 1),), karaoke), filters=(Filter("brightness", 0.0),))
    film = await stage.film(tmp_path / "film.mp4")
    _, _, raw = await frame_rgb(film.path, tools, 0)
    rows = [sum(raw[3 * (320 * y + x)] < 60 for x in range(320)) for y in range(180)]
    assert sum(rows[60:120]) > 1000
    assert sum(rows[130:]) > 300


async def test_grain_is_another_one_in_every_frame_and_the_same_wherever_the_film_is_cut(
    tools: Toolchain, tmp_path: Path
) -> None:
    props = {
        "width": 64,
        "height": 64,
        "tracks": [
            {
                "clips": [
                    {"type": "color", "color": "#808080", "duration": 6, "filters": [{"type": "noise", "amount": 1}]}
                ]
            }
        ],
    }
    films = [
        (await composed("timeline", props, {}, tmp_path / f"{n}.mp4", tools, target_segment_s=seconds, crf=4))[0]
        for n, seconds in enumerate((60.0, 2.0))
    ]
    for frame in (0, 61, 130, 179):
        whole, cut = [(await frame_rgb(film.path, tools, frame))[2] for film in films]
        assert sum(abs(a - b) for a, b in zip(whole, cut, strict=True)) / len(whole) < 4, frame
    first, second = [(await frame_rgb(films[0].path, tools, frame))[2] for frame in (60, 61)]
    assert pstdev(first) > 8
    assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first) > 8


async def test_a_chroma_key_takes_the_colour_away_and_leaves_the_rest(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=2)
    stage.put(ColorContent("#0000ff"))
    key = ChromaKey("#00b140", 0.15, 0.05)
    green = await stage.open(await media.picture(color="0x00b140"))
    shadow = await stage.open(await media.picture(color="0x007a2c"))
    moving = await stage.open(await media.video(colors=["0x00b140"], size="160x90"))
    red, grey = await stage.open(await media.picture(color="red")), await stage.open(await media.picture(color="gray"))
    clear = await stage.open(await media.picture(color="white@0.5", pix_fmt="rgba"))
    contents = [ImageContent(src, key=key) for src in (green, shadow, red, grey, clear)]
    for index, content in enumerate([*contents, VideoContent(moving, key=key)]):
        stage.put(content, Box(30 + 52 * index, 90, 50, 50))
    film = await stage.film(tmp_path / "film.mp4")
    found = await frame_pixels(film.path, tools, 1, [(30 + 52 * index, 90) for index in range(6)])
    wanted = [BLUE, BLUE, RED, (128, 128, 128), (128, 128, 255), BLUE]
    assert all(near(a, b, 10) for a, b in zip(found, wanted, strict=True)), found


async def test_shapes_fill_their_boxes_with_stroke_fill_and_opacity_as_asked(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=2)
    stage.put(ColorContent("#0000ff"))
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    shapes = [
        ShapeContent("rectangle", fill="#ff0000", radius=20),
        ShapeContent("rectangle", fill="#ff000080", stroke_color="#ffffff", stroke_width=6),
        ShapeContent("circle", stroke_color="#ffffff80", stroke_width=10),
        ShapeContent("ellipse", fill="#ff0000", stroke_color="#ffffff", stroke_width=6),
        ShapeContent("line", stroke_color="#ffffff", stroke_width=8, points=((0.0, 0.5), (1.0, 0.5))),
        ShapeContent("polygon", fill="#ff0000", stroke_color="#ffffff", stroke_width=6, points=square),
    ]
    centres = [(40 + 70 * (index % 4), 45 + 90 * (index // 4)) for index in range(6)]
    for (x, y), shape in zip(centres, shapes, strict=True):
        stage.put(shape, Box(x, y, 60, 60))
    stage.put(
        ShapeContent("line", stroke_color="#ffffff", stroke_width=8, points=square[::2]), Box(250, 135, 60, 60, 90)
    )
    film = await stage.film(tmp_path / "film.mp4", [1])

    async def at(index: int, *places: tuple[int, int]) -> list[Pixel]:
        x, y = centres[index]
        return await frame_pixels(film.path, tools, 1, [(x + across, y + down) for across, down in places])

    half, pale = (128, 0, 128), (128, 128, 255)
    wanted: list[tuple[int, dict[tuple[int, int], Pixel]]] = [
        (0, {(0, 0): RED, (-27, 0): RED, (-28, -28): BLUE, (28, 28): BLUE, (-18, -18): RED}),
        (1, {(0, 0): half, (-28, 0): WHITE, (27, 27): WHITE, (-22, 0): half}),
        (2, {(0, 0): BLUE, (-25, 0): pale, (0, 25): pale, (-26, -26): BLUE}),
        (3, {(0, 0): RED, (-27, 0): WHITE, (0, 26): WHITE, (-27, -27): BLUE}),
        (4, {(0, 0): WHITE, (-28, 0): WHITE, (0, 8): BLUE}),
        (5, {(0, 0): RED, (-28, -28): WHITE, (27, 0): WHITE, (0, 27): WHITE, (-20, 20): RED}),
    ]
    for index, places in wanted:
        for (place, color), pixel in zip(places.items(), await at(index, *places), strict=True):
            assert near(pixel, color, 20), (shapes[index], place, pixel)
    turned, beside = await frame_pixels(film.path, tools, 1, [(250 + 18, 135 - 18), (250 + 18, 135 + 18)])
    assert near(turned, WHITE, 20)
    assert near(beside, BLUE, 20)


async def test_a_watermark_lies_over_every_composition_in_its_corner(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    inputs = {
        "film.mp4": await media.video(colors=["red"], each_s=1.0, size="320x180"),
        "mark.png": await media.picture(color="white", size="100x50"),
    }
    mark = {"src": "mark.png", "position": "top_right", "scale": 0.25, "opacity": 0.5}
    edl = {
        "status": "locked",
        "masterCamera": "A",
        "durationMs": 1000,
        "sources": {"A": {"mezzanineUrl": "film.mp4"}},
        "tracks": {"program": [{"startMs": 0, "endMs": 1000, "camera": "A"}]},
    }
    asked: dict[str, Any] = {
        "overlay": {"src": "film.mp4"},
        "edit_list": {"sessionId": "s", "edl": edl},
    }
    for name, props in asked.items():
        film, *_ = await composed(
            name, props, inputs, tmp_path / f"{name}.mp4", tools, width=320, height=180, watermark=mark
        )
        found = await frame_pixels(film.path, tools, 29, [(275, 25), (318, 25), (275, 2), (220, 25), (275, 55)])
        assert near(found[0], (255, 128, 128), 12), name
        assert all(near(pixel, RED, 12) for pixel in found[1:]), (name, found)


def block_font(path: Path) -> Path:
    """Write a font whose only letter, A, is a full square of the em."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({ord("A"): "A"})
    glyphs = {}
    for name in (".notdef", "A"):
        pen = TTGlyphPen(None)
        if name == "A":
            pen.moveTo((0, 0))
            for point in ((0, 1000), (1000, 1000), (1000, 0)):
                pen.lineTo(point)
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "A": (1000, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": "Blocks", "styleName": "Regular", "fullName": "Blocks Regular"})
    builder.setupOS2(sTypoAscender=1000, usWinAscent=1000, usWinDescent=0)
    builder.setupPost()
    builder.save(path)
    return path


async def test_a_font_of_ones_own_draws_its_letters_and_a_bundled_one_the_rest(
    tools: Toolchain, tmp_path: Path
) -> None:
    inputs = {"blocks.ttf": block_font(tmp_path / "blocks.ttf")}
    style = {"font_family": "My Blocks", "font_size": 60}
    props = {
        "width": 320,
        "height": 180,
        "fonts": [{"family": "my blocks", "src": "blocks.ttf"}],
        "tracks": [{"clips": [{"type": "text", "text": "AIA", "duration": 0.1, "style": style}]}],
    }
    film, *_ = await composed("timeline", props, inputs, tmp_path / "film.mp4", tools)
    width, height, raw = await frame_rgb(film.path, tools, 0)
    lit = [sum(raw[3 * (y * width + x)] > 128 for y in range(height)) for x in range(width)]
    blocks = [x for x, count in enumerate(lit) if 57 <= count <= 63]
    assert 108 <= len(blocks) <= 124, "two squares of sixty pixels"
    between = [count for x, count in enumerate(lit) if blocks[0] < x < blocks[-1] and count < 57]
    assert 40 <= max(between) <= 50, "an I of Noto Sans lies between them"

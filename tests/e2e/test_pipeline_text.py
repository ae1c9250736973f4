"""Text and captions, seen in pixels: every script is drawn, nothing in a text is a command."""

from pathlib import Path

import msgspec
import pytest

from renderowl.domain.errors import FontMissing
from renderowl.pipeline.glyphs import require_glyphs
from renderowl.pipeline.timeline import (
    Box,
    Canvas,
    CaptionContent,
    CaptionStyle,
    Clip,
    ColorContent,
    Rate,
    TextContent,
    TextStyle,
    Timeline,
    Word,
)
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage
from renderowl.testing.media import frame_rgb

WHITE = (255, 255, 255)
WORDS = (Word("one", 0, 10), Word("two", 10, 10), Word("three", 20, 10))


class Seen:
    """A frame to be asked about its pixels."""

    def __init__(self, width: int, height: int, raw: bytes) -> None:
        self.width, self.height = width, height
        self.pixels = [tuple(raw[i : i + 3]) for i in range(0, len(raw), 3)]

    def where(self, wanted: tuple[int, int, int], tolerance: int = 60) -> list[tuple[int, int]]:
        return [
            (index % self.width, index // self.width)
            for index, pixel in enumerate(self.pixels)
            if all(abs(a - b) <= tolerance for a, b in zip(pixel, wanted, strict=True))
        ]

    def bounds(self, wanted: tuple[int, int, int] = WHITE) -> tuple[int, int, int, int]:
        points = self.where(wanted)
        assert points, "nothing of this colour is seen"
        return (
            min(x for x, _ in points),
            min(y for _, y in points),
            max(x for x, _ in points),
            max(y for _, y in points),
        )


async def look(path: Path, tools: Toolchain, frame: int = 0) -> Seen:
    return Seen(*await frame_rgb(path, tools, frame))


async def written(tools: Toolchain, out: Path, text: str, **style: object) -> Seen:
    stage = Stage(tools, width=640, height=360, frames=2)
    stage.put(TextContent(text, msgspec.convert({"font_size": 60, **style}, TextStyle)))
    return await look((await stage.film(out)).path, tools)


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Grüße",
        "Привет",
        "Ελλάδα",
        "مرحبا بالعالم",
        "שלום עולם",
        "नमस्ते दुनिया",
        "你好世界",
        "こんにちは",
        "안녕하세요",
        "\U0001f989\u2764\ufe0f",
    ],
)
async def test_every_script_is_drawn(tools: Toolchain, tmp_path: Path, text: str) -> None:
    seen = await written(tools, tmp_path / "film.mp4", text)
    left, top, right, bottom = seen.bounds()
    assert right - left > 60
    assert 20 < bottom - top < 110
    assert abs((left + right) / 2 - 320) < 12, "centred"


async def test_the_font_size_is_that_of_the_em(tools: Toolchain, tmp_path: Path) -> None:
    _, top, _, bottom = (await written(tools, tmp_path / "film.mp4", "HHH", font_size=100)).bounds()
    assert bottom - top == pytest.approx(71, abs=3), "Noto Sans' capitals are 0.714 of its em"


async def test_bold_is_heavier_and_italic_leans(tools: Toolchain, tmp_path: Path) -> None:
    plain = await written(tools, tmp_path / "plain.mp4", "III")
    bold = await written(tools, tmp_path / "bold.mp4", "III", bold=True)
    italic = await written(tools, tmp_path / "italic.mp4", "III", italic=True)
    assert len(bold.where(WHITE)) > 1.15 * len(plain.where(WHITE))
    assert italic.bounds()[2] - italic.bounds()[0] != plain.bounds()[2] - plain.bounds()[0]


async def test_align_padding_and_background_follow_the_box(tools: Toolchain, tmp_path: Path) -> None:
    for align in ("left", "center", "right"):
        stage = Stage(tools, width=640, height=360, frames=2)
        style = msgspec.convert({"font_size": 40, "align": align, "padding": 10, "background": "#0000ff"}, TextStyle)
        stage.put(TextContent("Hi", style), Box(320, 180, 400, 100))
        seen = await look((await stage.film(tmp_path / f"{align}.mp4")).path, tools)
        left, top, right, bottom = seen.bounds()
        box = seen.bounds((0, 0, 255))
        assert box[0] < left
        assert right < box[2]
        assert box[1] < top
        assert bottom < box[3]
        place = {"left": (left, 130), "center": ((left + right) / 2, 320), "right": (right, 510)}[align]
        assert place[0] == pytest.approx(place[1], abs=8)
        assert (top + bottom) / 2 == pytest.approx(180, abs=14)


async def test_long_text_wraps_into_its_box(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, width=640, height=360, frames=2)
    stage.put(TextContent("many words that do not fit into one line", TextStyle(font_size=40)), Box(320, 180, 300, 300))
    left, top, right, bottom = (await look((await stage.film(tmp_path / "film.mp4")).path, tools)).bounds()
    assert left >= 168
    assert right <= 472
    assert bottom - top > 80


@pytest.mark.parametrize(
    "text",
    [
        "{\\c&H0000FF&}red?",
        "{\\p1}m 0 0 l 640 0 640 360 0 360{\\p0}",
        "\\N\\n\\h{}",
        "a}{\\1c&HFF&}b",
        "\\{\\1c&H0000FF&}",
        "%{localtime} $(id) `id`",
        "'; drawbox=c=red:t=fill; '",
        "Dialogue: 0,0:00:00.00,0:00:09.00,S0,,0,0,0,,{\\c&HFF&}x",
        "line\r\n[Script Info]\r\nPlayResX: 10\x00\x1b[31m",
        "{" * 50,
    ],
)
async def test_hostile_text_is_only_text(tools: Toolchain, tmp_path: Path, text: str) -> None:
    seen = await written(tools, tmp_path / "film.mp4", text, font_size=24)
    assert seen.where(WHITE)
    assert not seen.where((255, 0, 0), 90)
    assert len(seen.where(WHITE)) < 640 * 360 * 0.1


async def test_highlight_colours_the_word_that_is_spoken(tools: Toolchain, tmp_path: Path) -> None:
    film = await captioned(tools, tmp_path, "highlight")
    places = [(await look(film, tools, frame)).bounds((255, 0, 0)) for frame in (5, 15, 25)]
    assert places[0][2] < places[1][0]
    assert places[1][2] < places[2][0]
    assert all(bottom > 250 for _, _, _, bottom in places), "at the bottom"
    for frame, index in ((9, 0), (10, 1), (19, 1), (20, 2)):
        assert (await look(film, tools, frame)).bounds((255, 0, 0)) == pytest.approx(places[index], abs=3), frame


async def test_karaoke_fills_word_by_word(tools: Toolchain, tmp_path: Path) -> None:
    film = await captioned(tools, tmp_path, "karaoke")
    filled = [len((await look(film, tools, frame)).where((255, 0, 0))) for frame in (0, 8, 18, 29)]
    assert filled == sorted(filled)
    assert filled[-1] > 3 * max(1, filled[1]) / 2
    assert (await look(film, tools, 29)).bounds((255, 0, 0)) != (await look(film, tools, 8)).bounds((255, 0, 0))


@pytest.mark.parametrize("animation", ["pop", "typewriter"])
async def test_words_come_when_they_are_spoken(tools: Toolchain, tmp_path: Path, animation: str) -> None:
    film = await captioned(tools, tmp_path, animation)
    rights = []
    for frame in (8, 18, 29):
        seen = await look(film, tools, frame)
        rights.append(max(x for x, _ in seen.where(WHITE) + seen.where((255, 0, 0))))
    assert rights[0] < rights[1] < rights[2]


async def test_pop_lets_each_word_grow_in_its_place(tools: Toolchain, tmp_path: Path) -> None:
    film = await captioned(tools, tmp_path, "pop")
    born, grown, spoken = [await look(film, tools, frame) for frame in (10, 15, 29)]
    small, large = born.bounds((255, 0, 0)), grown.bounds((255, 0, 0))
    assert small[3] - small[1] < 0.8 * (large[3] - large[1])
    assert max(x for x, _ in grown.where(WHITE)) < large[0], "the next word is not seen yet"
    assert grown.bounds()[0] == pytest.approx(spoken.bounds()[0], abs=3), "the first word stays where it was"


async def test_a_typewriter_shows_ever_more_letters_and_all_of_them_at_the_end(
    tools: Toolchain, tmp_path: Path
) -> None:
    film = await captioned(tools, tmp_path, "typewriter")
    shown = [await look(film, tools, frame) for frame in (0, 4, 8, 14, 22, 29)]
    inked = [len(seen.where(WHITE)) for seen in shown]
    assert inked == sorted(inked)
    assert len(set(inked)) == len(inked)
    assert len({seen.bounds()[0] for seen in shown}) == 1, "what is there does not move"


async def captioned(tools: Toolchain, tmp_path: Path, animation: str) -> Path:
    style = msgspec.convert(
        {"animation": animation, "active_color": "#ff0000", "text": {"font_size": 50}}, CaptionStyle
    )
    stage = Stage(tools, width=640, height=360, frames=30)
    stage.put(CaptionContent("one two three", WORDS, style))
    return (await stage.film(tmp_path / "film.mp4")).path


@pytest.mark.parametrize("animation", ["karaoke", "typewriter", "pop"])
async def test_a_cut_through_a_caption_changes_nothing(tools: Toolchain, tmp_path: Path, animation: str) -> None:
    style = msgspec.convert({"animation": animation, "text": {"font_size": 50}}, CaptionStyle)
    stage = Stage(tools, width=320, height=180, frames=30)
    stage.put(ColorContent("#204060"))
    stage.put(CaptionContent("one two three", WORDS, style))
    whole, cut = await stage.film(tmp_path / "a.mp4"), await stage.film(tmp_path / "b.mp4", [13, 21])
    for frame in (12, 13, 14, 20, 21, 29):
        a, b = await look(whole.path, tools, frame), await look(cut.path, tools, frame)
        different = sum(
            max(abs(p - q) for p, q in zip(x, y, strict=True)) > 40 for x, y in zip(a.pixels, b.pixels, strict=True)
        )
        assert different < 40, frame


@pytest.mark.parametrize("position", ["bottom", "center", "top"])
async def test_captions_stand_where_they_should(tools: Toolchain, tmp_path: Path, position: str) -> None:
    style = msgspec.convert({"position": position, "text": {"font_size": 40}}, CaptionStyle)
    stage = Stage(tools, width=640, height=360, frames=2)
    stage.put(CaptionContent("here", (), style))
    _, top, _, bottom = (await look((await stage.film(tmp_path / "film.mp4")).path, tools)).bounds()
    wanted = {"bottom": (280, 340), "center": (150, 210), "top": (20, 90)}[position]
    assert wanted[0] < top
    assert bottom < wanted[1]


def test_a_text_no_font_can_show_is_refused_before_rendering() -> None:
    clip = Clip("a", 0, 1, TextContent("fine \U00012000"), Box(32, 32, 64, 64))
    with pytest.raises(FontMissing, match=r"U\+12000"):
        require_glyphs(Timeline(Canvas(64, 64, Rate(30), 1), {}, (clip,)))

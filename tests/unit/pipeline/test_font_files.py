"""Fonts of one's own: what is found in a file, what is refused, and what becomes of a text in one."""

from pathlib import Path
from typing import Any

import pytest

from renderowl.domain.errors import FontMissing, MediaTypeMismatch, MediaUnreadable, ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline import compositions
from renderowl.pipeline.font_files import FontFacts, probe_font
from renderowl.pipeline.fonts import FONTS, font_of, font_runs
from renderowl.pipeline.glyphs import require_glyphs
from renderowl.pipeline.plan import make_plan
from renderowl.pipeline.timeline import Media, TextContent, Timeline

BRAND = FontFacts("font/ttf", "hash", "Brand Bold", "Brand", 1.2, ((65, 67), (0x12000, 0x12000)))
SRC = "asset://f"


def compiled(text: str, facts: FontFacts = BRAND, family: str = "Brand", **more: Any) -> Timeline:
    clip = {"type": "text", "text": text, "style": {"font_family": family}, "duration": 1}
    caption = {"type": "caption", "text": text, "style": {"font_family": family}, "duration": 1}
    fonts = [{"family": "brand", "src": SRC}, *more.get("fonts", [])]
    props = {"fonts": fonts, "tracks": [{"clips": [clip, caption]}]}
    return compositions.compile(
        compositions.parse("timeline", props, {}, Limits()), more.get("media", {}), {}, {SRC: facts}
    )


async def test_a_fonts_name_height_and_characters_are_found(tmp_path: Path) -> None:
    path = next(font for font in FONTS if font.family == "Heebo").paths()[0]
    facts = await probe_font(path, "hash")
    assert (facts.content_type, facts.family) == ("font/ttf", "Heebo")
    assert 1.2 < facts.line_scale < 1.6
    assert facts.has("א")
    assert facts.has("A")
    assert not facts.has("你")
    assert facts.count > 200


async def test_a_broken_font_or_what_is_none_is_refused_with_a_sentence(tmp_path: Path) -> None:
    whole = next(font for font in FONTS if font.family == "Heebo").paths()[0].read_bytes()
    path = tmp_path / "font"
    path.write_bytes(whole[:3000])
    with pytest.raises(MediaUnreadable, match="the file cannot be read"):
        await probe_font(path, "hash")
    path.write_bytes(b"wOF2" + whole[4:])
    with pytest.raises(MediaUnreadable, match="TTF or OTF"):
        await probe_font(path, "hash")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + whole)
    with pytest.raises(MediaTypeMismatch, match="not a font"):
        await probe_font(path, "hash")


def test_a_text_is_drawn_in_its_own_font_as_far_as_that_has_the_letters() -> None:
    text, caption = compiled("ABx").clips
    assert isinstance(text.content, TextContent)
    face = text.content.style.face
    assert face is not None
    assert (face.family, face.characters) == ("Brand Bold", "AB")
    runs = font_runs("ABx", font_of(text.content.style))
    assert [(font.family, run) for font, run in runs] == [("Brand Bold", "AB"), ("Noto Sans", "x")]
    assert list(caption.sources) == [SRC]


def test_a_letter_that_neither_it_nor_a_bundled_font_has_is_refused_by_name() -> None:
    require_glyphs(compiled("A \U00012000"))
    with pytest.raises(FontMissing, match=r"neither Brand nor any installed font can show .* \(U\+12001\)"):
        require_glyphs(compiled("A \U00012001"))
    with pytest.raises(FontMissing, match=r"no installed font can show .* \(U\+12000\)"):
        require_glyphs(compiled("A \U00012000", family="Noto Sans"))


def test_a_segment_carries_the_font_and_is_another_one_with_another_file() -> None:
    def plan(hash_: str, family: str = "Brand") -> Any:
        facts = FontFacts("font/ttf", hash_, *("Brand Bold", family), 1.2, ((65, 67),))
        return make_plan(compiled("ABC", facts), OutputSettings(), fingerprint="x").segments[0]

    assert plan("one").media[SRC] == Media(SRC, "font", "one")
    assert plan("one").key == plan("one", "Another").key
    assert plan("one").key != plan("two").key


def test_what_is_no_font_and_what_is_there_twice_is_refused() -> None:
    picture = {SRC + "2": Media(SRC + "2", "image", "h", 10, 10)}
    with pytest.raises(ValidationFailed) as failed:
        compiled("A", media=picture, fonts=[{"family": "Other", "src": SRC + "2"}])
    (error,) = failed.value.errors
    assert error.path == "/input_props/fonts/1/src"
    assert error.message == "must be a font, and this source is of type image"
    with pytest.raises(ValidationFailed, match="is that of font 0 too"):
        compiled("A", fonts=[{"family": "BRAND", "src": SRC}])


def test_a_font_is_no_picture() -> None:
    props = {"fonts": [{"family": "x", "src": SRC}], "tracks": [{"clips": [{"type": "image", "src": SRC}]}]}
    ask = compositions.parse("timeline", props, {}, Limits())
    with pytest.raises(ValidationFailed, match="must be of type image, and this source is of type font"):
        compositions.compile(ask, {}, {}, {SRC: BRAND})

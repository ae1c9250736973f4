"""Fonts, the bundled ones and a caller's own: which of them shows a character, where its file lies, how large it is set.

A bare machine has no fonts, libass then draws nothing and says nothing, and inside one line it does not look for another
font by itself; so every run of text names the font that has its glyphs.
"""

import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from fontTools.ttLib import TTFont

from renderowl.pipeline.timeline import Face, TextStyle

DEFAULT_FAMILY: Final = "Noto Sans"


class Font(msgspec.Struct, frozen=True):
    """A family as libass knows it, and the package and files that carry it; `number` is its place in a collection."""

    family: str
    package: str
    files: tuple[str, ...]
    number: int = 0

    def paths(self) -> tuple[Path, ...]:
        """Return the font's files; raises FileNotFoundError when its package is not installed."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"the package {self.package} with the font {self.family} is not installed")
        return tuple(Path(spec.origin).parent / name for name in self.files)


def _noto(script: str, *more: str) -> Font:
    name = f"NotoSans{script}"
    files = tuple(f"files/{name}{style}[wdth,wght].ttf" for style in ("", *more))
    return Font(f"Noto Sans {script}".strip(), f"fontpkg_noto_sans_{script.lower()}".rstrip("_"), files)


def _cjk(region: str, number: int) -> Font:
    return Font(f"Noto Sans CJK {region}", "noto_cjk_sans_otc", ("NotoSansCJK-Regular.ttc",), number)


_HANGUL, _KANA, _HAN = _cjk("KR", 1), _cjk("JP", 0), _cjk("SC", 2)
_EMOJI: Final = Font("Noto Emoji", "renderowl.pipeline", ("emoji/NotoEmoji.woff",))
FONTS: Final[tuple[Font, ...]] = (
    _noto("", "-Italic"),
    _noto("Arabic"),
    _noto("Devanagari"),
    Font("Heebo", "fontpkg_heebo", ("files/Heebo[wght].ttf",)),
    _HAN,
    _KANA,
    _HANGUL,
    _cjk("TC", 3),
    _cjk("HK", 4),
    _EMOJI,
)
"""Every bundled font, the preferred one of those that share a character first."""

_KEYCAP: Final = ("\ufe0f\u20e3", "\u20e3")
"""What makes a digit before it a key: one picture of one font."""
_FAMILIES: Final = {font.family.casefold(): font for font in FONTS}
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def font_of(style: TextStyle) -> Font | Face:
    """Return the font a style asks for: the caller's own, the bundled one of this family, or the default one."""
    return style.face or _FAMILIES.get(style.font_family.casefold(), FONTS[0])


@cache
def characters_of(font: Font) -> frozenset[int]:
    """Return the code points this font has a glyph for."""
    with TTFont(font.paths()[0], fontNumber=font.number, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


@cache
def line_scale(font: Font | Face) -> float:
    """Return libass' font size for a size of one: it means the line's height by it, we mean the em as CSS does."""
    if isinstance(font, Face):
        return font.line_scale
    with TTFont(font.paths()[0], fontNumber=font.number, lazy=True) as opened:
        os2, units = opened["OS/2"], opened["head"].unitsPerEm
        return float((os2.usWinAscent + os2.usWinDescent) / units)


def missing_glyphs(text: str, face: Face | None = None) -> set[str]:
    """Return the characters no font can show; spaces, controls and variation selectors need no glyph."""
    fonts: tuple[Font | Face, ...] = (face, *FONTS) if face else FONTS
    return {char for char in text if not _needs_no_glyph(char) and not any(has(font, char) for font in fonts)}


def has(font: Font | Face, char: str) -> bool:
    """True when the font has a glyph for the character."""
    return char in font.characters if isinstance(font, Face) else ord(char) in characters_of(font)


@lru_cache(maxsize=2048)  # every segment that shows a text asks again; looking at each letter is the slow part
def font_runs(text: str, preferred: Font | Face = FONTS[0]) -> tuple[tuple[Font | Face, str], ...]:
    """Divide a text into runs, each with the font that shows it: the preferred one as long as it can."""
    cjk = _cjk_font(text)
    runs: list[tuple[Font | Face, str]] = []
    for place, char in enumerate(text):
        is_key = text.startswith(_KEYCAP, place + 1)
        font = _EMOJI if is_key else _font_for(char, preferred, cjk, runs[-1][0] if runs else preferred)
        if runs and runs[-1][0] is font:
            runs[-1] = (font, runs[-1][1] + char)
        else:
            runs.append((font, char))
    return tuple(runs)


def _font_for(char: str, preferred: Font | Face, cjk: Font, current: Font | Face) -> Font | Face:
    if current is _EMOJI and char == " ":  # its spaces are as wide as its pictures
        return preferred
    if _needs_no_glyph(char) or (unicodedata.category(char).startswith("M") and has(current, char)):
        return current
    if has(preferred, char):
        return preferred
    return next((font for font in (*FONTS[:4], cjk, *FONTS[4:]) if has(font, char)), preferred)


def _cjk_font(text: str) -> Font:
    """Return the regional font for Han characters: Japanese beside kana, Korean beside Hangul, else Chinese."""
    if any("\u3040" <= char <= "\u30ff" for char in text):
        return _KANA
    return _HANGUL if any("\uac00" <= char <= "\ud7a3" or "\u1100" <= char <= "\u11ff" for char in text) else _HAN


def _needs_no_glyph(char: str) -> bool:
    return unicodedata.category(char) in _INVISIBLE or "\ufe00" <= char <= "\ufe0f"

"""Look into a font file: its name, its line's height and the characters it has. Prints JSON.

Run as a process of its own (`python -m renderowl.pipeline.probe_font FILE`), as `probe_av` is: a broken or hostile file
may take this one down. FreeType opens it too, so what is found is what can be drawn.
"""

import json
import re
import sys
from typing import Any, Final

from fontTools.ttLib import TTFont
from PIL import ImageFont

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+&'-]{0,99}")
_WINDOWS: Final = 3
_FAMILY, _FULL, _POSTSCRIPT = 1, 4, 6
"""Numbers of names in a font. libass finds TrueType outlines by their full name, PostScript ones by their own."""
_MAX_RANGES: Final = 20_000


def main(path: str) -> int | str:
    """Print what the file holds; returns what is wrong with it."""
    try:
        with TTFont(path, lazy=True) as font:
            described = _described(font)
        ImageFont.truetype(path, 64).getmask(chr(described["ranges"][0][0]))
    except Exception as error:  # a hostile file may raise anything
        return f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps(described))
    return 0


def _described(font: TTFont) -> dict[str, Any]:
    wanted = (_POSTSCRIPT, _FAMILY) if font.sfntVersion == "OTTO" else (_FULL, _FAMILY)
    records = [(one.nameID, one.toUnicode()) for one in font["name"].names if one.platformID == _WINDOWS]
    names = [name for number in wanted for found, name in records if found == number and _NAME.fullmatch(name)]
    if not names:
        raise ValueError("it has no name of Latin letters and digits")
    codes = sorted(font.getBestCmap() or ())
    if not codes:
        raise ValueError("it has no characters")
    return {
        "name": names[0],
        "family": str(font["name"].getBestFamilyName() or names[0])[:200],
        "line_scale": _line_scale(font),
        "ranges": _ranges(codes),
    }


def _line_scale(font: TTFont) -> float:
    units = font["head"].unitsPerEm
    os2 = font.get("OS/2")
    height = os2.usWinAscent + os2.usWinDescent if os2 else 0
    height = height or font["hhea"].ascent - font["hhea"].descent
    if not units or not 0.1 < height / units < 20:
        raise ValueError("its lines have no height")
    return round(float(height / units), 6)


def _ranges(codes: list[int]) -> list[tuple[int, int]]:
    """Return the code points as first and last of each run."""
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    if len(ranges) > _MAX_RANGES:
        raise ValueError("its characters lie too scattered")
    return ranges


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

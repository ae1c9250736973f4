"""ASS: the one file through which text reaches a picture. User text is escaped so that nothing in it is a command.

The escaping held against hostile strings: control characters dropped, a word joiner after each backslash, braces with a
backslash in front, newline as `\\N`. Sizes are pixels of the em, as in CSS; see `fonts.line_scale`.
"""

import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.fonts import font_of, font_runs, line_scale
from renderowl.pipeline.timeline import Canvas, TextStyle

_WORD_JOINER: Final = "\u2060"
_HEADER: Final = """\
[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0
ScaledBorderAndShadow: yes
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
"""
_EVENTS: Final = """
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class Line(msgspec.Struct, frozen=True):
    """One event: `body` is finished ASS text, shown from frame `start` to before frame `end`; margins in pixels."""

    start: int
    end: int
    style: TextStyle
    opacity: float
    body: str
    margin_left: int = 0
    margin_right: int = 0
    turned: bool = False
    """The text is rotated: its background then is a box a line, as libass' box around a whole text does not turn."""


def escape(text: str) -> str:
    """Return a text that libass draws as it is."""
    plain = "".join(char for char in text.replace("\r\n", "\n").replace("\r", "\n") if _drawable(char))
    escaped = plain.replace("\\", "\\" + _WORD_JOINER).replace("{", "\\{").replace("}", "\\}")
    return escaped.replace("\n", "\\N")


def _drawable(char: str) -> bool:
    return char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Co", "Zl", "Zp")


def styled_text(text: str, style: TextStyle, scale: float = 1.0) -> str:
    """Return escaped text with the font of each run named and sized in front of it."""
    return "".join(
        f"{{\\fn{font.family}\\fs{style.font_size * scale * line_scale(font):.2f}}}{escape(run)}"
        for font, run in font_runs(text, font_of(style))
    )


def color_tag(number: int, color: str, opacity: float) -> str:
    """Return the override that sets colour 1 (fill), 2 (before karaoke), 3 (outline) or 4 (background)."""
    alpha, bgr = _parts(color, opacity)
    return f"\\{number}c&H{bgr}&\\{number}a&H{alpha}&"


def document(canvas: Canvas, lines: Sequence[Line], lead: int = 0) -> str:
    """Return the whole file, `lead` frames being added to every time; lines further down are drawn above."""
    names: dict[tuple[TextStyle, float, bool], str] = {}
    looks = [names.setdefault((line.style, line.opacity, line.turned), f"S{len(names)}") for line in lines]
    styles = (_style(name, *look) for look, name in names.items())
    events = (
        f"Dialogue: {layer},{_clock(line.start + lead, canvas)},{_clock(line.end + lead, canvas)},"
        f"{look},,{line.margin_left},{line.margin_right},0,,{line.body}\n"
        for layer, (line, look) in enumerate(zip(lines, looks, strict=True))
    )
    header = _HEADER.format(width=canvas.width, height=canvas.height)
    return header + "".join(styles) + _EVENTS + "".join(events)


def _clock(frame: int, canvas: Canvas) -> str:
    """Return a frame's time rounded down to ASS' centiseconds: after the frame before, not after this one."""
    hundredths = int(Fraction(100 * frame) / fraction_of(canvas.rate))
    seconds, hundredths = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{hundredths:02}"


def _style(name: str, style: TextStyle, opacity: float, turned: bool) -> str:
    font = font_of(style)
    fill, outline = _color(style.color, opacity), _color(style.stroke_color, opacity)
    back = _color(style.background or "#00000000", opacity)
    stroke, shadow = f"{style.stroke_width:.2f}", "0"
    match style.background is not None, turned:
        case True, True:
            box, outline, stroke = "3", back, f"{max(style.padding, 0.01):.2f}"
        case True, False:
            box, shadow = "4", f"{max(style.padding, 0.01):.2f}"
        case _:
            box = "1"
    values = (
        *(name, font.family, f"{style.font_size * line_scale(font):.2f}", fill, fill, outline, back),
        *("-1" if style.bold else "0", "-1" if style.italic else "0", "0", "0", "100", "100", "0", "0"),
        *(box, stroke, shadow, "5", "0", "0", "0", "-1"),
    )
    return f"Style: {','.join(values)}\n"


def _color(color: str, opacity: float) -> str:
    alpha, bgr = _parts(color, opacity)
    return f"&H{alpha}{bgr}"


def _parts(color: str, opacity: float) -> tuple[str, str]:
    """Return a colour as ASS' inverted alpha and as blue-green-red, in hexadecimal digits."""
    red, green, blue, alpha = color[1:3], color[3:5], color[5:7], color[7:9] or "ff"
    visible = int(alpha, 16) / 255 * opacity
    return f"{round(255 * (1 - visible)):02X}", f"{blue}{green}{red}".upper()

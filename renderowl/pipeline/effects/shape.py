"""Shapes: drawn once, as outlines that libass fills: exact to a fraction of a pixel and smooth at their rims.

Two drawings, one of the colours and one of the opacity: where a rim is half seen its colour is still the whole one.
"""

from collections.abc import Sequence
from math import hypot
from typing import Final

from renderowl.pipeline.effects.source import TO_BT709, colored, normalised
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Rate, ShapeContent

_UNIT: Final = 16
"""Coordinates are sixteenths of a pixel: `\\p5`."""
_ARC: Final = 0.5522847498
"""How far a Bezier curve's handles reach to be a quarter of a circle."""
_HEADER: Final = """\
[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, BorderStyle, Outline, Shadow, Alignment
Style: S,Noto Sans,10,&H00FFFFFF,1,0,0,7

[Events]
Format: Layer, Start, End, Style, Text
"""

Point = tuple[float, float]


def drawn(content: ShapeContent, size: Size, name: str, rate: Rate) -> tuple[Stream, dict[str, str]]:
    """Return one frame of a shape that fills its box, with alpha, and the files it is drawn from."""
    outer, inner = outlines(content, size)
    rim, filling = content.stroke_color or content.fill, content.fill
    assert rim is not None
    if not content.stroke_width:
        outer, inner = "", outer
    files = {f"{name}-mask.ass": _document(size, [(outer, _grey(rim)), (inner, _grey(filling))])}
    mask = _canvas(f"{name}-mask", "#000000", size, rate).then("ass", filename=f"{name}-mask.ass")
    colors = _canvas(f"{name}-color", rim if content.stroke_width else filling or rim, size, rate)
    if content.stroke_width and filling and inner:
        files[f"{name}-color.ass"] = _document(size, [(inner, filling)])
        colors = colors.then("ass", filename=f"{name}-color.ass")
    solid = normalised(colors.then("scale", **TO_BT709), alpha=False)
    return combined("alphamerge", [solid, mask.then("extractplanes", "g")]), files


def outlines(content: ShapeContent, size: Size) -> tuple[str, str]:
    """Return the outlines of the whole shape and of what its stroke leaves of it, as commands of an ASS drawing."""
    width, height, stroke = float(size.width), float(size.height), content.stroke_width
    match content.form:
        case "rectangle":
            return _rectangle(size, content.radius, 0.0), _rectangle(size, content.radius, stroke)
        case "ellipse":
            radii = width / 2, height / 2
        case "circle":
            radii = min(width, height) / 2, min(width, height) / 2
        case "line":
            (x1, y1), (x2, y2) = _scaled(content.points, size)
            return _closed(_thick((x1, y1), (x2, y2), stroke)), ""
        case "polygon":
            corners = _scaled(content.points, size)
            return _closed(corners), _closed(inset(corners, stroke))
    return _ellipse(width / 2, height / 2, *radii), _ellipse(
        width / 2, height / 2, radii[0] - stroke, radii[1] - stroke
    )


def inset(corners: Sequence[Point], distance: float) -> list[Point]:
    """Return a polygon whose sides lie inside by a distance; nothing when there is no room for one."""
    turn = 1 if sum(a[0] * b[1] - b[0] * a[1] for a, b in _sides(corners)) > 0 else -1
    normals = [
        (turn * (a[1] - b[1]) / hypot(*_minus(b, a)), turn * (b[0] - a[0]) / hypot(*_minus(b, a)))
        for a, b in _sides(corners)
    ]
    moved = []
    for corner, before, after in zip(corners, [normals[-1], *normals[:-1]], normals, strict=True):
        reach = distance / max(0.05, 1 + before[0] * after[0] + before[1] * after[1])
        moved.append((corner[0] + (before[0] + after[0]) * reach, corner[1] + (before[1] + after[1]) * reach))
    turned = any(
        (b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]) <= 0
        for (a, b), (c, d) in zip(_sides(corners), _sides(moved), strict=True)
    )
    return [] if turned else moved


def _sides(corners: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(corners, [*corners[1:], corners[0]], strict=True))


def _minus(a: Point, b: Point) -> Point:
    return a[0] - b[0], a[1] - b[1]


def _scaled(points: Sequence[Point], size: Size) -> list[Point]:
    return [(x * size.width, y * size.height) for x, y in points]


def _thick(start: Point, end: Point, width: float) -> list[Point]:
    length = hypot(*_minus(end, start)) or 1.0
    across, down = (start[1] - end[1]) / length * width / 2, (end[0] - start[0]) / length * width / 2
    return [
        (start[0] + across, start[1] + down),
        (end[0] + across, end[1] + down),
        (end[0] - across, end[1] - down),
        (start[0] - across, start[1] - down),
    ]


def _closed(corners: Sequence[Point]) -> str:
    if not corners:
        return ""
    first, *rest = (_at(x, y) for x, y in corners)
    return f"m {first} l {' '.join(rest)}"


def _rectangle(size: Size, radius: float, inside: float) -> str:
    left, top, right, bottom = inside, inside, size.width - inside, size.height - inside
    if right <= left or bottom <= top:
        return ""
    round_by = max(0.0, min(radius, size.width / 2, size.height / 2) - inside)
    if not round_by:
        return _closed([(left, top), (right, top), (right, bottom), (left, bottom)])
    reach = round_by * (1 - _ARC)
    return " ".join(
        (
            f"m {_at(left + round_by, top)} l {_at(right - round_by, top)}",
            f"b {_at(right - reach, top)} {_at(right, top + reach)} {_at(right, top + round_by)}",
            f"l {_at(right, bottom - round_by)}",
            f"b {_at(right, bottom - reach)} {_at(right - reach, bottom)} {_at(right - round_by, bottom)}",
            f"l {_at(left + round_by, bottom)}",
            f"b {_at(left + reach, bottom)} {_at(left, bottom - reach)} {_at(left, bottom - round_by)}",
            f"l {_at(left, top + round_by)}",
            f"b {_at(left, top + reach)} {_at(left + reach, top)} {_at(left + round_by, top)}",
        )
    )


def _ellipse(x: float, y: float, across: float, down: float) -> str:
    if across <= 0 or down <= 0:
        return ""
    dx, dy = across * _ARC, down * _ARC
    return " ".join(
        (
            f"m {_at(x, y - down)}",
            f"b {_at(x + dx, y - down)} {_at(x + across, y - dy)} {_at(x + across, y)}",
            f"b {_at(x + across, y + dy)} {_at(x + dx, y + down)} {_at(x, y + down)}",
            f"b {_at(x - dx, y + down)} {_at(x - across, y + dy)} {_at(x - across, y)}",
            f"b {_at(x - across, y - dy)} {_at(x - dx, y - down)} {_at(x, y - down)}",
        )
    )


def _at(x: float, y: float) -> str:
    return f"{round(x * _UNIT)} {round(y * _UNIT)}"


def _grey(color: str | None) -> str:
    """Return a colour's opacity as a grey."""
    return "#" + 3 * ((color[7:9] or "ff") if color else "00")


def _document(size: Size, outlines: Sequence[tuple[str, str]]) -> str:
    events = (
        f"Dialogue: {layer},0:00:00.00,9:59:59.00,S,"
        f"{{\\pos(0,0)\\1c&H{color[5:7]}{color[3:5]}{color[1:3]}&\\p5}}{outline}\n"
        for layer, (outline, color) in enumerate(outlines)
        if outline
    )
    return _HEADER.format(width=size.width, height=size.height) + "".join(events)


def _canvas(name: str, color: str, size: Size, rate: Rate) -> Stream:
    made = colored(name, f"0x{color[1:7]}", size.width, size.height, rate)
    return made.then("format", "gbrp").then("trim", end_frame=1)

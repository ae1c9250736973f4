"""Highlights: ellipses that stay as they are while all around is dimmed or blurred, or that are tinted.

An ellipse is drawn once, small and soft at its rim, and moved by `perspective`, exact to a fraction of a pixel; drawing
it anew for each frame (`geq`) makes a film four times as slow.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from renderowl.pipeline.effects.path import clock, path
from renderowl.pipeline.effects.source import TO_BT709, colored, held, normalised, plain
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.timeline import Canvas, Ellipse, HighlightContent

_DOWN: Final = 4
"""Masks are a quarter of the picture's size: they are soft."""
_BLUR_DOWN: Final = 8
_REACH: Final = 0.9
"""Of the drawn mask: around the ellipse it is empty, so that what lies beyond its edges is empty too."""
_RIM: Final = 0.12

T = TypeVar("T")

Places = Sequence[tuple[int, float]]
"""Frames, each with a value."""


def highlighted(
    below: Stream, content: HighlightContent, start: int, name: str, canvas: Canvas
) -> tuple[Stream, Stream]:
    """Return the picture below and a layer to be drawn over it, both as long as the canvas.

    The highlight begins at frame `start` of the canvas, which may lie before its first one.
    """
    below = normalised(below, alpha=False)
    if content.effect == "tint":
        (ellipse,) = content.ellipses
        strength = path([(key.frame, key.opacity) for key in ellipse.keys], clock("n", start))
        mask = _full_size(_shape(ellipse, start, name, canvas), strength, f"0.5*{strength}-0.5", canvas)
        return below, combined("alphamerge", [_colored(ellipse, start, name, canvas), mask])
    shapes = [_shape(ellipse, start, f"{name}-{index}", canvas) for index, ellipse in enumerate(content.ellipses)]
    if len(shapes) > 1:
        gates = [_gate(ellipse, start) for ellipse in content.ellipses]
        shapes = [_levels(shape, gate, f"0.5*{gate}-0.5") for shape, gate in zip(shapes, gates, strict=True)]
    strength = _joined([_strength(ellipse, start) for ellipse in content.ellipses], lambda a, b: f"max({a},{b})")
    union = _joined(shapes, lambda a, b: combined("blend", [a, b], all_mode="lighten"))
    around = _full_size(union, f"-{strength}", f"0.5*{strength}-0.5", canvas)
    if content.effect == "dim":
        black = plain(f"{name}-black", "#000000", canvas.width, canvas.height, canvas.frames, canvas.rate)
        return below, combined("alphamerge", [black, around])
    below, copy = below.split()
    return below, combined("alphamerge", [_blurred(copy, canvas), around])


def _joined(parts: Sequence[T], join: Callable[[T, T], T]) -> T:
    """Return all parts joined, pair by pair: FFmpeg reads no expression that is nested a hundred deep."""
    while len(parts) > 1:
        pairs = [parts[place : place + 2] for place in range(0, len(parts), 2)]
        parts = [join(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]


def _shape(ellipse: Ellipse, start: int, name: str, canvas: Canvas) -> Stream:
    """Return the ellipse in white on black where it lies in each frame, at a quarter of the picture's size."""
    made = colored(name, "black", _even(canvas.width / _DOWN), _even(canvas.height / _DOWN), canvas.rate)
    distance = "hypot(2*(X+0.5)/W-1,2*(Y+0.5)/H-1)"
    drawn = (
        made.then("format", "gray")
        .then("trim", end_frame=1)
        .then("geq", lum=f"255*clip(({_REACH}-{distance})/{_RIM},0,1)")
    )
    keys = ellipse.keys
    left, right = _edges(
        [(k.frame, k.x) for k in keys], [(k.frame, k.radius_x) for k in keys], canvas.width, "W", start
    )
    top, bottom = _edges(
        [(k.frame, k.y) for k in keys], [(k.frame, k.radius_y) for k in keys], canvas.height, "H", start
    )
    corners = {"x0": left, "y0": top, "x1": right, "y1": top, "x2": left, "y2": bottom, "x3": right, "y3": bottom}
    if all(
        (k.x, k.y, k.radius_x, k.radius_y) == (keys[0].x, keys[0].y, keys[0].radius_x, keys[0].radius_y) for k in keys
    ):
        return held(drawn.then("perspective", **corners), canvas.frames, canvas.rate)
    return held(drawn, canvas.frames, canvas.rate).then("perspective", **corners, eval="frame")


def _edges(place: Places, radius: Places, length: int, side: str, start: int) -> tuple[str, str]:
    """Return where in the drawn mask the picture's two edges lie; `on` counts from one.

    The last term is there because `perspective` maps corners of pixels, not their middles.
    """
    at, reach = (path(keys, clock("on", start + 1)) for keys in (place, [(n, value / _REACH) for n, value in radius]))
    middles = f"0.5*({length}/(2*{reach})-1)"
    first, last = (f"({reach}-{at}+{edge})/(2*{reach})*{side}+{middles}" for edge in (0, length))
    return first, last


def _strength(ellipse: Ellipse, start: int) -> str:
    opacity = path([(key.frame, key.opacity) for key in ellipse.keys], clock("n", start))
    return f"({opacity}*{_gate(ellipse, start)})"


def _gate(ellipse: Ellipse, start: int) -> str:
    return f"between({clock('n', start)},{ellipse.start},{ellipse.end - 1})"


def _levels(mask: Stream, contrast: str, brightness: str) -> Stream:
    return mask.then("eq", contrast=contrast, brightness=brightness, eval="frame")


def _full_size(mask: Stream, contrast: str, brightness: str, canvas: Canvas) -> Stream:
    return _levels(mask, contrast, brightness).then("scale", canvas.width, canvas.height, flags="bilinear")


def _colored(ellipse: Ellipse, start: int, name: str, canvas: Canvas) -> Stream:
    first = ellipse.keys[0].color
    if all(key.color == first for key in ellipse.keys):
        return plain(f"{name}-color", first, canvas.width, canvas.height, canvas.frames, canvas.rate)
    channels = {
        channel: path([(k.frame, float(int(k.color[at : at + 2], 16))) for k in ellipse.keys], clock("N", start))
        for channel, at in (("r", 1), ("g", 3), ("b", 5))
    }
    one = colored(f"{name}-color", "black", 16, 16, canvas.rate).then("format", "gbrp")
    changing = held(one, canvas.frames, canvas.rate).then("geq", **channels)
    full = changing.then("scale", canvas.width, canvas.height, flags="neighbor", **TO_BT709)
    return normalised(full, alpha=False)


def _blurred(picture: Stream, canvas: Canvas) -> Stream:
    small = _even(canvas.width / _BLUR_DOWN), _even(canvas.height / _BLUR_DOWN)
    blur = min(2, min(small) // 4)
    return (
        picture.then("scale", *small, flags="area")
        .then("boxblur", blur, 2)
        .then("scale", canvas.width, canvas.height, flags="bilinear")
    )


def _even(length: float) -> int:
    return max(16, round(length / 2) * 2)

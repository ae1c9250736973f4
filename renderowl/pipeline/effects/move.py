"""A layer that moves: placed, scaled and turned anew for each frame, exact to a fraction of a pixel.

By `perspective`, as in `view.py`: `overlay` places to whole pixels, `scale` makes whole pixels, and both tremble.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, cos, floor, log2, prod, radians, sin
from typing import Final

from renderowl.pipeline.effects.fit import Size
from renderowl.pipeline.effects.margin import margins, with_margin
from renderowl.pipeline.effects.path import Keys, clock, is_constant, path, value_at
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.motion import Key
from renderowl.pipeline.timeline import Canvas

_MARGIN: Final = 4
"""Transparent pixels around a layer, so that its edges are as smooth as its inside."""
_SMALLEST: Final = 0.002
"""Of a scale: below it nothing is seen, and the way back to the source would be a division by nothing."""
_LONGEST: Final = 4096
_LEVELS: Final = 2
"""Sizes a picture is made in, for each time it doubles."""
_COARSEST: Final = -4


@dataclass(frozen=True)
class Course:
    """Where a box is in each frame of its clip: the point of the canvas its anchor lies on, its scales, its turn.

    Places add up and scales multiply, so that a transition goes along with keyframes.
    """

    box: Size
    anchor: tuple[float, float]
    x: tuple[Keys, ...]
    y: tuple[Keys, ...]
    scale_x: tuple[Keys, ...]
    scale_y: tuple[Keys, ...]
    rotation: Keys

    def scales(self, frame: int) -> tuple[float, float]:
        """Return how much larger than at rest the box is at a frame, across and down."""
        across, down = (prod(value_at(keys, frame) for keys in way) for way in (self.scale_x, self.scale_y))
        return max(across, _SMALLEST), max(down, _SMALLEST)

    def corners(self, frame: int, drawn: Size) -> list[tuple[float, float]]:
        """Return where on the canvas the corners of what is drawn in the middle of the box lie."""
        across, down = self.scales(frame)
        x = sum(value_at(keys, frame) for keys in self.x) + (0.5 - self.anchor[0]) * self.box.width * across
        y = sum(value_at(keys, frame) for keys in self.y) + (0.5 - self.anchor[1]) * self.box.height * down
        turn = radians(value_at(self.rotation, frame))
        halves = drawn.width / 2 * across, drawn.height / 2 * down
        return [
            (
                x + a * halves[0] * cos(turn) - b * halves[1] * sin(turn),
                y + a * halves[0] * sin(turn) + b * halves[1] * cos(turn),
            )
            for a, b in ((-1, -1), (1, -1), (-1, 1), (1, 1))
        ]


@dataclass(frozen=True)
class Patch:
    """The part of the canvas a layer is drawn on, even in place and size."""

    x: int
    y: int
    width: int
    height: int


def patch_of(course: Course, drawn: Size, frames: Iterable[int], canvas: Canvas) -> Patch | None:
    """Return the smallest part of the canvas in which all is seen that is, or None when nothing ever is."""
    points = [point for frame in frames for point in course.corners(frame, drawn)]
    left, right = _span([x for x, _ in points], canvas.width)
    top, bottom = _span([y for _, y in points], canvas.height)
    return Patch(left, top, right - left, bottom - top) if left < right and top < bottom else None


def _span(places: list[float], length: int) -> tuple[int, int]:
    first, last = floor((min(places) - 1) / 2) * 2, ceil((max(places) + 1) / 2) * 2
    return max(0, first), min(length, last)


def levels_of(course: Course, drawn: Size, frames: range) -> dict[float, list[range]]:
    """Return how much larger than at rest the picture is made that is moved, and in which frames.

    `perspective` looks at few pixels: made much smaller at once a picture would glitter, made larger it would blur. A
    level depends on its frame alone, so that a cut changes nothing.
    """
    top = floor(_LEVELS * log2(_LONGEST / max(drawn.width, drawn.height)))
    found: dict[float, list[range]] = {}
    for level, run in groupby(frames, lambda frame: max(_COARSEST, min(top, _level(course, frame)))):
        first, *rest = run
        found.setdefault(2 ** (level / _LEVELS), []).append(range(first, first + len(rest) + 1))
    return found


def _level(course: Course, frame: int) -> int:
    return round(_LEVELS * log2(max(course.scales(frame))))


def seen_keys(runs: Sequence[range]) -> tuple[Key, ...]:
    """Return 1 within some ranges of frames and 0 between them."""
    return tuple(Key(frame, value, "hold") for run in runs for frame, value in ((run.start, 1.0), (run.stop, 0.0)))


def moved(
    picture: Stream, size: Size, drawn: Size, course: Course, patch: Patch, begun: int, seen: Keys = ()
) -> Stream:
    """Return the patch with the layer on its course; the layer's first frame is number `begun` of its clip.

    The layer is a picture of `size` of what is `drawn` at rest; when it is `seen` is told where it is not always.
    """
    width, height = max(size.width + 2 * _MARGIN, patch.width), max(size.height + 2 * _MARGIN, patch.height)
    corners = _corners(course, patch, Size(width, height), size, drawn, clock("on", 1 - begun))
    still = all(is_constant(keys) for keys in (*course.x, *course.y, *course.scale_x, *course.scale_y, course.rotation))
    way = {**corners, "eval": "init" if still else "frame"}
    if seen:
        way["enable"] = path(seen, clock("n", -begun))
    colors, alpha = with_margin(picture, size, Size(width, height))
    # Cubic for what is in the picture. Its edge is only as smooth as it is placed exactly: cubic overshoots, and is cut off.
    colors, alpha = colors.then("perspective", **way, interpolation="cubic"), alpha.then("perspective", **way)
    if (width, height) != (patch.width, patch.height):
        colors, alpha = (part.then("crop", patch.width, patch.height, 0, 0) for part in (colors, alpha))
    return combined("alphamerge", [colors, alpha])


def _corners(course: Course, patch: Patch, whole: Size, size: Size, drawn: Size, now: str) -> dict[str, str]:
    """Return where in the layer the corners of the patch lie; `perspective` maps corners of pixels, not their middles."""
    wide, high = (f"max({_product(ways, now)},{_SMALLEST})" for ways in (course.scale_x, course.scale_y))
    x = _sum(course.x, (0.5 - course.anchor[0]) * course.box.width, wide, now)
    y = _sum(course.y, (0.5 - course.anchor[1]) * course.box.height, high, now)
    turn = "" if _always(course.rotation, 0) else f"{path(course.rotation, now)}*PI/180"
    left, top = margins(size, whole)
    corners = {}
    for number, (right, below) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        away_x = f"({patch.x + right * whole.width + 0.5:.8g}-({x}))"
        away_y = f"({patch.y + below * whole.height + 0.5:.8g}-({y}))"
        along = f"({away_x}*cos({turn})+{away_y}*sin({turn}))" if turn else away_x
        aside = f"({away_y}*cos({turn})-{away_x}*sin({turn}))" if turn else away_y
        corners[f"x{number}"] = f"{along}*{size.width / drawn.width:.8g}/{wide}+{left + size.width / 2 - 0.5:.8g}"
        corners[f"y{number}"] = f"{aside}*{size.height / drawn.height:.8g}/{high}+{top + size.height / 2 - 0.5:.8g}"
    return corners


def _sum(ways: tuple[Keys, ...], to_middle: float, scale: str, now: str) -> str:
    """Return where the middle of the box is, `to_middle` from the anchor at rest."""
    return "+".join([*(path(keys, now) for keys in ways), *([f"{to_middle:.8g}*{scale}"] if to_middle else [])])


def _product(ways: tuple[Keys, ...], now: str) -> str:
    return "*".join(path(keys, now) for keys in ways if not _always(keys, 1)) or "1"


def _always(keys: Keys, value: float) -> bool:
    return is_constant(keys) and value_at(keys, 0) == value

"""A layer that moves: placed, scaled and turned anew for each frame, exact to a fraction of a pixel.

By `perspective`, as in `view.py`: `overlay` places to whole pixels, `scale` makes whole pixels, and both tremble.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, cos, floor, log2, prod, radians, sin
from typing import Final

from renderowl.pipeline.effects.margin import margins, with_margin
from renderowl.pipeline.effects.path import Keys, clock, is_constant, path, thinned, value_at
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.motion import Key
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Canvas

_MARGIN: Final = 4
"""Transparent pixels around a layer, so that its edges are as smooth as its inside."""
_SMALLEST: Final = 0.002
"""Of a scale: below it nothing is seen, and the way back to the source would be a division by nothing."""
_LONGEST: Final = 4096
_LEVELS: Final = 2
"""Sizes a picture is made in, for each time it doubles."""
_COARSEST: Final = -4
_PRECISION: Final = 1 / 512
"""Pixels: half of what `perspective` knows."""

Point = tuple[float, float]


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

    def middle(self, frame: int) -> Point:
        """Return where the middle of the box lies."""
        across, down = self.scales(frame)
        x = sum(value_at(keys, frame) for keys in self.x) + (0.5 - self.anchor[0]) * self.box.width * across
        y = sum(value_at(keys, frame) for keys in self.y) + (0.5 - self.anchor[1]) * self.box.height * down
        return x, y

    def corners(self, frame: int, drawn: Size) -> list[Point]:
        """Return where on the canvas the corners of what is drawn in the middle of the box lie."""
        (x, y), (across, down) = self.middle(frame), self.scales(frame)
        turn = radians(value_at(self.rotation, frame))
        found = []
        for a, b in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            along, aside = a * drawn.width / 2 * across, b * drawn.height / 2 * down
            found.append((x + along * cos(turn) - aside * sin(turn), y + along * sin(turn) + aside * cos(turn)))
        return found

    def at_rest(self, frame: int, point: Point) -> Point:
        """Return where, from the middle of the box at rest, that lies which is seen at a point of the canvas."""
        (x, y), (across, down) = self.middle(frame), self.scales(frame)
        turn = radians(value_at(self.rotation, frame))
        right, below = point[0] - x, point[1] - y
        return (right * cos(turn) + below * sin(turn)) / across, (below * cos(turn) - right * sin(turn)) / down


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
    picture: Stream, size: Size, drawn: Size, course: Course, patch: Patch, frames: range, seen: Keys = ()
) -> Stream:
    """Return the patch with the layer on its course, in these frames of the clip.

    The layer is a picture of `size` of what is `drawn` at rest; when it is `seen` is told where it is not always.
    """
    width, height = max(size.width + 2 * _MARGIN, patch.width), max(size.height + 2 * _MARGIN, patch.height)
    corners = _corners(course, patch, Size(width, height), size, drawn, frames)
    still = all(is_constant(keys) for keys in corners.values())
    way = {name: path(keys, clock("on", 1 - frames.start)) for name, keys in corners.items()}
    way["eval"] = "init" if still else "frame"
    if seen:
        way["enable"] = path(seen, clock("n", -frames.start))
    colors, alpha = with_margin(picture, size, Size(width, height))
    # Cubic for what is in the picture. Its edge is only as smooth as it is placed exactly: cubic overshoots, and is cut off.
    colors, alpha = colors.then("perspective", **way, interpolation="cubic"), alpha.then("perspective", **way)
    if (width, height) != (patch.width, patch.height):
        colors, alpha = (part.then("crop", patch.width, patch.height, 0, 0) for part in (colors, alpha))
    return combined("alphamerge", [colors, alpha])


def _corners(
    course: Course, patch: Patch, whole: Size, size: Size, drawn: Size, frames: range
) -> dict[str, Sequence[Key]]:
    """Return where in the layer the corners of the patch lie; `perspective` maps corners of pixels, not their middles.

    It reads its expressions anew for each frame. So they are told as what comes out of all the keys, and of that only
    what is no straight line.
    """
    left, top = margins(size, whole)
    found: dict[str, Sequence[Key]] = {}
    for number, (right, below) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        corner = patch.x + right * whole.width + 0.5, patch.y + below * whole.height + 0.5
        points = [(frame, course.at_rest(frame, corner)) for frame in frames]
        across, down = size.width / drawn.width, size.height / drawn.height
        middle = left + size.width / 2 - 0.5, top + size.height / 2 - 0.5
        found[f"x{number}"] = thinned([(frame, x * across + middle[0]) for frame, (x, _) in points], _PRECISION)
        found[f"y{number}"] = thinned([(frame, y * down + middle[1]) for frame, (_, y) in points], _PRECISION)
    return found

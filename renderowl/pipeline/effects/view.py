"""A moving view of a picture: crop keyframes and Ken Burns.

By `perspective`, which places its corners to a fraction of a pixel: `crop` and `zoompan` jump from pixel to pixel, and
`crop` cannot change its size at all.
"""

from collections.abc import Sequence
from typing import Final

from renderowl.pipeline.effects.fit import scaled
from renderowl.pipeline.effects.path import clock, path
from renderowl.pipeline.graph import Stream
from renderowl.pipeline.size import Size, even
from renderowl.pipeline.timeline import ViewKey

_LONGEST: Final = 4096
"""Pixels of a side the view is taken from: beyond it a zoom into a large picture costs more than it shows."""


def view_source_size(keys: Sequence[ViewKey], source: Size, box: Size) -> Size:
    """Return the size the whole source is brought to, at which the closest view still has a pixel for each of the box."""
    width = source.width * box.width / min(key.width for key in keys)
    height = source.height * box.height / min(key.height for key in keys)
    return Size(even(min(width, source.width, _LONGEST)), even(min(height, source.height, _LONGEST)))


def viewed(picture: Stream, keys: Sequence[ViewKey], begun: int, source: Size, box: Size) -> Stream:
    """Return what is seen of a picture of `view_source_size`; its first frame is number `begun` of the clip."""
    size, now = view_source_size(keys, source, box), clock("on", 1 - begun)
    left, right = _edges([(key.frame, key.x, key.width) for key in keys], size.width, source.width, now)
    top, bottom = _edges([(key.frame, key.y, key.height) for key in keys], size.height, source.height, now)
    corners = {"x0": left, "y0": top, "x1": right, "y1": top, "x2": left, "y2": bottom, "x3": right, "y3": bottom}
    moved = picture.then("perspective", **corners, interpolation="cubic", eval="frame")
    if size == box:
        return moved
    return moved.then("scale", box.width, box.height, flags="bicubic").then("setsar", 1)


def _edges(keys: Sequence[tuple[int, float, float]], length: int, source_length: int, now: str) -> tuple[str, str]:
    """Return where a view's two edges lie along one side; `perspective` maps corners of pixels, not their middles."""
    scale = length / source_length
    first = [(frame, place * scale + 0.5 * (part * scale / length - 1)) for frame, place, part in keys]
    last = [(frame, place + part * scale) for (frame, place), (_, _, part) in zip(first, keys, strict=True)]
    return path(first, now), path(last, now)


def view_source(picture: Stream, keys: Sequence[ViewKey], source: Size, box: Size, *, moving: bool) -> Stream:
    """Return the whole source as `viewed` wants it."""
    return scaled(picture, source, view_source_size(keys, source, box), moving=moving)

"""What is done to a fitted layer before it is placed: opacity, fades, rotation. All need an alpha plane."""

from math import cos, hypot, radians, sin
from typing import Final

from renderowl.pipeline.effects.margin import with_margin
from renderowl.pipeline.effects.path import Keys, clock, path
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.size import Size

_MARGIN: Final = 2


def translucent(picture: Stream, opacity: float) -> Stream:
    """Return the picture with its alpha multiplied."""
    return picture.then("lutyuv", a=f"val*{opacity:g}")


def varying(picture: Stream, opacity: Keys, begun: int) -> Stream:
    """Return the picture with its alpha multiplied by what is keyed; its first frame is number `begun` of the clip."""
    colors, alpha = picture.split()
    now = path(opacity, clock("n", -begun))
    seen = alpha.then("alphaextract").then("eq", contrast=now, brightness=f"0.5*{now}-0.5", eval="frame")
    return combined("alphamerge", [colors, seen])


def faded(picture: Stream, frames: int, fade_in: int, fade_out: int) -> Stream:
    """Return a layer of `frames` frames that comes and goes by its opacity."""
    if fade_in:
        picture = picture.then("fade", type="in", start_frame=0, nb_frames=fade_in, alpha=1)
    if fade_out:
        picture = picture.then("fade", type="out", start_frame=frames - fade_out, nb_frames=fade_out, alpha=1)
    return picture


def rotated_size(size: Size, degrees: float) -> Size:
    """Return the even size of the smallest upright box around a rotated picture and its margin."""
    size = _with_room(size)
    across, down = abs(cos(radians(degrees))), abs(sin(radians(degrees)))
    longest = 2 * int(hypot(size.width, size.height) / 2 + 1)
    width = 2 * int((size.width * across + size.height * down) / 2 + 0.999)
    height = 2 * int((size.width * down + size.height * across) / 2 + 0.999)
    return Size(min(width, longest), min(height, longest))


def rotated(picture: Stream, size: Size, degrees: float) -> Stream:
    """Return the picture turned clockwise about its centre, with nothing in the corners, and smooth edges."""
    outer = rotated_size(size, degrees)
    whole = combined("alphamerge", [*with_margin(picture, size, _with_room(size))])
    return whole.then("rotate", f"{radians(degrees):.6f}", ow=outer.width, oh=outer.height, fillcolor="black@0")


def _with_room(size: Size) -> Size:
    return Size(size.width + 2 * _MARGIN, size.height + 2 * _MARGIN)

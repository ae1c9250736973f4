"""Pictures brought into their boxes: cropped, scaled to the sizes of `size.py` and cut, or laid over a blur of themselves."""

from typing import Final

from renderowl.pipeline.effects.source import TO_BT709, normalised
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.size import Size, drawn_size, even, fit_size
from renderowl.pipeline.timeline import Crop, Fit

_BLUR_DOWN: Final = 8
"""The background is blurred at an eighth of its size: a sixty-fourth of the work, and nobody can tell."""
_HD_LINES: Final = 720


def cropped(picture: Stream, crop: Crop | None) -> Stream:
    """Return the part of the source that is used."""
    if crop is None:
        return picture
    return picture.then("crop", crop.width, crop.height, crop.x, crop.y, exact=1)


def fitted(picture: Stream, source: Size, box: Size, fit: Fit, *, moving: bool) -> Stream:
    """Return the picture scaled by its fit and cut to its box; `contain` and `none` may leave it smaller."""
    if fit == "blur":
        return _over_blur(picture, source, box, moving=moving)
    size = fit_size(source, box, fit)
    whole = scaled(picture, source, size, moving=moving)
    shown = drawn_size(source, box, fit)
    return whole if shown == size else whole.then("crop", shown.width, shown.height)


def _over_blur(picture: Stream, source: Size, box: Size, *, moving: bool) -> Stream:
    front, back = picture.split()
    small = Size(even(box.width // _BLUR_DOWN), even(box.height // _BLUR_DOWN))
    blurred = (
        normalised(fitted(back, source, small, "cover", moving=moving), alpha=False)
        .then("boxblur", min(4, max(0, min(small.width, small.height) // 4 - 1)), 2)
        .then("scale", box.width, box.height, flags="bilinear")
        .then("setsar", 1)
    )
    sharp = fitted(front, source, box, "contain", moving=moving)
    return combined("overlay", [blurred, sharp], x="(W-w)/2", y="(H-h)/2")


def scaled(picture: Stream, source: Size, size: Size, *, moving: bool) -> Stream:
    """Scale and convert to BT.709; an HD video without a colour tag is BT.709 already, swscale would think BT.601."""
    assumed = {"in_color_matrix": "bt709"} if moving and source.height >= _HD_LINES else {}
    return picture.then("scale", size.width, size.height, flags="bicubic", **assumed, **TO_BT709).then("setsar", 1)

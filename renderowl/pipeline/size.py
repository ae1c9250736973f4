"""Sizes: how large a picture is that fills its box: cover, contain, fill and none, as the words mean in CSS."""

from dataclasses import dataclass
from fractions import Fraction

from renderowl.pipeline.timeline import Fit


@dataclass(frozen=True)
class Size:
    """Pixels."""

    width: int
    height: int


def even(length: float | Fraction) -> int:
    """Return the nearest even length, at least 2: colours are told for every second pixel."""
    return max(2, round(length / 2) * 2)


def fit_size(source: Size, box: Size, fit: Fit) -> Size:
    """Return what the source is scaled to; with cover it is at least the box, with contain at most, always even."""
    if fit == "fill":
        return box
    if fit == "none":
        return Size(even(source.width), even(source.height))
    ratios = Fraction(box.width, source.width), Fraction(box.height, source.height)
    ratio = max(ratios) if fit == "cover" else min(ratios)
    width, height = even(source.width * ratio), even(source.height * ratio)
    if fit == "cover":
        return Size(max(width, box.width), max(height, box.height))
    return Size(min(width, box.width), min(height, box.height))


def drawn_size(source: Size, box: Size, fit: Fit) -> Size:
    """Return the size of the picture that `effects.fit.fitted` gives."""
    if fit == "blur":
        return box
    size = fit_size(source, box, fit)
    return Size(min(size.width, box.width), min(size.height, box.height))

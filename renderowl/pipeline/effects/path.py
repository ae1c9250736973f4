"""Values that change over time, as expressions FFmpeg evaluates for each frame, and as numbers for our own sums."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import cos, inf, pi
from typing import Final, cast

from renderowl.pipeline.motion import Easing, Key

Keys = Sequence[tuple[int, float]] | Sequence[Key]
"""Frames in order, each with the value it has there: linear in between unless a key says otherwise, held outside."""

_EASED: Final[dict[Easing, tuple[Callable[[float], float], str]]] = {
    "linear": (lambda p: p, "{0}"),
    "ease_in": (lambda p: p**2, "pow({0},2)"),
    "ease_out": (lambda p: 1 - (1 - p) ** 2, "(1-pow(1-{0},2))"),
    "ease_in_out": (lambda p: 0.5 - 0.5 * cos(pi * p), "(0.5-0.5*cos(PI*{0}))"),
    "ease_in_cubic": (lambda p: p**3, "pow({0},3)"),
    "ease_out_cubic": (lambda p: 1 - (1 - p) ** 3, "(1-pow(1-{0},3))"),
    "ease_in_out_cubic": (
        lambda p: 4 * p**3 if p < 0.5 else 1 - 4 * (1 - p) ** 3,
        "if(lt({0},0.5),4*pow({0},3),1-4*pow(1-{0},3))",
    ),
    "hold": (lambda p: float(p >= 1), "gte({0},1)"),
}
"""What part of the way is gone when a part of the time is, in Python and in FFmpeg's words."""


def is_constant(keys: Keys) -> bool:
    """True when the value never changes."""
    found = _keys(keys)
    return all(key.value == found[0].value for key in found)


def path(keys: Keys, clock: str) -> str:
    """Return the expression of the value at frame `clock`, which is an expression too.

    A balanced tree of conditions: nested or summed up, FFmpeg's parser fails at about a hundred of them.
    """
    found = _keys(keys)
    if is_constant(found):
        return f"{found[0].value:.8g}"
    return f"(st(0,clip({clock},{found[0].frame},{found[-1].frame}));{_tree(found, 0, len(found) - 1)})"


def value_at(keys: Keys, frame: float) -> float:
    """Return what `path` says for one frame."""
    found = _keys(keys)
    index = bisect_right(found, frame, key=lambda key: key.frame)
    if index == 0:
        return found[0].value
    if index == len(found):
        return found[-1].value
    before, after = found[index - 1], found[index]
    ease, _ = _EASED[before.easing]
    return before.value + (after.value - before.value) * ease((frame - before.frame) / (after.frame - before.frame))


def thinned(points: Sequence[tuple[int, float]], tolerance: float) -> Sequence[Key]:
    """Return as few keys as say the same within a tolerance: where lines do not help, one for each point."""
    start, last, keys = points[0], points[0], [points[0]]
    low, high = -inf, inf
    for frame, value in points[1:]:
        if not low <= (value - start[1]) / (frame - start[0]) <= high:
            keys.append(last)
            start, low, high = last, -inf, inf
        frames = frame - start[0]
        low, high = (
            max(low, (value - tolerance - start[1]) / frames),
            min(high, (value + tolerance - start[1]) / frames),
        )
        last = frame, value
    if last is not keys[-1]:
        keys.append(last)
    if len(keys) > len(points) / 2:
        return [Key(frame, round(value, 3), "hold") for frame, value in points]
    return [Key(frame, value) for frame, value in keys]


def clock(variable: str, start: int) -> str:
    """Return the frames since frame `start`, which may be negative, of a filter that calls its frame `variable`."""
    return f"({variable}{-start:+d})"


def _keys(keys: Keys) -> Sequence[Key]:
    if isinstance(keys[0], Key):
        return cast(Sequence[Key], keys)
    return [Key(*key) for key in cast(Sequence[tuple[int, float]], keys)]


def _tree(keys: Sequence[Key], first: int, last: int) -> str:
    if last - first == 1:
        return _between(keys[first], keys[last])
    middle = (first + last) // 2
    return f"if(lt(ld(0),{keys[middle].frame}),{_tree(keys, first, middle)},{_tree(keys, middle, last)})"


def _between(start: Key, end: Key) -> str:
    change = end.value - start.value
    if not change:
        return f"{start.value:.8g}"
    if start.easing == "hold":  # the same in fewer letters: of these there may be thousands
        return f"if(lt(ld(0),{end.frame}),{start.value:.8g},{end.value:.8g})"
    gone = f"(ld(0)-({start.frame}))/{end.frame - start.frame}"
    if start.easing == "linear":
        return f"({start.value:.8g}+({change:.8g})*{gone})"
    _, eased = _EASED[start.easing]
    return f"({start.value:.8g}+({change:.8g})*{eased.format(f'({gone})')})"

"""Values that change over time, as expressions FFmpeg evaluates for each frame."""

from collections.abc import Sequence

Keys = Sequence[tuple[int, float]]
"""Frames in order, each with the value it has there: linear in between, held before the first and after the last."""


def is_constant(keys: Keys) -> bool:
    """True when the value never changes."""
    return all(value == keys[0][1] for _, value in keys)


def path(keys: Keys, clock: str) -> str:
    """Return the expression of the value at frame `clock`, which is an expression too.

    A balanced tree of conditions: nested or summed up, FFmpeg's parser fails at about a hundred of them.
    """
    if is_constant(keys):
        return f"{keys[0][1]:.8g}"
    return f"(st(0,clip({clock},{keys[0][0]},{keys[-1][0]}));{_tree(keys, 0, len(keys) - 1)})"


def clock(variable: str, start: int) -> str:
    """Return the frames since frame `start`, which may be negative, of a filter that calls its frame `variable`."""
    return f"({variable}{-start:+d})"


def _tree(keys: Keys, first: int, last: int) -> str:
    if last - first == 1:
        (start, a), (end, b) = keys[first], keys[last]
        return f"{a:.8g}" if a == b else f"({a:.8g}+({b - a:.8g})*(ld(0)-({start}))/{end - start})"
    middle = (first + last) // 2
    return f"if(lt(ld(0),{keys[middle][0]}),{_tree(keys, first, middle)},{_tree(keys, middle, last)})"

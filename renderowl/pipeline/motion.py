"""Motion: values on their way from key to key, and how a clip comes and goes; a part of the timeline."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

Easing = Literal[
    "linear", "ease_in", "ease_out", "ease_in_out", "ease_in_cubic", "ease_out_cubic", "ease_in_out_cubic", "hold"
]


class Key(msgspec.Struct, frozen=True):
    """A value at one frame, counted from its clip's start; `easing` says how it goes on from here to the next key."""

    frame: int
    value: float
    easing: Easing = "linear"


K = TypeVar("K", bound=msgspec.Struct)
"""Anything that is so at a `frame`."""


def between(keys: tuple[K, ...], first: int, last: int) -> tuple[K, ...]:
    """Return the keys that decide about some frame from `first` to before `last`, counted from `first`.

    One that is alone stands at zero: the same picture has the same keys wherever it is cut out.
    """
    if not keys:
        return ()
    low = max(0, bisect_right(keys, first, key=_frame) - 1)
    high = bisect_left(keys, last - 1, key=_frame) + 1
    found = keys[low:high]
    return after(found, first if len(found) > 1 else _frame(found[0]))


def after(keys: tuple[K, ...], frames: int) -> tuple[K, ...]:
    """Return the keys as they are some frames later."""
    return tuple(msgspec.structs.replace(key, frame=_frame(key) - frames) for key in keys)


def _frame(key: Any) -> int:
    frame: int = key.frame
    return frame


class Motion(msgspec.Struct, frozen=True):
    """Where a moving clip is: each property on its way from key to key, told against the clip's box.

    `x` and `y` are where on the canvas the anchor lies, a point of the box in parts of its sides; `width` and `height`
    multiply the box's, `scale` both; `rotation` is in degrees clockwise, about the middle.
    """

    x: tuple[Key, ...]
    y: tuple[Key, ...]
    anchor_x: float = 0.5
    anchor_y: float = 0.5
    width: tuple[Key, ...] = (Key(0, 1.0),)
    height: tuple[Key, ...] = (Key(0, 1.0),)
    scale: tuple[Key, ...] = (Key(0, 1.0),)
    rotation: tuple[Key, ...] = (Key(0, 0.0),)

    def between(self, first: int, last: int) -> "Motion":
        """Return the motion from one frame of the clip to before another."""
        return self._with_keys(lambda keys: between(keys, first, last))

    def after(self, frames: int) -> "Motion":
        """Return the motion as it is some frames later."""
        return self._with_keys(lambda keys: after(keys, frames))

    def _with_keys(self, change: Callable[[tuple[Key, ...]], tuple[Key, ...]]) -> "Motion":
        paths = {name: value for name, value in msgspec.structs.asdict(self).items() if isinstance(value, tuple)}
        return msgspec.structs.replace(self, **{name: change(keys) for name, keys in paths.items()})


Direction = Literal["left", "right", "up", "down"]


class Passage(msgspec.Struct, frozen=True):
    """How a clip comes over what lies below it in its first frames, or goes in its last ones."""

    kind: Literal["wipe", "circle", "radial", "dissolve", "pixelize", "slide", "push", "zoom"]
    frames: int
    direction: Direction = "left"

    def within(self, frames: int) -> "Passage":
        """Return the passage, at most so many frames long."""
        return msgspec.structs.replace(self, frames=min(self.frames, frames))

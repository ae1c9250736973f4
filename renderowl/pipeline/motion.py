"""Motion: values on their way from key to key, and how a clip comes and goes; a part of the timeline."""

from typing import Literal

import msgspec

Easing = Literal[
    "linear", "ease_in", "ease_out", "ease_in_out", "ease_in_cubic", "ease_out_cubic", "ease_in_out_cubic", "hold"
]


class Key(msgspec.Struct, frozen=True):
    """A value at one frame, counted from its clip's start; `easing` says how it goes on from here to the next key."""

    frame: int
    value: float
    easing: Easing = "linear"


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


Direction = Literal["left", "right", "up", "down"]


class Passage(msgspec.Struct, frozen=True):
    """How a clip comes over what lies below it in its first frames, or goes in its last ones."""

    kind: Literal["wipe", "circle", "radial", "dissolve", "pixelize", "slide", "push", "zoom"]
    frames: int
    direction: Direction = "left"

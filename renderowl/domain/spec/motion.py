"""What changes while a clip lasts: keyframes, and the transitions it comes and goes by."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from renderowl.domain.spec.fields import LOUDEST, Problem, Spec, Time

Easing = Literal[
    "linear", "ease_in", "ease_out", "ease_in_out", "ease_in_cubic", "ease_out_cubic", "ease_in_out_cubic", "hold", "step"
]  # fmt: skip
Property = Literal["x", "y", "width", "height", "scale", "rotation", "opacity"]
Direction = Literal["left", "right", "up", "down"]

MAX_KEYFRAMES: Final = 5000
LONGEST_TRANSITION_S: Final = 20.0
"""Of all but fades; FFmpeg's `xfade`, which makes some of them, has an end too."""

_BOUNDS: Final[dict[Property, tuple[float, float]]] = {
    "x": (-65_536, 65_536),
    "y": (-65_536, 65_536),
    "width": (0, 16_384),
    "height": (0, 16_384),
    "scale": (0, 20),
    "rotation": (-36_000, 36_000),
    "opacity": (0, 1),
}
_DIRECTED: Final = ("wipe", "slide", "push")
_FADES: Final = ("fade", "crossfade", "pixelize")


class Keyframe(Spec, frozen=True, kw_only=True):
    """A value at a time in seconds from the clip's start; `easing` says how it goes on from here to the next key."""

    time: Time
    value: Annotated[float, Meta(ge=-65_536, le=65_536)]
    easing: Easing = "linear"


class PropertyKeyframe(Keyframe, frozen=True, kw_only=True):
    """A key of one property of a clip; while a property has keys, the clip's field of that name does not count."""

    property: Property

    def problems(self) -> Iterator[Problem]:
        low, high = _BOUNDS[self.property]
        if not low <= self.value <= high:
            yield "/value", f"must be {low:g} to {high:g} for {self.property}"


class VolumeKeyframe(Keyframe, frozen=True, kw_only=True):
    """How loud a sound is at a time; louder than it is above 1."""

    property: Literal["volume"] = "volume"

    def problems(self) -> Iterator[Problem]:
        if not 0 <= self.value <= LOUDEST:
            yield "/value", f"must be 0 to {LOUDEST:g} for volume"


VolumeKeyframes = Annotated[tuple[VolumeKeyframe, ...], Meta(min_length=1, max_length=MAX_KEYFRAMES)]

PropertyKeyframes = Annotated[tuple[PropertyKeyframe, ...], Meta(max_length=MAX_KEYFRAMES)]


def order_problems(keys: Sequence[Keyframe]) -> Iterator[Problem]:
    """Yield the keys that are not later than the one before them of the same property, paths relative to the list."""
    last: dict[object, float] = {}
    for index, key in enumerate(keys):
        of = key.property if isinstance(key, PropertyKeyframe) else None
        if of in last and key.time <= last[of]:
            yield f"/{index}/time", "must be later than that of the one before it"
        last[of] = key.time


class TransitionEnd(Spec, frozen=True, kw_only=True):
    """How a clip comes over what lies below it, or goes from there, within `duration` seconds.

    `direction` is where the edge of a `wipe`, or the clip itself, moves to.
    """

    type: Literal[
        "fade", "crossfade", "dissolve", "wipe", "slide", "push", "zoom", "circle", "radial", "pixelize", "none"
    ] = "fade"
    duration: Time = 0.5
    direction: Direction | None = None

    def problems(self) -> Iterator[Problem]:
        if self.direction is not None and self.type not in _DIRECTED:
            yield "/direction", f"belongs to {', '.join(_DIRECTED)}, not to {self.type}"
        if self.type not in ("fade", "crossfade", "none") and self.duration > LONGEST_TRANSITION_S:
            yield "/duration", f"must be at most {LONGEST_TRANSITION_S:g} for {self.type}"

    @property
    def fades(self) -> bool:
        """True when the clip's opacity rises or falls all the while, whatever else happens."""
        return self.type in _FADES


class Transition(Spec, frozen=True, kw_only=True):
    """How a clip comes in and goes out."""

    in_: TransitionEnd | None = msgspec.field(default=None, name="in")
    out: TransitionEnd | None = None

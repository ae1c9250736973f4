"""The `framing` composition: clips brought to another shape by a crop that follows what matters."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated

from msgspec import Meta

from renderowl.domain.spec.fields import Length, Pixels, Problem, Source, Spec, Time, aliases, looks

Edge = Annotated[float, Meta(ge=0, le=65_536)]
Side = Annotated[float, Meta(gt=0, le=65_536)]


class CropKeyframe(Spec, frozen=True, kw_only=True):
    """What is seen at a frame of the source's rate, or a time in seconds, both counted from the clip's start."""

    frame: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    time: Time | None = None
    x: Edge
    y: Edge
    width: Side
    height: Side

    def problems(self) -> Iterator[Problem]:
        if (self.frame is None) == (self.time is None):
            yield "/time", "give either frame or time"


class FramingClip(Spec, frozen=True, kw_only=True):
    """A part of a video; without keyframes its middle is seen."""

    clip_index: Annotated[int, Meta(ge=0, le=1_000_000)]
    src: Annotated[Source, aliases("input_key")]
    start: Time = 0.0
    end: Length | None = None
    crop_keyframes: Annotated[tuple[CropKeyframe, ...], Meta(max_length=5000)] = ()

    def problems(self) -> Iterator[Problem]:
        if self.end is not None and self.end <= self.start:
            yield "/end", "must be later than start"


class FramingParams(Spec, frozen=True, kw_only=True):
    """The film's shape and its clips."""

    aspect_ratio: Annotated[
        str, Meta(pattern=r"^[1-9][0-9]{0,3}[:/][1-9][0-9]{0,3}$"), looks("a ratio such as 9:16")
    ] = "9:16"
    output_width: Pixels | None = None
    output_height: Pixels | None = None
    clips: Annotated[tuple[FramingClip, ...], Meta(min_length=1, max_length=2000)]

    @property
    def ratio(self) -> Fraction:
        """Width over height."""
        across, down = re.split("[:/]", self.aspect_ratio)
        return Fraction(int(across), int(down))

    def problems(self) -> Iterator[Problem]:
        width, height, ratio = self.output_width, self.output_height, self.ratio
        if not Fraction(1, 10) <= ratio <= 10:
            yield "/aspect_ratio", "must be 1:10 to 10:1"
        elif width is not None and height is not None and abs(width - height * ratio) > 2 * max(Fraction(1), ratio):
            yield "/aspect_ratio", f"contradicts output_width and output_height, {width}x{height}"
        first: dict[int, int] = {}
        for index, clip in enumerate(self.clips):
            if first.setdefault(clip.clip_index, index) != index:
                yield f"/clips/{index}/clip_index", f"is that of clip {first[clip.clip_index]} too, {clip.clip_index}"


class FramingSpec(Spec, frozen=True, kw_only=True):
    """Clips one after the other, in the order of their `clip_index`, each seen through its moving crop."""

    params: FramingParams

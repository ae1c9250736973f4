"""The `overlay` composition: a video in which regions are pointed out."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from renderowl.domain.spec.fields import Color, Problem, Source, Spec, Time, Unit, aliases

Frame = Annotated[int, Meta(ge=0, le=10_000_000)]
Place = Annotated[float, Meta(ge=-65_536, le=65_536)]
Radius = Annotated[float, Meta(gt=0, le=65_536)]


class RegionKeyframe(Spec, frozen=True, kw_only=True):
    """The ellipse at `time`, in seconds of the film."""

    time: Time
    x: Place
    y: Place
    radius_x: Radius
    radius_y: Radius
    opacity: Unit | None = None
    color: Color | None = None


class Region(Spec, frozen=True, kw_only=True):
    """An ellipse that stays, by frames of the source, or moves from keyframe to keyframe, by seconds."""

    start_frame: Frame | None = None
    end_frame: Frame | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    x: Place | None = None
    y: Place | None = None
    radius_x: Radius | None = None
    radius_y: Radius | None = None
    opacity: Unit | None = None
    color: Color | None = None
    keyframes: Annotated[tuple[RegionKeyframe, ...], Meta(max_length=5000)] = ()

    def problems(self) -> Iterator[Problem]:
        yield from self._time_problems()
        place = ("x", "y", "radius_x", "radius_y")
        for name in place:
            if self.keyframes and getattr(self, name) is not None:
                yield f"/{name}", "belongs into the keyframes"
            elif not self.keyframes and getattr(self, name) is None:
                yield f"/{name}", "is required without keyframes"
        for index in range(1, len(self.keyframes)):
            if self.keyframes[index].time <= self.keyframes[index - 1].time:
                yield f"/keyframes/{index}/time", "must be later than that of the one before it"

    def _time_problems(self) -> Iterator[Problem]:
        frames, times = (self.start_frame, self.end_frame), (self.start_time, self.end_time)
        if any(value is not None for value in frames) and any(value is not None for value in times):
            yield "/start_time", "give either frames or times"
            return
        unit, (start, end) = ("frame", frames) if any(value is not None for value in frames) else ("time", times)
        for name, value in (("start", start), ("end", end)):
            if value is None:
                yield f"/{name}_{unit}", "is required"
        if start is not None and end is not None and end <= start:
            yield f"/end_{unit}", f"must be later than start_{unit}"


class OverlayParams(Spec, frozen=True, kw_only=True):
    """The regions, and what is done around them, or to them."""

    highlight_regions: Annotated[tuple[Region, ...], Meta(max_length=1000)] = ()
    effect_type: Literal["blur", "dark_overlay", "original"] = "dark_overlay"


class OverlaySpec(Spec, frozen=True, kw_only=True):
    """A video with highlighted regions. It keeps its size, rate, length and sound."""

    src: Annotated[Source, aliases("input_key")]
    params: OverlayParams = OverlayParams()

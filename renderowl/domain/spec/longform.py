"""The `longform` composition: hours of sound over a few backgrounds."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from renderowl.domain.spec.fields import Color, Fit, FrameRate, Length, Pixels, Source, Spec, Time


class LongformCanvas(Spec, frozen=True, kw_only=True):
    """The picture's size and rate, and what is seen where no background is."""

    width: Pixels = 1920
    height: Pixels = 1080
    fps: FrameRate = 30.0
    background: Color = "#000000"


class Background(Spec, frozen=True, kw_only=True):
    """A video, without its sound, or a picture."""

    type: Literal["video", "image"]
    src: Source
    fit: Fit = "cover"


class LongformSound(Spec, frozen=True, kw_only=True):
    """A sound that begins when the one before it ends; its fades are at most half as long as it is."""

    src: Source
    fade_in: Time = 1.0
    fade_out: Time = 1.0


class LongformSpec(Spec, frozen=True, kw_only=True):
    """Sounds one after the other; the backgrounds share the time in equal parts. It lasts `duration`, or as all sounds."""

    canvas: LongformCanvas = msgspec.field(default_factory=LongformCanvas)
    duration: Length | None = None
    backgrounds: Annotated[tuple[Background, ...], Meta(min_length=1, max_length=4)]
    crossfade: Time = 1.0
    audio: Annotated[tuple[LongformSound, ...], Meta(max_length=500)] = ()
    loop_images: bool = True

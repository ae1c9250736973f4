"""Captions: their texts, times and looks, and the composition that is a video with captions."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from renderowl.domain.spec.fields import Color, Fit, Length, Problem, Source, Spec, Text, Time

FontSize = Annotated[float, Meta(ge=4, le=1000)]


class Stroke(Spec, frozen=True, kw_only=True):
    """An outline around letters, in canvas pixels."""

    color: Color = "#000000"
    width: Annotated[float, Meta(ge=0, le=100)] = 2.0


class Style(Spec, frozen=True, kw_only=True):
    """How text looks. Sizes are pixels of the composition's canvas."""

    font_family: Annotated[str, Meta(min_length=1, max_length=100)] = "Noto Sans"
    font_size: FontSize | None = None
    bold: bool = False
    italic: bool = False
    color: Color = "#ffffff"
    stroke: Stroke | None = None
    background: Color | None = None
    align: Literal["left", "center", "right"] | None = None
    """Unless said, a text placed by its left or right side is set against it, any other in the middle."""
    padding: Annotated[float, Meta(ge=0, le=1000)] = 0.0


class Active(Spec, frozen=True, kw_only=True):
    """How the word being spoken looks."""

    color: Color = "#ffd400"
    scale: Annotated[float, Meta(ge=0.5, le=3)] = 1.0


class CaptionLook(Style, frozen=True, kw_only=True):
    """How captions look: a text style, an animation, and where the lines stand."""

    animation: Literal["none", "highlight", "karaoke", "pop", "typewriter"] = "none"
    active: Active = Active()
    max_words: Annotated[int, Meta(ge=1, le=50)] = 6
    position: Literal["bottom", "center", "top"] = "bottom"


class TimedWord(Spec, frozen=True, kw_only=True):
    """A word and when it is spoken, in seconds."""

    text: Text
    start: Time
    end: Time

    def problems(self) -> Iterator[Problem]:
        if self.end < self.start:
            yield "/end", "must not be before start"


class Caption(Spec, frozen=True, kw_only=True):
    """What is said from `start` to `end`, in seconds; without `words` their times are estimated from their lengths."""

    text: Text
    start: Time
    end: Length
    words: Annotated[tuple[TimedWord, ...], Meta(max_length=1000)] = ()

    def problems(self) -> Iterator[Problem]:
        if self.end <= self.start:
            yield "/end", "must be later than start"
        for index, word in enumerate(self.words):
            if word.start < self.start - 0.001 or word.end > self.end + 0.001:
                yield f"/words/{index}", "lies outside its caption"
            elif index and word.start < self.words[index - 1].start:
                yield f"/words/{index}/start", "is before the word before it"


Captions = Annotated[tuple[Caption, ...], Meta(max_length=5000)]


class CaptionedVideoSpec(Spec, frozen=True, kw_only=True):
    """A video with captions. `audio_src` takes the place of the video's own sound."""

    src: Source
    audio_src: Source | None = None
    captions: Captions | None = None
    captions_src: Source | None = None
    style: CaptionLook = CaptionLook()
    fit: Fit = "cover"

    def problems(self) -> Iterator[Problem]:
        if self.captions is not None and self.captions_src is not None:
            yield "/captions_src", "give either captions or captions_src, not both"

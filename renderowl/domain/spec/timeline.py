"""The `timeline` composition: tracks of clips on a canvas, the first track at the bottom."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from renderowl.domain.spec.captions import CaptionLook, Stroke, Style, TimedWord
from renderowl.domain.spec.fields import (
    Anchor,
    Color,
    Coordinate,
    Fit,
    FrameRate,
    Length,
    Name,
    Pixels,
    Problem,
    Source,
    Spec,
    Speed,
    Text,
    Time,
    Unit,
    Volume,
)
from renderowl.domain.spec.filters import ChromaKey, Filters
from renderowl.domain.spec.heard import AudioClip, FadingClip, Trim, TtsClip, volume_problems
from renderowl.domain.spec.motion import (
    PropertyKeyframes,
    Transition,
    TransitionEnd,
    VolumeKeyframes,
    order_problems,
)


class Position(Spec, frozen=True, kw_only=True):
    """Where the `anchor` point of a clip lies on the canvas, in its pixels; the middle unless said."""

    x: Coordinate | None = None
    y: Coordinate | None = None
    anchor: Anchor = "center"


class CropBox(Spec, frozen=True, kw_only=True):
    """The rectangle of the source to show: in its pixels, or in fractions of it when all four are at most 1."""

    x: Annotated[float, Meta(ge=0, le=65_536)] = 0.0
    y: Annotated[float, Meta(ge=0, le=65_536)] = 0.0
    width: Annotated[float, Meta(gt=0, le=65_536)]
    height: Annotated[float, Meta(gt=0, le=65_536)]


class KenBurns(Spec, frozen=True, kw_only=True):
    """A slow move over the clip's length: a zoom in or out by `amount`, or a pan by as much to one side."""

    direction: Literal["in", "out", "left", "right", "up", "down"] = "in"
    amount: Annotated[float, Meta(gt=0, le=2)] = 0.15


class SeenClip(FadingClip, frozen=True, kw_only=True):
    """What every clip on the picture has: its place, size, turn and opacity."""

    position: Anchor | Position = "center"
    width: Pixels | None = None
    height: Pixels | None = None
    scale: Annotated[float, Meta(gt=0, le=20)] = 1.0
    rotation: Annotated[float, Meta(ge=-3600, le=3600)] = 0.0
    opacity: Unit = 1.0
    transition: Transition | None = None
    filters: Filters = ()
    keyframes: PropertyKeyframes = ()

    def problems(self) -> Iterator[Problem]:
        yield from ((f"/keyframes{path}", message) for path, message in order_problems(self.keyframes))
        said = self.transition or Transition()
        for name, end, fade in (("in", said.in_, self.fade_in), ("out", said.out, self.fade_out)):
            if end is not None and end.fades and fade not in (0, end.duration):
                yield f"/transition/{name}", f"contradicts fade_{name}"

    @property
    def goes_by_itself(self) -> bool:
        """True when it says how it goes, whatever comes after it."""
        return self.fade_out > 0 or (self.transition is not None and self.transition.out is not None)

    @property
    def ends_s(self) -> tuple[float, float]:
        come, go = self._ends_s(lambda end: end.type != "none")
        return max(come, self.fade_in), max(go, self.fade_out)

    @property
    def longest_end(self) -> str:
        come, go = self._ends_s(lambda end: end.type != "none")
        if self.ends_s[1]:
            return "transition/out/duration" if go > self.fade_out else "fade_out"
        return "transition/in/duration" if come > self.fade_in else "fade_in"

    @property
    def fades_s(self) -> tuple[float, float]:
        """Seconds of fade of the picture at the start and at the end, whichever way they were asked for."""
        come, go = self._ends_s(lambda end: end.fades)
        return self.fade_in or come, self.fade_out or go

    @property
    def sound_fades_s(self) -> tuple[float, float]:
        come, go = self._ends_s(lambda end: end.type == "fade")
        return self.fade_in or come, self.fade_out or go

    def _ends_s(self, counts: Callable[[TransitionEnd], bool]) -> tuple[float, float]:
        said = self.transition or Transition()
        come, go = (end.duration if end is not None and counts(end) else 0.0 for end in (said.in_, said.out))
        return come, go


class VideoClip(SeenClip, frozen=True, kw_only=True, tag_field="type", tag="video"):
    """Moving pictures with their sound."""

    src: Source
    trim: Trim | Time | None = None
    speed: Speed = 1.0
    preserve_pitch: bool = True
    loop: bool = False
    fit: Fit = "cover"
    crop: CropBox | None = None
    volume: Volume | VolumeKeyframes = 1.0
    mute: bool = False
    chroma_key: ChromaKey | None = None
    ken_burns: KenBurns | None = None

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from volume_problems(self.volume)


class ImageClip(SeenClip, frozen=True, kw_only=True, tag_field="type", tag="image"):
    """A still picture."""

    src: Source
    fit: Fit = "cover"
    crop: CropBox | None = None
    chroma_key: ChromaKey | None = None
    ken_burns: KenBurns | None = None


class TextClip(SeenClip, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Written text."""

    text: Annotated[Text, Meta(min_length=1)]
    style: Style = Style()


class ColorClip(SeenClip, frozen=True, kw_only=True, tag_field="type", tag="color"):
    """A filled rectangle."""

    color: Color


class CaptionClip(SeenClip, frozen=True, kw_only=True, tag_field="type", tag="caption"):
    """Captions: one `text`, with the times of its `words` from the clip's start, or a whole file of them (`src`)."""

    src: Source | None = None
    text: Text | None = None
    words: Annotated[tuple[TimedWord, ...], Meta(max_length=1000)] = ()
    style: CaptionLook = CaptionLook()

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if (self.src is None) == (self.text is None):
            yield "/text", "give either text or src"
        if self.words and self.src is not None:
            yield "/words", "belong to text; a file has its own"


class Point(Spec, frozen=True, kw_only=True):
    """A place in a clip's box: fractions of its width and height from the top left corner."""

    x: Unit
    y: Unit


class ShapeClip(SeenClip, frozen=True, kw_only=True, tag_field="type", tag="shape"):
    """A drawn shape that fills its box: `fill` inside, `stroke` along the edge and within it; white when neither is said."""

    shape: Literal["rectangle", "ellipse", "circle", "line", "polygon", "star"] = "rectangle"
    fill: Color | None = None
    stroke: Stroke | None = None
    radius: Annotated[float, Meta(ge=0, le=8192)] = 0.0
    """Of a rectangle's corners, in canvas pixels."""
    sides: Annotated[int, Meta(ge=3, le=64)] = 5
    """Of a polygon, and the points of a star."""
    inner_radius: Annotated[float, Meta(gt=0, le=1)] = 0.4
    """Of a star, as a share of the outer one."""
    points: Annotated[tuple[Point, ...], Meta(max_length=500)] = ()
    """The two ends of a line, which else goes from left to right, or the corners of a polygon of another form."""

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.shape == "line" and self.stroke is None:
            yield "/stroke", "is required for a line"
        if self.shape == "line" and self.fill is not None:
            yield "/fill", "a line has none; its colour is that of its stroke"
        if self.points and self.shape not in ("line", "polygon"):
            yield "/points", "are for a line or a polygon"
        elif self.points and self.shape == "line" and len(self.points) != 2:
            yield "/points", "a line has two"
        elif self.points and self.shape == "polygon" and len(self.points) < 3:
            yield "/points", "a polygon has at least three"
        elif len({(point.x, point.y) for point in self.points}) != len(self.points):
            yield "/points", "must all be different"


AnyClip = VideoClip | ImageClip | AudioClip | TtsClip | TextClip | ColorClip | CaptionClip | ShapeClip


class DuckSettings(Spec, frozen=True, kw_only=True):
    """Be lower by `amount_db` while one of the tracks `against` is heard."""

    against: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=100)]
    amount_db: Annotated[float, Meta(ge=-60, le=0)] = -12.0
    attack_ms: Annotated[float, Meta(ge=1, le=2000)] = 20.0
    release_ms: Annotated[float, Meta(ge=1, le=9000)] = 250.0


class Track(Spec, frozen=True, kw_only=True):
    """Clips that follow each other or overlap; each next track is drawn above the ones before it."""

    id: Name | None = None
    volume: Volume = 1.0
    mute: bool = False
    parent_duration_decider: bool = False
    duck: DuckSettings | None = None
    clips: Annotated[tuple[AnyClip, ...], Meta(max_length=5000)] = ()


class FontFile(Spec, frozen=True, kw_only=True):
    """A font of one's own, and the `font_family` it is called by in styles."""

    family: Annotated[str, Meta(min_length=1, max_length=100)]
    src: Source


class TimelineSpec(Spec, frozen=True, kw_only=True):
    """Tracks of clips. It lasts `duration`, or as long as the longest deciding track, or as the longest of all."""

    width: Pixels = 1920
    height: Pixels = 1080
    fps: FrameRate = 30.0
    background: Color = "#000000"
    duration: Length | None = None
    variables: Annotated[dict[str, Text | float | bool], Meta(max_length=1000)] = msgspec.field(default_factory=dict)
    fonts: Annotated[tuple[FontFile, ...], Meta(max_length=50)] = ()
    tracks: Annotated[tuple[Track, ...], Meta(min_length=1)]

    def problems(self) -> Iterator[Problem]:
        first: dict[str, int] = {}
        for index, font in enumerate(self.fonts):
            if first.setdefault(font.family.casefold(), index) != index:
                yield f"/fonts/{index}/family", f"is that of font {first[font.family.casefold()]} too"
        known = {track.id for track in self.tracks}
        for index, track in enumerate(self.tracks):
            for number, name in enumerate(track.duck.against if track.duck else ()):
                at = f"/tracks/{index}/duck/against/{number}"
                if name not in known:
                    yield at, f'no track has the id "{name}"'
                elif name == track.id:
                    yield at, "is this track itself"

"""The timeline: the one intermediate form every composition compiles to and everything after it reads.

Positions and lengths on the canvas are whole frames at `canvas.rate`; places inside a source are seconds as exact
rationals (`Seconds`), because a source has its own clock. Geometry is in canvas pixels. Nothing here knows FFmpeg.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from renderowl.pipeline.motion import Key, Motion, Passage

Fit = Literal["cover", "contain", "fill", "none", "blur"]
MediaKind = Literal["video", "image", "audio", "font"]
FilterName = Literal[
    "brightness", "contrast", "saturation", "hue", "grayscale", "sepia", "invert", "blur", "sharpen", "vignette", "noise",
    "denoise",
]  # fmt: skip


class Rate(msgspec.Struct, frozen=True):
    """Frames a second as a rational: 30/1, 30000/1001."""

    num: int
    den: int = 1


class Seconds(msgspec.Struct, frozen=True):
    """An exact length of time `num/den` in seconds."""

    num: int
    den: int = 1


class Canvas(msgspec.Struct, frozen=True):
    """The picture everything is drawn on: pixels (both even), rate, `frames` in all, background as `#rrggbb`."""

    width: int
    height: int
    rate: Rate
    frames: int
    background: str = "#000000"

    @property
    def duration_s(self) -> float:
        """How long all frames last."""
        return self.frames * self.rate.den / self.rate.num


class Media(msgspec.Struct, frozen=True):
    """One input file. `content_hash` is the SHA-256 of its bytes: what a cache key speaks of instead of a name."""

    src: str
    kind: MediaKind
    content_hash: str
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    """0 for a still."""
    fps: float = 0.0
    rotation: int = 0
    """Display rotation in degrees clockwise; FFmpeg applies it by itself, width and height are already turned."""
    is_stretched: bool = False
    """Its pixels are not square: width and height are as seen, not as stored."""
    transfer: Literal["", "pq", "hlg"] = ""
    """Of a high dynamic range, how its brightness is coded."""
    decoder: str = ""
    """Which decoder to use, where FFmpeg's own would lose something."""
    codec: str = ""
    """Of its pictures; empty when not known."""
    has_alpha: bool = False
    has_video: bool = False
    has_audio: bool = False
    channels: int = 0
    """Of its sound; 0 when not known."""
    content_type: str = ""
    """Of the file, by its first bytes; empty when not known."""


class Crop(msgspec.Struct, frozen=True):
    """A rectangle in source pixels."""

    x: int
    y: int
    width: int
    height: int


class Box(msgspec.Struct, frozen=True):
    """Where a clip is drawn: centre and size in canvas pixels, partly outside or not; rotation in degrees clockwise."""

    center_x: float
    center_y: float
    width: int
    height: int
    rotation: float = 0.0


class ViewKey(msgspec.Struct, frozen=True):
    """The rectangle of the source that fills the box at one frame, counted from the clip's start; in source pixels."""

    frame: int
    x: float
    y: float
    width: float
    height: float


class ChromaKey(msgspec.Struct, frozen=True):
    """The colour that becomes transparent, and the distances from it to which it does wholly and in part."""

    color: str
    similarity: float
    blend: float


class Filter(msgspec.Struct, frozen=True):
    """A change of a clip's picture; `amount` is its one number, in canvas pixels where it is a length."""

    name: FilterName
    amount: float
    begun: int = 0
    """Frames it has been going on for when the clip begins: noise is different in every frame."""

    def after(self, frames: int) -> "Filter":
        """Return the filter as it is some frames later."""
        return msgspec.structs.replace(self, begun=self.begun + frames) if self.name == "noise" else self


class VideoContent(msgspec.Struct, frozen=True, tag="video"):
    src: str
    start: Seconds = Seconds(0)
    """Where in the source the clip begins."""
    speed: float = 1.0
    loop: bool = False
    fit: Fit = "cover"
    crop: Crop | None = None
    view: tuple[ViewKey, ...] = ()
    """Where the picture moves: what is seen of the cropped source, from key to key. It takes the place of the fit."""
    key: ChromaKey | None = None


class ImageContent(msgspec.Struct, frozen=True, tag="image"):
    src: str
    fit: Fit = "cover"
    crop: Crop | None = None
    view: tuple[ViewKey, ...] = ()
    key: ChromaKey | None = None


class ColorContent(msgspec.Struct, frozen=True, tag="color"):
    color: str


class ShapeContent(msgspec.Struct, frozen=True, tag="shape"):
    """A shape that fills its box, its stroke within it; lengths in canvas pixels, `points` in fractions of the box."""

    form: Literal["rectangle", "ellipse", "circle", "line", "polygon"]
    fill: str | None = None
    stroke_color: str | None = None
    stroke_width: float = 0.0
    radius: float = 0.0
    points: tuple[tuple[float, float], ...] = ()


class Face(msgspec.Struct, frozen=True):
    """A font of the caller's own, as one text uses it: `family` is how libass finds it, `characters` what it has of them."""

    src: str
    content_hash: str
    family: str
    line_scale: float
    """libass' font size for a size of one."""
    characters: str


class TextStyle(msgspec.Struct, frozen=True):
    """How text looks; sizes in canvas pixels, colours `#rrggbb` or `#rrggbbaa`."""

    font_family: str = "Noto Sans"
    font_size: float = 64.0
    bold: bool = False
    italic: bool = False
    color: str = "#ffffff"
    stroke_color: str = "#000000"
    stroke_width: float = 0.0
    background: str | None = None
    align: Literal["left", "center", "right"] = "center"
    padding: float = 0.0
    face: Face | None = None
    """The file of `font_family` when it is not a bundled one."""


class TextContent(msgspec.Struct, frozen=True, tag="text"):
    text: str
    style: TextStyle = TextStyle()


class Word(msgspec.Struct, frozen=True):
    """A word of a caption, in frames of the canvas from the start of the caption."""

    text: str
    start: int
    frames: int


class CaptionStyle(msgspec.Struct, frozen=True):
    text: TextStyle = TextStyle()
    animation: Literal["none", "highlight", "karaoke", "pop", "typewriter"] = "none"
    active_color: str = "#ffd400"
    active_scale: float = 1.0
    position: Literal["bottom", "center", "top"] = "bottom"


class CaptionContent(msgspec.Struct, frozen=True, tag="caption"):
    """One caption line as it is shown; `words` may be empty when no word times are known."""

    text: str
    words: tuple[Word, ...] = ()
    style: CaptionStyle = CaptionStyle()

    @property
    def letters(self) -> str:
        """All that is drawn of it at some time: words that are not in the text are as well."""
        return self.text + "".join(word.text for word in self.words)


class EllipseKey(msgspec.Struct, frozen=True):
    """An ellipse at one frame, counted from its clip's start; sizes and places in canvas pixels."""

    frame: int
    x: float
    y: float
    radius_x: float
    radius_y: float
    opacity: float = 1.0
    color: str = "#ffffff"


class Ellipse(msgspec.Struct, frozen=True):
    """A part of the picture that is pointed out from frame `start` to before `end` of its clip, moving from key to key."""

    start: int
    end: int
    keys: tuple[EllipseKey, ...]


class HighlightContent(msgspec.Struct, frozen=True, tag="highlight"):
    """Changes all that lies below: dims or blurs it around the ellipses by their opacity, or tints the only one."""

    effect: Literal["dim", "blur", "tint"]
    ellipses: tuple[Ellipse, ...]


Content = VideoContent | ImageContent | ColorContent | ShapeContent | TextContent | CaptionContent | HighlightContent


class Clip(msgspec.Struct, frozen=True):
    """Something seen from canvas frame `start` for `frames` frames. `fade_*` are frames of opacity ramp.

    `opacity_keys` multiply the opacity. A motion takes the place of the box's centre and rotation.
    """

    id: str
    start: int
    frames: int
    content: Content
    box: Box
    opacity: float = 1.0
    fade_in: int = 0
    fade_out: int = 0
    opacity_keys: tuple[Key, ...] = ()
    motion: Motion | None = None
    come: Passage | None = None
    go: Passage | None = None
    filters: tuple[Filter, ...] = ()

    @property
    def head(self) -> int:
        """Frames at the start within which it comes: it is never cut there."""
        return max(self.fade_in, self.come.frames if self.come else 0)

    @property
    def tail(self) -> int:
        """Frames at the end within which it goes."""
        return max(self.fade_out, self.go.frames if self.go else 0)

    @property
    def sources(self) -> Iterator[str]:
        """The `src` of every file it is drawn from."""
        match self.content:
            case VideoContent(src=src) | ImageContent(src=src):
                yield src
            case (
                TextContent(style=TextStyle(face=Face(src=src)))
                | CaptionContent(style=CaptionStyle(text=TextStyle(face=Face(src=src))))
            ):
                yield src


class Duck(msgspec.Struct, frozen=True):
    """Be lower by `amount_db` (below zero) while anything of the groups `against` is heard."""

    against: tuple[str, ...]
    amount_db: float = -12.0
    attack_ms: float = 20.0
    release_ms: float = 250.0


class AudioClip(msgspec.Struct, frozen=True):
    """Something heard from canvas frame `start` for `frames` frames; `gain` is a linear factor, fades are frames."""

    id: str
    start: int
    frames: int
    src: str
    source_start: Seconds = Seconds(0)
    speed: float = 1.0
    keep_pitch: bool = True
    loop: bool = False
    gain: float = 1.0
    envelope: tuple[Key, ...] = ()
    """What the gain is multiplied by on its way from key to key."""
    fade_in: int = 0
    fade_out: int = 0
    crossed_in: bool = False
    """Its fade in is half of a crossfade: the power of both sounds together stays even, not the sum of their waves."""
    crossed_out: bool = False
    group: str = ""
    """What others may be ducked against; sounds of no group have an empty one."""
    duck: Duck | None = None


class Subtitle(msgspec.Struct, frozen=True):
    """A caption for a sidecar file, in seconds."""

    start_s: float
    end_s: float
    text: str


class Chapter(msgspec.Struct, frozen=True):
    """A named part of the film that players let one jump to."""

    start: int
    frames: int
    title: str


class Timeline(msgspec.Struct, frozen=True):
    """A whole video. `clips` are in drawing order, the first at the bottom.

    A clip lies within 0..canvas.frames, unless a cut went through its fade or its timed words: then it reaches over
    the edge, with a negative `start` or past the last frame, and only what lies within is seen or heard.
    """

    canvas: Canvas
    media: dict[str, Media]
    clips: tuple[Clip, ...] = ()
    audio: tuple[AudioClip, ...] = ()
    subtitles: tuple[Subtitle, ...] = ()
    chapters: tuple[Chapter, ...] = ()

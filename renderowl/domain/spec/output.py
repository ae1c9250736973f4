"""`output_settings`: what file to make of the film."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Final, Literal

from msgspec import Meta

from renderowl.domain.spec.fields import (
    Anchor,
    FrameRate,
    Later,
    Length,
    Pixels,
    Problem,
    Source,
    Spec,
    Time,
    Unit,
    later_values,
    looks,
)
from renderowl.domain.spec.timeline import Position

Format = Literal["mp4", "webm", "mov", "gif", "mp3", "wav", "png", "jpg"]
Codec = Literal["h264", "hevc", "vp9", "av1"]
Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]

CODECS: Final[dict[str, tuple[Codec, ...]]] = {
    "mp4": ("h264", "hevc", "av1"),
    "mov": ("h264", "hevc"),
    "webm": ("vp9", "av1"),
}
"""The video codecs each format may hold, the default first; the other formats have none to choose."""

_BAD_CHARS: Final = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')


class Range(Spec, frozen=True, kw_only=True):
    """The part of the film to render, in seconds; without `end` it goes on to the film's end."""

    start: Time = 0.0
    end: Length | None = None

    def problems(self) -> Iterator[Problem]:
        if self.end is not None and self.end <= self.start:
            yield "/end", "must be later than start"


class PosterSettings(Spec, frozen=True, kw_only=True):
    """A still picture beside the video, taken `at` seconds."""

    at: Time = 0.0


class LoudnessSettings(Spec, frozen=True, kw_only=True):
    """How loud the whole film is (EBU R 128), and what its true peaks do not exceed."""

    target_lufs: Annotated[float, Meta(ge=-40, le=-5)] = -14.0
    true_peak_db: Annotated[float, Meta(ge=-9, le=0)] = -1.0


class PreviewSettings(Spec, frozen=True, kw_only=True):
    """Small pictures sent to the room while the film is encoded: one each `interval_s`, `width` pixels wide."""

    frames: bool = True
    interval_s: Annotated[float, Meta(ge=0.2, le=60)] = 1.0
    width: Annotated[int, Meta(ge=32, le=1280)] = 320
    hls: Annotated[bool, later_values(True)] = False


class Watermark(Spec, frozen=True, kw_only=True):
    """A picture over the whole film, `scale` of its width wide; by an edge it keeps a little away from it."""

    src: Source
    position: Anchor | Position = "bottom_right"
    opacity: Unit = 1.0
    scale: Annotated[float, Meta(ge=0.01, le=1)] = 0.15


class OutputSettings(Spec, frozen=True, kw_only=True):
    """What file to make. What is not said here follows the composition."""

    output_name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    format: Annotated[Format, later_values("hls")] = "mp4"
    width: Pixels | None = None
    height: Pixels | None = None
    aspect_ratio: (
        Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,3}[:/][1-9][0-9]{0,3}$"), looks("a ratio such as 16:9")] | None
    ) = None
    fps: FrameRate | None = None
    codec: Codec | None = None
    crf: Annotated[int, Meta(ge=0, le=63)] = 18
    preset: Preset = "medium"
    audio_bitrate: Annotated[str, Meta(pattern="^[1-9][0-9]{1,2}k$"), looks("a bit rate such as 192k")] = "192k"
    loudness: LoudnessSettings | None = None
    range: Range | None = None
    poster: PosterSettings | None = None
    preview: PreviewSettings = PreviewSettings()
    captions: Literal["burn", "sidecar", "both", "none"] = "burn"
    thumbnails: Later = None
    watermark: Watermark | None = None
    outputs: Later = None

    @property
    def name(self) -> str:
        """The file's name, always with the extension of its format."""
        return self.output_name or f"video.{self.format}"

    @property
    def ratio(self) -> Fraction | None:
        """The asked width over height."""
        if self.aspect_ratio is None:
            return None
        across, down = re.split("[:/]", self.aspect_ratio)
        return Fraction(int(across), int(down))

    def problems(self) -> Iterator[Problem]:
        if self.output_name is not None:
            yield from (("/output_name", message) for message in name_problems(self.output_name, self.format))
        allowed = CODECS.get(self.format, ())
        if self.codec is not None and self.codec not in allowed:
            other = f"use {' or '.join(allowed)}" if allowed else "leave it out"
            yield "/codec", f"{self.format} does not hold {self.codec}; {other}"
        if self.crf > 51 and (self.codec or (allowed or ("h264",))[0]) in ("h264", "hevc"):
            yield "/crf", "must be at most 51 for h264 and hevc"
        if not 16 <= int(self.audio_bitrate[:-1]) <= 512:
            yield "/audio_bitrate", "must be 16k to 512k"
        ratio = self.ratio
        if ratio is not None:
            if not Fraction(1, 10) <= ratio <= 10:
                yield "/aspect_ratio", "must be 1:10 to 10:1"
            elif (
                self.width is not None and self.height is not None and abs(self.width - self.height * ratio) > 2 * ratio
            ):
                yield "/aspect_ratio", f"contradicts width and height, {self.width}x{self.height}"


def name_problems(name: str, format: str) -> Iterator[str]:
    """Yield what makes `name` unfit as the name of a file of this format, on any system."""
    if _BAD_CHARS.search(name):
        yield 'must be a file name: no folders, no control characters and none of < > : " | ? *'
    elif name != name.strip() or name.startswith(".") or name.endswith("."):
        yield "must not begin with a dot nor begin or end with a space"
    extensions = ("jpg", "jpeg") if format == "jpg" else (format,)
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or extension.lower() not in extensions:
        yield f"must end in .{format}, the format"

"""`output_settings`: what files to make of the film."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from renderowl.domain.spec.fields import (
    Anchor,
    FrameRate,
    Length,
    Pixels,
    Problem,
    Source,
    Spec,
    Time,
    Unit,
    looks,
)
from renderowl.domain.spec.file_names import extension_of, name_problems, overlap
from renderowl.domain.spec.timeline import Position

Format = Literal["mp4", "webm", "mov", "gif", "hls", "mp3", "wav", "png", "jpg"]
Codec = Literal["h264", "hevc", "vp9", "av1"]
Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]

CODECS: Final[dict[str, tuple[Codec, ...]]] = {
    "mp4": ("h264", "hevc", "av1"),
    "mov": ("h264", "hevc"),
    "webm": ("vp9", "av1"),
    "hls": ("h264", "hevc"),
}
"""The video codecs each format may hold, the default first; the other formats have none to choose."""

TAGGED: Final = ("mp4", "mov", "webm", "mp3", "wav")
"""The formats with a place for metadata."""

MAX_OUTPUTS: Final = 8
"""Most further files of one render."""

OutputName = Annotated[str, Meta(min_length=1, max_length=200)]
AspectRatio = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,3}[:/][1-9][0-9]{0,3}$"), looks("a ratio such as 16:9")]
Crf = Annotated[int, Meta(ge=0, le=63)]
AudioBitrate = Annotated[str, Meta(pattern="^[1-9][0-9]{1,2}k$"), looks("a bit rate such as 192k")]
Captions = Literal["burn", "sidecar", "both", "none"]
Label = Annotated[str, Meta(min_length=1, max_length=1000)]


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


class ThumbnailSettings(Spec, frozen=True, kw_only=True):
    """Small stills, one each `interval_s`: JPEG files, or a `sprite` of many with a WebVTT file that tells which is where."""

    interval_s: Annotated[float, Meta(ge=1, le=3600)] = 5.0
    width: Annotated[int, Meta(ge=32, le=640)] = 160
    sprite: bool = False


class MetadataSettings(Spec, frozen=True, kw_only=True):
    """What players show about the file."""

    title: Label | None = None
    artist: Label | None = None
    album: Label | None = None
    genre: Label | None = None
    date: Label | None = None
    comment: Label | None = None
    copyright: Label | None = None


class LoudnessSettings(Spec, frozen=True, kw_only=True):
    """How loud the whole film is (EBU R 128), and what its true peaks do not exceed."""

    target_lufs: Annotated[float, Meta(ge=-40, le=-5)] = -14.0
    true_peak_db: Annotated[float, Meta(ge=-9, le=0)] = -1.0


class PreviewSettings(Spec, frozen=True, kw_only=True):
    """What is shown while the film is encoded: small pictures for the room, one each `interval_s`, and a playlist (`hls`)."""

    frames: bool = True
    interval_s: Annotated[float, Meta(ge=0.2, le=60)] = 1.0
    width: Annotated[int, Meta(ge=32, le=1280)] = 320
    hls: bool = False


class Watermark(Spec, frozen=True, kw_only=True):
    """A picture over the whole film, `scale` of its width wide; by an edge it keeps a little away from it."""

    src: Source
    position: Anchor | Position = "bottom_right"
    opacity: Unit = 1.0
    scale: Annotated[float, Meta(ge=0.01, le=1)] = 0.15


class OutputOverride(Spec, frozen=True, kw_only=True):
    """A further file of the same render: what it says takes the place of what the render's own file is made by."""

    output_name: OutputName | None = None
    format: Format | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    aspect_ratio: AspectRatio | None = None
    fps: FrameRate | None = None
    codec: Codec | None = None
    crf: Crf | None = None
    preset: Preset | None = None
    audio_bitrate: AudioBitrate | None = None
    loudness: LoudnessSettings | None = None
    range: Range | None = None
    poster: PosterSettings | None = None
    thumbnails: ThumbnailSettings | None = None
    metadata: MetadataSettings | None = None
    captions: Captions | None = None


class OutputSettings(Spec, frozen=True, kw_only=True):
    """What file to make. What is not said here follows the composition."""

    output_name: OutputName | None = None
    format: Format = "mp4"
    width: Pixels | None = None
    height: Pixels | None = None
    aspect_ratio: AspectRatio | None = None
    fps: FrameRate | None = None
    codec: Codec | None = None
    crf: Crf = 18
    preset: Preset = "medium"
    audio_bitrate: AudioBitrate = "192k"
    loudness: LoudnessSettings | None = None
    range: Range | None = None
    poster: PosterSettings | None = None
    thumbnails: ThumbnailSettings | None = None
    metadata: MetadataSettings | None = None
    preview: PreviewSettings = PreviewSettings()
    captions: Captions = "burn"
    smart_cut: bool = False
    watermark: Watermark | None = None
    outputs: Annotated[tuple[OutputOverride, ...], Meta(max_length=MAX_OUTPUTS)] = ()

    @property
    def name(self) -> str:
        """The file's name, always with the extension of its format."""
        return self.output_name or f"video.{extension_of(self.format)}"

    @property
    def video_codec(self) -> Codec | None:
        """The codec the pictures are encoded with, where the format has any to choose."""
        return self.codec or next(iter(CODECS.get(self.format, ())), None)

    @property
    def made_names(self) -> Iterator[str]:
        """Yield the names of the files that are made; one that ends in `*` stands for all that begin so."""
        stem = self.name.rpartition(".")[0]
        yield self.name
        if self.format == "hls":
            yield f"{stem}.hls.mp4"
        if self.poster is not None and self.format not in ("png", "jpg"):
            yield f"{stem}.poster.jpg"
        if self.captions in ("sidecar", "both"):
            yield from (f"{stem}.srt", f"{stem}.vtt")
        if self.thumbnails is not None:
            yield f"{stem}.thumbnail*"

    @property
    def further(self) -> tuple["OutputSettings", ...]:
        """The settings of the further files, each of them whole."""
        return tuple(self._with(override, number) for number, override in enumerate(self.outputs, 2))

    def _with(self, override: OutputOverride, number: int) -> "OutputSettings":
        """Return the settings of a further file. A size is one thing, a codec belongs to its format, and what lies beside
        the first file is not made again unless it is asked for.
        """
        names = override.__struct_fields__
        said = {name: value for name in names if (value := getattr(override, name)) is not None}
        form = override.format or self.format
        own: dict[str, Any] = dict.fromkeys(("poster", "thumbnails"))
        if said.keys() & {"width", "height", "aspect_ratio"}:
            own |= dict.fromkeys(("width", "height", "aspect_ratio"))
        if form != self.format:
            own |= {"codec": None, "metadata": self.metadata if form in TAGGED else None}
        own["captions"] = "burn" if self.captions in ("burn", "both") else "none"
        own["output_name"] = f"{self.name.rpartition('.')[0]}-{number}.{extension_of(form)}"
        own |= {"outputs": (), "preview": PreviewSettings(frames=False)}
        return msgspec.structs.replace(self, **{**own, **said})

    @property
    def ratio(self) -> Fraction | None:
        """The asked width over height."""
        if self.aspect_ratio is None:
            return None
        across, down = re.split("[:/]", self.aspect_ratio)
        return Fraction(int(across), int(down))

    def problems(self) -> Iterator[Problem]:
        own = list(self._own_problems())
        yield from own
        taken = list(self.made_names)
        for index, output in enumerate(self.further):
            yield from (
                (f"/outputs/{index}{path}", told) for path, told in output.problems() if (path, told) not in own
            )
            made = list(output.made_names)
            if clash := next((name for name in made for other in taken if overlap(name, other)), None):
                message = f"would make another file called {clash.replace('*', '...')}; choose another name"
                yield f"/outputs/{index}/output_name", message
            taken += made

    def _own_problems(self) -> Iterator[Problem]:
        if self.output_name is not None:
            yield from (("/output_name", message) for message in name_problems(self.output_name, self.format))
        allowed = CODECS.get(self.format, ())
        if self.codec is not None and self.codec not in allowed:
            other = f"use {' or '.join(allowed)}" if allowed else "leave it out"
            yield "/codec", f"{self.format} does not hold {self.codec}; {other}"
        if self.crf > 51 and (self.video_codec or "h264") in ("h264", "hevc"):
            yield "/crf", "must be at most 51 for h264 and hevc"
        if self.preview.hls and self.video_codec != "h264":
            yield "/preview/hls", "plays h264 in mp4, mov or hls only"
        if self.poster is not None and self.format in ("mp3", "wav"):
            yield "/poster", f"{self.format} has no picture"
        if self.thumbnails is not None and not allowed:
            yield "/thumbnails", f"{self.format} is no video; only {', '.join(CODECS)} have thumbnails"
        if self.metadata is not None and self.format not in TAGGED:
            yield "/metadata", f"{self.format} has no place for it; only {', '.join(TAGGED)} have"
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

"""Encoding: from `output_settings` to everything that decides about the bits, and to what it costs."""

from typing import Final, Literal

import msgspec

from renderowl.domain.spec.output import CODECS, OutputSettings
from renderowl.pipeline.stillness import stands_still
from renderowl.pipeline.timeline import (
    CaptionContent,
    Clip,
    HighlightContent,
    ImageContent,
    Rate,
    TextContent,
    VideoContent,
)

GOP_S: Final = 2

VideoCodec = Literal["h264", "hevc", "vp9", "av1", "gif", "none"]
AudioCodec = Literal["aac", "opus", "mp3", "pcm", "none"]

_AUDIO_CODECS: Final[dict[str, AudioCodec]] = {
    "mp4": "aac",
    "mov": "aac",
    "hls": "aac",
    "webm": "opus",
    "mp3": "mp3",
    "wav": "pcm",
}

_VIDEO_CODECS: Final[dict[str, VideoCodec]] = {
    **{format: codecs[0] for format, codecs in CODECS.items()},
    "gif": "gif", "png": "none", "jpg": "none", "mp3": "none", "wav": "none",
}  # fmt: skip

_CODEC_COST: Final = {"h264": 1.0, "hevc": 2.5, "vp9": 3.0, "av1": 2.5, "gif": 0.6, "none": 0.3}
_PRESET_COST: Final = {
    "ultrafast": 0.3, "superfast": 0.4, "veryfast": 0.5, "faster": 0.75, "fast": 0.85,
    "medium": 1.0, "slow": 1.5, "slower": 2.5, "veryslow": 4.0,
}  # fmt: skip
"""Encoder time relative to x264 medium, to one digit; a weight for progress, not a promise."""
_STILL: Final = 0.15
"""Measured at `medium`, where it is a ninth, and at faster presets, where it is a third."""


class Loudness(msgspec.Struct, frozen=True):
    """What the sound's integrated loudness is brought to, and what its true peaks are kept under."""

    target_lufs: float = -14.0
    true_peak_db: float = -1.0


class Encoding(msgspec.Struct, frozen=True):
    """Everything that decides about the bits, resolved from `output_settings`."""

    format: Literal["mp4", "webm", "mov", "gif", "hls", "mp3", "wav", "png", "jpg"] = "mp4"
    video_codec: VideoCodec = "h264"
    """`none` for sound alone, and for png and jpg, whose one frame their format encodes."""
    audio_codec: AudioCodec = "aac"
    crf: int = 18
    preset: str = "medium"
    audio_bitrate: str = "192k"
    loudness: Loudness | None = None
    gop_frames: int = 60


def encoding_of(output: OutputSettings, rate: Rate) -> Encoding:
    """Return the encoding that output settings mean."""
    video = output.codec or _VIDEO_CODECS[output.format]
    return Encoding(
        format=output.format,
        video_codec=video,
        audio_codec=_AUDIO_CODECS.get(output.format, "none"),
        crf=output.crf,
        preset=output.preset,
        audio_bitrate=output.audio_bitrate,
        loudness=Loudness(**msgspec.structs.asdict(output.loudness)) if output.loudness else None,
        gop_frames=max(1, round(GOP_S * rate.num / rate.den)),
    )


def segment_cost(clips: tuple[Clip, ...], frames: int, width: int, height: int, encoding: Encoding) -> float:
    """Estimate the work of a segment: frames x megapixels x difficulty of drawing and of encoding.

    Where nothing moves it is less: the picture is drawn once, and an encoder finds every block where it was.
    """
    drawing = 0.1 + sum(_clip_cost(clip) * min(1.0, clip.frames / frames) for clip in clips)
    coding = _CODEC_COST[encoding.video_codec] * (_PRESET_COST[encoding.preset] if encoding.video_codec != "gif" else 1)
    easier = _STILL if stands_still(clips, frames) else 1.0
    return round(frames * width * height / 1e6 * (drawing + coding) * easier, 3)


def _clip_cost(clip: Clip) -> float:
    keyed = isinstance(clip.content, VideoContent | ImageContent) and clip.content.key is not None
    changing = 1.2 * (clip.motion is not None) + 0.2 * bool(clip.opacity_keys or clip.come or clip.go)
    return _drawing_cost(clip) + 0.2 * len(clip.filters) + 0.2 * keyed + changing


def _drawing_cost(clip: Clip) -> float:
    match clip.content:
        case VideoContent(view=view) | ImageContent(view=view) if view:
            return 0.9 + 0.1 * bool(clip.box.rotation)
        case HighlightContent():
            return 0.3
        case VideoContent(fit=fit):
            return 0.35 + 0.3 * (fit == "blur") + 0.1 * bool(clip.box.rotation)
        case ImageContent(fit=fit):
            return 0.1 + 0.1 * (fit == "blur") + 0.1 * bool(clip.box.rotation)
        case TextContent() | CaptionContent():
            return 0.05
        case _:
            return 0.05


def audio_cost(clips: int, seconds: float, *, measured: bool = False) -> float:
    """Estimate the work of the sound track in the same unit; what is measured first is made twice."""
    return round(seconds * (0.3 + 0.2 * clips) * (2 if measured else 1), 3)


def assemble_cost(segments: int, seconds: float, thumbnails: int = 0) -> float:
    """Estimate the work of joining, muxing, checking and making thumbnails in the same unit."""
    return round(0.5 + 0.02 * segments + 0.05 * seconds + 3.0 * thumbnails, 3)

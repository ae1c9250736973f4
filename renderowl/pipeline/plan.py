"""The plan: a timeline cut into steps, each with a content hash.

A segment is a run of frames rendered by one FFmpeg process; all the audio is one step; assemble joins them. A segment's
`key` is the hash of what it shows relative to its own start, of the bytes of its inputs, of the encoder settings
and of the FFmpeg version: equal keys are equal pictures, wherever they stand in the film.
"""

from typing import Literal

import msgspec

from renderowl.pipeline.timeline import AudioClip, Canvas, Clip, Media, Rate, Subtitle, Timeline


class Encoding(msgspec.Struct, frozen=True):
    """Everything that decides about the bits, resolved from `output_settings`."""

    format: Literal["mp4", "webm", "mov", "gif", "mp3", "wav", "png", "jpg"] = "mp4"
    video_codec: Literal["h264", "hevc", "vp9", "av1", "gif", "none"] = "h264"
    audio_codec: Literal["aac", "opus", "mp3", "pcm", "none"] = "aac"
    crf: int = 18
    preset: str = "medium"
    audio_bitrate: str = "192k"
    gop_frames: int = 60


class Preview(msgspec.Struct, frozen=True):
    """Small pictures made while encoding; see `output_settings.preview`."""

    frames: bool = True
    interval_s: float = 1.0
    width: int = 320


class Poster(msgspec.Struct, frozen=True):
    at_s: float = 0.0


class Segment(msgspec.Struct, frozen=True):
    """Frames `start` to `start + frames` of the film; `clips` and `canvas.frames` are relative to its own start."""

    index: int
    start: int
    frames: int
    key: str
    canvas: Canvas
    clips: tuple[Clip, ...]
    media: dict[str, Media]
    cost: float
    """Estimated frames x pixels x difficulty, in megapixels: a weight, not a time."""


class AudioProgramme(msgspec.Struct, frozen=True):
    """The whole sound track, `frames` canvas frames long at 48 kHz stereo."""

    key: str
    rate: Rate
    frames: int
    clips: tuple[AudioClip, ...]
    media: dict[str, Media]
    cost: float


class Plan(msgspec.Struct, frozen=True):
    """What to do and in which order: all segments and the audio in any order, then assemble."""

    timeline: Timeline
    encoding: Encoding
    segments: tuple[Segment, ...]
    audio: AudioProgramme | None
    assemble_cost: float
    output_name: str = "video.mp4"
    captions: Literal["burn", "sidecar", "both", "none"] = "burn"
    subtitles: tuple[Subtitle, ...] = ()
    poster: Poster | None = None
    preview: Preview = Preview()
    fingerprint: str = ""
    """FFmpeg version and our own encoder revision, part of every key."""

    @property
    def total_frames(self) -> int:
        """Frames of the film."""
        return self.timeline.canvas.frames

    @property
    def cost(self) -> float:
        """The sum of all steps' costs."""
        return (
            sum(segment.cost for segment in self.segments)
            + (self.audio.cost if self.audio is not None else 0.0)
            + self.assemble_cost
        )

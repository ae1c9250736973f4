"""The plan: a timeline cut into steps, each with a content hash.

A segment is a run of frames rendered by one FFmpeg process; all the audio is one step; assemble joins them. A segment's
`key` is the hash of what it shows relative to its own start, of the bytes of its inputs, of the encoder settings
and of the FFmpeg version: equal keys are equal pictures, wherever they stand in the film.
"""

from typing import Final, Literal

import msgspec

from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline.clock import exact, frame_at, time_of
from renderowl.pipeline.cut import cut_frames
from renderowl.pipeline.encoding import Encoding as Encoding
from renderowl.pipeline.encoding import assemble_cost, audio_cost, encoding_of, segment_cost
from renderowl.pipeline.keys import audio_key, segment_key
from renderowl.pipeline.slice import window
from renderowl.pipeline.timeline import (
    AudioClip,
    Canvas,
    Clip,
    Media,
    Rate,
    Subtitle,
    Timeline,
)

TARGET_SEGMENT_S: Final = 8.0
"""How long the pieces of a long clip are: a 30 s film keeps two or more cores busy to its end."""


class Preview(msgspec.Struct, frozen=True):
    """Small pictures made while encoding; see `output_settings.preview`."""

    frames: bool = True
    interval_s: float = 1.0
    width: int = 320

    def step_frames(self, rate: Rate) -> int:
        """How many frames lie from one picture to the next: picture n of a segment shows its frame n times this."""
        return max(1, frame_at(exact(self.interval_s), rate))


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


def make_plan(
    timeline: Timeline, output: OutputSettings, *, fingerprint: str, target_segment_s: float = TARGET_SEGMENT_S
) -> Plan:
    """Cut a timeline into steps. The same timeline makes the same plan; what did not change keeps its keys."""
    if output.format in ("png", "jpg"):
        timeline = _still(timeline, output)
    encoding = encoding_of(output, timeline.canvas.rate)
    has_picture = output.format not in ("mp3", "wav")
    segments = _segments(timeline, encoding, fingerprint, target_segment_s) if has_picture else ()
    wants_pictures = bool(segments) and output.preview.frames
    return Plan(
        timeline=timeline,
        encoding=encoding,
        segments=segments,
        audio=_programme(timeline, encoding, fingerprint) if encoding.audio_codec != "none" else None,
        assemble_cost=assemble_cost(len(segments), _duration_s(timeline)),
        output_name=output.name,
        captions=output.captions,
        subtitles=timeline.subtitles if output.captions in ("sidecar", "both") else (),
        poster=None if output.poster is None else Poster(output.poster.at),
        preview=Preview(wants_pictures, output.preview.interval_s, output.preview.width),
        fingerprint=fingerprint,
    )


def _segments(timeline: Timeline, encoding: Encoding, fingerprint: str, target_segment_s: float) -> tuple[Segment, ...]:
    starts = cut_frames(timeline, target_segment_s)
    made = []
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], timeline.canvas.frames], strict=True)):
        part = window(timeline, start, end)
        shown = {src for clip in part.clips for src in clip.sources}
        media = {src: part.media[src] for src in sorted(shown)}
        canvas = part.canvas
        made.append(
            Segment(
                index=index,
                start=start,
                frames=end - start,
                key=segment_key(canvas, part.clips, media, encoding, fingerprint),
                canvas=canvas,
                clips=part.clips,
                media=media,
                cost=segment_cost(part.clips, canvas.frames, canvas.width, canvas.height, encoding),
            )
        )
    return tuple(made)


def _programme(timeline: Timeline, encoding: Encoding, fingerprint: str) -> AudioProgramme | None:
    if not timeline.audio:
        return None
    canvas = timeline.canvas
    media = {src: timeline.media[src] for src in sorted({clip.src for clip in timeline.audio})}
    return AudioProgramme(
        key=audio_key(canvas.rate, canvas.frames, timeline.audio, media, encoding, fingerprint),
        rate=canvas.rate,
        frames=canvas.frames,
        clips=timeline.audio,
        media=media,
        cost=audio_cost(len(timeline.audio), _duration_s(timeline), measured=encoding.loudness is not None),
    )


def _still(timeline: Timeline, output: OutputSettings) -> Timeline:
    """Return the one frame a picture shows: that of `poster.at`, or the first."""
    at = frame_at(exact(output.poster.at), timeline.canvas.rate) if output.poster else 0
    frame = min(at, timeline.canvas.frames - 1)
    return window(timeline, frame, frame + 1)


def _duration_s(timeline: Timeline) -> float:
    return float(time_of(timeline.canvas.frames, timeline.canvas.rate))

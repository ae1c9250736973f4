"""The plan: a timeline cut into steps, each with a content hash.

A segment is a run of frames rendered by one FFmpeg process; all the audio is one step; assemble joins them. A segment's
`key` is the hash of what it shows relative to its own start, of the bytes of its inputs, of the encoder settings
and of the FFmpeg version: equal keys are equal pictures, wherever they stand in the film.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Final, Literal

import msgspec

from renderowl.domain.spec.output import MetadataSettings, OutputSettings
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.cut import cut_frames
from renderowl.pipeline.encoding import Encoding as Encoding
from renderowl.pipeline.encoding import assemble_cost, audio_cost, encoding_of, segment_cost
from renderowl.pipeline.keys import audio_key, segment_key
from renderowl.pipeline.slice import slice_clips, window
from renderowl.pipeline.smart_cut import take_spans, why_not, why_not_at_all
from renderowl.pipeline.timeline import (
    AudioClip,
    Canvas,
    Clip,
    Duck,
    Media,
    Rate,
    Subtitle,
    Timeline,
)

_COPYING: Final = 0.25
"""Of encoding: a guess that holds for a key picture every few seconds."""
TARGET_SEGMENT_S: Final = 8.0
"""How long the pieces of a long clip are: a 30 s film keeps two or more cores busy to its end."""


class Preview(msgspec.Struct, frozen=True):
    """What is made while encoding, to be shown at once; see `output_settings.preview`."""

    frames: bool = True
    interval_s: float = 1.0
    width: int = 320
    hls: bool = False
    """Whether what is encoded is also cut into pieces that a playlist can name before the film is there."""

    def step_frames(self, rate: Rate) -> int:
        """How many frames lie from one picture to the next: picture n of a segment shows its frame n times this."""
        return max(1, frame_at(exact(self.interval_s), rate))


class Poster(msgspec.Struct, frozen=True):
    at_s: float = 0.0


class Thumbnails(msgspec.Struct, frozen=True):
    interval_s: float = 5.0
    width: int = 160
    sprite: bool = False


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
    copies: bool = False
    """Whether it is copied out of its source as far as the source allows."""
    note: str = ""
    """Of a smart cut: why it is not."""


class Stem(msgspec.Struct, frozen=True):
    """Sounds that have been mixed into the file `src`: from sample `begin` of the film on, `length` samples."""

    src: str
    begin: int
    length: int
    group: str
    duck: Duck | None
    is_loud: bool
    """Whether a sample of it may exceed what can be stored."""


class AudioProgramme(msgspec.Struct, frozen=True):
    """The whole sound track, `frames` canvas frames long at 48 kHz stereo."""

    key: str
    rate: Rate
    frames: int
    clips: tuple[AudioClip, ...]
    media: dict[str, Media]
    cost: float
    index: int = 0
    """Which of the films' sound tracks this is, the first one's being 0."""
    stems: tuple[Stem, ...] = ()
    """What stands for the clips once they have been mixed."""

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return self.frames * self.rate.den / self.rate.num

    @property
    def name(self) -> str:
        """The name of the step that encodes it."""
        return f"audio-{self.index}" if self.index else "audio"


class Plan(msgspec.Struct, frozen=True):
    """What to do and in which order: all segments and the audio in any order, then assemble.

    `further` are films of the same render in other sizes, codecs or formats. The segments of all films are numbered on;
    those with equal keys are encoded once.
    """

    timeline: Timeline
    encoding: Encoding
    segments: tuple[Segment, ...]
    audio: AudioProgramme | None
    assemble_cost: float
    output_name: str = "video.mp4"
    captions: Literal["burn", "sidecar", "both", "none"] = "burn"
    subtitles: tuple[Subtitle, ...] = ()
    poster: Poster | None = None
    thumbnails: Thumbnails | None = None
    metadata: dict[str, str] = {}
    preview: Preview = Preview()
    further: tuple["Plan", ...] = ()
    fingerprint: str = ""
    """FFmpeg version and our own encoder revision, part of every key."""

    @property
    def copies(self) -> bool:
        """Whether pictures of the sources' own encoders are among the film's."""
        return any(segment.copies for segment in self.segments)

    @property
    def films(self) -> tuple["Plan", ...]:
        """All films, this one first."""
        return (self, *self.further)

    @property
    def segments_once(self) -> dict[str, tuple["Plan", Segment]]:
        """The different segments of all films by key, in the order of their numbers, each with the film it was planned for."""
        found: dict[str, tuple[Plan, Segment]] = {}
        for film in self.films:
            for segment in film.segments:
                found.setdefault(segment.key, (film, segment))
        return found

    @property
    def sounds_once(self) -> dict[str, tuple["Plan", AudioProgramme]]:
        """The different sound tracks of all films by key."""
        found: dict[str, tuple[Plan, AudioProgramme]] = {}
        for film in self.films:
            if film.audio is not None:
                found.setdefault(film.audio.key, (film, film.audio))
        return found

    @property
    def shown_keys(self) -> frozenset[str]:
        """The keys of what is cut into pieces, to be shown while the film is made."""
        sound = [] if self.audio is None else [self.audio.key]
        return frozenset([*sound, *(one.key for one in self.segments)] if self.preview.hls else [])

    @property
    def total_frames(self) -> int:
        """Frames of the film, and of the further films what is not in it already."""
        first = {segment.key for segment in self.segments}
        others = (one for key, (_, one) in self.segments_once.items() if key not in first)
        return self.timeline.canvas.frames + sum(segment.frames for segment in others)

    @property
    def all_assemble_cost(self) -> float:
        """What it costs to assemble all films."""
        return sum(film.assemble_cost for film in self.films)

    @property
    def cost(self) -> float:
        """The sum of all steps' costs."""
        return (
            sum(segment.cost for segment in self.segments)
            + sum(segment.cost for film, segment in self.segments_once.values() if film is not self)
            + sum(audio.cost for _, audio in self.sounds_once.values())
            + self.all_assemble_cost
        )


def make_plan(
    timeline: Timeline,
    output: OutputSettings,
    *,
    further: Sequence[Timeline] = (),
    fingerprint: str,
    target_segment_s: float = TARGET_SEGMENT_S,
) -> Plan:
    """Cut a timeline into steps. The same timeline makes the same plan; what did not change keeps its keys.

    `further` are the timelines of the output's further files, in their order.
    """
    first = _film(timeline, output, fingerprint, target_segment_s)
    films: list[Plan] = []
    numbered, sounds = len(first.segments), 1
    for line, settings in zip(further, output.further, strict=True):
        film = _film(line, settings, fingerprint, target_segment_s)
        films.append(_renumbered(film, numbered, sounds))
        numbered, sounds = numbered + len(film.segments), sounds + 1
    return msgspec.structs.replace(first, further=tuple(films))


def _film(timeline: Timeline, output: OutputSettings, fingerprint: str, target_segment_s: float) -> Plan:
    if output.format in ("png", "jpg"):
        timeline = _still(timeline, output)
    encoding = encoding_of(output, timeline.canvas.rate)
    has_picture = output.format not in ("mp3", "wav")
    smart = why_not_at_all(output) if output.smart_cut else None
    segments = _segments(timeline, encoding, fingerprint, target_segment_s, smart) if has_picture else ()
    wants_pictures = bool(segments) and output.preview.frames
    duration_s = timeline.canvas.duration_s
    thumbnails = (
        None if output.thumbnails is None else msgspec.convert(output.thumbnails, Thumbnails, from_attributes=True)
    )
    return Plan(
        timeline=timeline,
        encoding=encoding,
        segments=segments,
        audio=_programme(timeline, encoding, fingerprint) if encoding.audio_codec != "none" else None,
        assemble_cost=assemble_cost(len(segments), duration_s, thumbnail_count(thumbnails, duration_s)),
        output_name=output.name,
        captions=output.captions,
        subtitles=timeline.subtitles if output.captions in ("sidecar", "both") else (),
        poster=None if output.poster is None or output.format in ("png", "jpg") else Poster(output.poster.at),
        thumbnails=thumbnails,
        metadata=_said(output.metadata),
        preview=Preview(wants_pictures, output.preview.interval_s, output.preview.width, output.preview.hls),
        fingerprint=fingerprint,
    )


def _renumbered(film: Plan, before: int, sound: int) -> Plan:
    segments = tuple(msgspec.structs.replace(one, index=before + one.index) for one in film.segments)
    audio = None if film.audio is None else msgspec.structs.replace(film.audio, index=sound)
    return msgspec.structs.replace(film, segments=segments, audio=audio)


def thumbnail_count(thumbnails: Thumbnails | None, duration_s: float) -> int:
    """Return how many thumbnails a film has: one at its start and at each interval within it."""
    return 0 if thumbnails is None else max(1, ceil(duration_s / thumbnails.interval_s - 1e-9))


def _said(metadata: MetadataSettings | None) -> dict[str, str]:
    return {} if metadata is None else {name: text for name, text in msgspec.structs.asdict(metadata).items() if text}


def _segments(
    timeline: Timeline, encoding: Encoding, fingerprint: str, target_segment_s: float, smart: str | None
) -> tuple[Segment, ...]:
    """Return the segments. `smart` is None without a smart cut; with one it says why nothing can be copied, or nothing."""
    takes = take_spans(timeline) if smart == "" else []
    edges = [*_starts(timeline, target_segment_s, takes), timeline.canvas.frames]
    shown, copied = slice_clips(timeline.clips, edges, timeline.canvas.rate), set(takes)
    made = []
    for index, ((start, end), clips) in enumerate(zip(pairwise(edges), shown, strict=True)):
        media = {src: timeline.media[src] for src in sorted({src for clip in clips for src in clip.sources})}
        canvas = msgspec.structs.replace(timeline.canvas, frames=end - start)
        copies = (start, end) in copied
        cost = segment_cost(clips, canvas.frames, canvas.width, canvas.height, encoding)
        made.append(
            Segment(
                index=index,
                start=start,
                frames=end - start,
                key=segment_key(canvas, clips, media, encoding, fingerprint, copies=copies),
                canvas=canvas,
                clips=clips,
                media=media,
                cost=round(cost * _COPYING, 3) if copies else cost,
                copies=copies,
                note="" if copies or smart is None else smart or why_not(clips, canvas, media),
            )
        )
    return tuple(made)


def _starts(timeline: Timeline, target_segment_s: float, takes: list[tuple[int, int]]) -> list[int]:
    """Return where segments begin: each take is one, and what lies between is cut as ever."""
    starts: list[int] = []
    ends = [0, *(end for _, end in takes)]
    for at, (start, _) in zip(ends, [*takes, (timeline.canvas.frames, 0)], strict=True):
        if at < start:
            starts += [at + frame for frame in cut_frames(window(timeline, at, start), target_segment_s)]
        starts.append(start)
    return starts[:-1]


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
        cost=audio_cost(len(timeline.audio), canvas.duration_s, measured=encoding.loudness is not None),
    )


def _still(timeline: Timeline, output: OutputSettings) -> Timeline:
    """Return the one frame a picture shows: that of `poster.at`, or the first."""
    at = frame_at(exact(output.poster.at), timeline.canvas.rate) if output.poster else 0
    frame = min(at, timeline.canvas.frames - 1)
    return window(timeline, frame, frame + 1)

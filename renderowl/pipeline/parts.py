"""What a segment is drawn from beside its graph: opened files, texts, fonts; and which part of a clip it shows."""

from dataclasses import dataclass, field

from renderowl.pipeline.fonts import Font
from renderowl.pipeline.graph import Stream, input_stream
from renderowl.pipeline.plan import Segment
from renderowl.pipeline.timeline import Canvas, Clip, Face


@dataclass(frozen=True)
class Input:
    """A file opened for one clip; `options` stand before its `-i`."""

    src: str
    options: tuple[str, ...] = ()


@dataclass
class Layers:
    """The picture of a segment and what it needs: inputs in order, text files by name, fonts."""

    picture: Stream
    inputs: list[Input] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    fonts: set[Font | Face] = field(default_factory=set)

    def open(self, src: str, *options: str) -> Stream:
        """Return the pictures of a file, opened once more."""
        self.inputs.append(Input(src, options))
        return input_stream(len(self.inputs) - 1, "v")


@dataclass(frozen=True)
class Span:
    """The part of a clip a segment shows: frames of the segment, and where in the clip that begins.

    `lead` frames before it are made as well and dropped when a cut went through a transition.
    """

    start: int
    frames: int
    elapsed: int
    lead: int

    @property
    def end(self) -> int:
        """The frame of the segment before which it ends."""
        return self.start + self.frames


def span_of(clip: Clip, canvas: Canvas) -> Span:
    """Return what of a clip lies on the canvas of its segment."""
    start, end = max(0, clip.start), min(canvas.frames, clip.start + clip.frames)
    return span_between(clip, start - clip.start, end - clip.start)


def span_between(clip: Clip, first: int, last: int) -> Span:
    """Return the part from frame `first` to before `last` of a clip, however it comes and goes there."""
    lead = 0
    if first < clip.head:
        lead = first
    elif first > clip.frames - clip.tail:
        lead = first - (clip.frames - clip.tail)
    return Span(clip.start + first, last - first, first, lead)


def clip_number(clip: Clip, segment: Segment) -> int:
    """Return a clip's place in its segment: the same segment has the same numbers wherever it stands in the film."""
    return next(index for index, other in enumerate(segment.clips) if other is clip)

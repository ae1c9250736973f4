"""Where a timeline is cut into segments.

Cuts are defined by content: whether a clip's edge becomes a cut depends only on what lies within MIN_SEGMENT_S of it, and
a long clip is divided at distances from its own start. Putting something in front moves no later cut relative to the clips.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Final

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, frame_at
from renderowl.pipeline.slice import slice_clip
from renderowl.pipeline.stillness import stands_still
from renderowl.pipeline.timeline import (
    CaptionContent,
    Clip,
    ColorContent,
    ImageContent,
    Rate,
    ShapeContent,
    Timeline,
    VideoContent,
)

MIN_SEGMENT_S: Final = Fraction(2)
_LEAST_STILL_S: Final = Fraction(1)
_SHORTEST_TAIL: Final = Fraction(2, 5)
"""Of the target: the last piece of a divided clip is never shorter."""

Span = tuple[int, int]
Rank = tuple[int, bytes]
"""The lower the better; the bytes decide between equals, by what is there."""
_DIVISION: Final[Rank] = (2, b"")


def cut_frames(timeline: Timeline, target_segment_s: float) -> list[int]:
    """Return the frames at which segments begin, the first being 0; never inside a transition."""
    canvas = timeline.canvas
    target = max(1, frame_at(exact(target_segment_s), canvas.rate))
    apart = min(ceil(MIN_SEGMENT_S * fraction_of(canvas.rate)), target)
    closed = _joined(span for clip in timeline.clips for span in _closed_spans(clip))
    edges = _edge_ranks(timeline.clips)
    ranks: dict[int, Rank] = {_open_frame(frame, closed): _DIVISION for frame in _divisions(timeline, target)}
    ranks |= {frame: rank for frame, rank in edges.items() if _open_frame(frame, closed) == frame}
    places = sorted(frame for frame in ranks if apart <= frame <= canvas.frames - apart)
    cuts = [0, *_winners(places, ranks, apart)]
    cuts = list(_without_long_spans(cuts, places, closed, canvas.frames, target))
    return list(_apart_from_stillness(cuts, closed, timeline))


def _winners(places: list[int], ranks: dict[int, Rank], apart: int) -> Iterator[int]:
    """Yield the places that outrank all others nearer than `apart`: a choice that only neighbours can change."""
    for index, frame in enumerate(places):
        low, high = bisect_left(places, frame - apart + 1), bisect_left(places, frame + apart)
        if all(ranks[frame] < ranks[other] for other in places[low:index]) and all(
            ranks[frame] <= ranks[other] for other in places[index + 1 : high]
        ):
            yield frame


def _without_long_spans(
    cuts: list[int], places: list[int], closed: list[Span], frames: int, target: int
) -> Iterator[int]:
    """Yield the cuts and, where two lie far apart for want of a winner, further ones counted from the first of the two."""
    tail = int(target * _SHORTEST_TAIL)
    for start, end in zip(cuts, [*cuts[1:], frames], strict=True):
        yield start
        last = start
        while end - last > target + tail + target // 2:
            index = bisect_left(places, last + target)
            near = index < len(places) and places[index] <= last + target + target // 2
            last = places[index] if near else _open_frame(last + target, closed)
            if last > end - tail:
                break
            yield last


def _apart_from_stillness(cuts: list[int], closed: list[Span], timeline: Timeline) -> Iterator[int]:
    """Yield the cuts and those which part a fade from the stillness around it, which is encoded in a fraction of the time."""
    canvas = timeline.canvas
    least = frame_at(_LEAST_STILL_S, canvas.rate)
    shown: list[list[Clip]] = [[] for _ in cuts]
    for clip in timeline.clips:
        for index in range(max(0, bisect_right(cuts, clip.start) - 1), bisect_left(cuts, clip.start + clip.frames)):
            shown[index].append(clip)
    for start, end, clips in zip(cuts, [*cuts[1:], canvas.frames], shown, strict=True):
        low, high = bisect_left(closed, (start, 0)), bisect_left(closed, (end, 0))
        inside = {frame for span in closed[max(0, low - 1) : high] for frame in span if start < frame < end}
        edges = sorted({start, end} | inside)
        parts = pairwise(edges) if inside else []
        still = [last - first >= least and _is_still(clips, first, last, canvas.rate) for first, last in parts]
        yield start
        yield from (edges[index + 1] for index, (here, after) in enumerate(pairwise(still)) if here != after)


def _is_still(clips: list[Clip], start: int, end: int, rate: Rate) -> bool:
    shown = (slice_clip(clip, start, end, rate) for clip in clips)
    return stands_still(tuple(clip for clip in shown if clip), end - start)


def _edge_ranks(clips: tuple[Clip, ...]) -> dict[int, Rank]:
    """Return how good a cut each edge of a picture is, beginnings before ends; captions and texts come and go too often.

    A crossfade thus always belongs to what it leads to: another picture in its place touches its own segment and the next.
    """
    found: dict[int, list[bytes]] = {}
    for clip in clips:
        if isinstance(clip.content, VideoContent | ImageContent | ColorContent | ShapeContent):
            shape = msgspec.json.encode((clip.content, clip.frames))
            found.setdefault(clip.start, []).append(b"+" + shape)
            found.setdefault(clip.start + clip.frames, []).append(b"-" + shape)
    return {
        frame: (
            0 if any(shape.startswith(b"+") for shape in shapes) else 1,
            hashlib.sha256(b"\n".join(shapes)).digest(),
        )
        for frame, shapes in found.items()
    }


def _closed_spans(clip: Clip) -> Iterator[Span]:
    """Yield the spans of frames strictly inside which this clip cannot be cut."""
    end = clip.start + clip.frames
    if clip.head:
        yield clip.start, min(end, clip.start + clip.head)
    if clip.tail:
        yield max(clip.start, end - clip.tail), end


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap; those that only touch stay two, the frame between them being open."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _open_frame(frame: int, closed: list[Span]) -> int:
    """Return this frame, or the next one at which a cut is allowed."""
    index = bisect_left(closed, (frame, 0)) - 1
    return closed[index][1] if index >= 0 and frame < closed[index][1] else frame


def _divisions(timeline: Timeline, target: int) -> Iterator[int]:
    """Yield where long clips, and long stretches without any, are divided; the lowest clip of a stretch decides."""
    spans = [(c.start, c.start + c.frames) for c in timeline.clips if not isinstance(c.content, CaptionContent)]
    edges = [0, *(frame for span in _joined(spans) for frame in span), timeline.canvas.frames]
    gaps = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
    covered: list[Span] = []
    for start, end in [*spans, *gaps]:
        last = end - int(target * _SHORTEST_TAIL)
        yield from (f for f in range(start + target, last + 1, target) if _open_frame(f, covered) == f)
        _cover(covered, start, end)


def _cover(covered: list[Span], start: int, end: int) -> None:
    """Add a span to others that are joined and in order; what it only touches stays beside it, as in `_joined`."""
    first = bisect_right(covered, start, key=lambda span: span[1])
    last = bisect_left(covered, end, key=lambda span: span[0])
    if first < last:
        start, end = min(start, covered[first][0]), max(end, covered[last - 1][1])
    covered[first:last] = [(start, end)]

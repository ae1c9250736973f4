"""Slices: what lies between two frames of a timeline, told relative to the first of them.

A clip is cut down to the slice. Only where that would split a transition or a line with timed words does it reach over the
edge of the slice, into negative frames or beyond the last: the renderer runs through what lies outside and drops it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, seconds_of, time_of
from renderowl.pipeline.motion import between
from renderowl.pipeline.timeline import (
    AudioClip,
    CaptionContent,
    Chapter,
    Clip,
    Ellipse,
    HighlightContent,
    ImageContent,
    Rate,
    Seconds,
    Subtitle,
    Timeline,
    VideoContent,
)


def window(timeline: Timeline, start: int, end: int) -> Timeline:
    """Return the film's frames from `start` to before `end` as a film of their own."""
    canvas = timeline.canvas
    clips = tuple(piece for clip in timeline.clips if (piece := slice_clip(clip, start, end, canvas.rate)))
    audio = tuple(part for clip in timeline.audio if (part := _slice_audio(clip, start, end, timeline)))
    used = {src for clip in clips for src in clip.sources} | {clip.src for clip in audio}
    first_s, last_s = (float(time_of(frame, canvas.rate)) for frame in (start, end))
    return Timeline(
        canvas=msgspec.structs.replace(canvas, frames=end - start),
        media={src: media for src, media in timeline.media.items() if src in used},
        clips=clips,
        audio=audio,
        subtitles=tuple(_slice_subtitles(timeline.subtitles, first_s, last_s)),
        chapters=tuple(_slice_chapters(timeline.chapters, start, end)),
    )


def slice_clips(clips: Sequence[Clip], edges: Sequence[int], rate: Rate) -> list[tuple[Clip, ...]]:
    """Return what is seen of the clips between each two neighbouring edges; none is looked at where it is not."""
    found: list[list[Clip]] = [[] for _ in edges[1:]]
    for clip in clips:
        first = max(0, bisect_right(edges, clip.start) - 1)
        for place in range(first, min(len(found), bisect_left(edges, clip.start + clip.frames))):
            if piece := slice_clip(clip, edges[place], edges[place + 1], rate):
                found[place].append(piece)
    return [tuple(pieces) for pieces in found]


def slice_clip(clip: Clip, start: int, end: int, rate: Rate) -> Clip | None:
    """Return what is seen of a clip between two frames, or None."""
    if clip.start >= end or clip.start + clip.frames <= start:
        return None
    content = clip.content
    skip, rest = (0, 0) if isinstance(content, CaptionContent) and content.words else _cut_off(clip, start, end)
    if isinstance(content, VideoContent) and skip:
        content = msgspec.structs.replace(content, start=_advanced(content.start, content.speed, skip, rate))
    if isinstance(content, VideoContent | ImageContent) and content.view:
        content = msgspec.structs.replace(content, view=between(content.view, skip, clip.frames - rest))
    if isinstance(content, HighlightContent):
        content = _slice_highlight(content, skip, clip.frames - rest)
    opacity, keys = clip.opacity, between(clip.opacity_keys, skip, clip.frames - rest)
    if len(keys) == 1:  # it has changed, or will: here it is as any other
        opacity, keys = round(opacity * keys[0].value, 6), ()
    if not opacity:
        return None
    gone = 0 if rest or clip.go is None else 1  # how far it goes is measured where it is gone: a frame after its last
    return msgspec.structs.replace(
        clip,
        start=clip.start + skip - start,
        frames=clip.frames - skip - rest,
        content=content,
        opacity=opacity,
        opacity_keys=keys,
        filters=tuple(one.after(skip) for one in clip.filters),
        fade_in=0 if skip else clip.fade_in,
        fade_out=0 if rest else clip.fade_out,
        motion=clip.motion.between(skip, clip.frames - rest + gone) if clip.motion else None,
        come=None if skip else clip.come,
        go=None if rest else clip.go,
    )


def _slice_highlight(content: HighlightContent, first: int, last: int) -> HighlightContent:
    """Return what of a highlight lies between two frames of its clip; what moves elsewhere does not count."""
    ellipses = [
        Ellipse(ellipse.start - first, ellipse.end - first, between(ellipse.keys, first, last))
        for ellipse in content.ellipses
        if ellipse.start < last and ellipse.end > first
    ]
    return msgspec.structs.replace(content, ellipses=tuple(ellipses))


def _slice_audio(clip: AudioClip, start: int, end: int, timeline: Timeline) -> AudioClip | None:
    if clip.start >= end or clip.start + clip.frames <= start:
        return None
    skip, rest = _cut_off(clip, start, end)
    source_start = _advanced(clip.source_start, clip.speed, skip, timeline.canvas.rate)
    if clip.loop and (length := exact(timeline.media[clip.src].duration_s)):
        source_start = seconds_of(fraction_of(source_start) % length)
    return msgspec.structs.replace(
        clip,
        start=clip.start + skip - start,
        frames=clip.frames - skip - rest,
        source_start=source_start,
        envelope=clip.envelope and between(clip.envelope, skip, clip.frames - rest + 1),
        fade_in=0 if skip else clip.fade_in,
        fade_out=0 if rest else clip.fade_out,
    )


def _cut_off(clip: Clip | AudioClip, start: int, end: int) -> tuple[int, int]:
    """Return the frames to take from the clip's head and tail: all outside the slice, but never a part of a transition."""
    head, tail = (clip.head, clip.tail) if isinstance(clip, Clip) else (clip.fade_in, clip.fade_out)
    skip, rest = max(0, start - clip.start), max(0, clip.start + clip.frames - end)
    if skip < head:
        skip = 0
    elif clip.frames - skip < tail:
        skip = clip.frames - tail
    if rest < tail:
        rest = 0
    elif clip.frames - rest < head:
        rest = clip.frames - head
    return skip, rest


def _advanced(start: Seconds, speed: float, skip: int, rate: Rate) -> Seconds:
    return seconds_of(fraction_of(start) + time_of(skip, rate) * exact(speed))


def _slice_subtitles(subtitles: tuple[Subtitle, ...], first_s: float, last_s: float) -> Iterator[Subtitle]:
    for subtitle in subtitles:
        start_s, end_s = max(subtitle.start_s, first_s), min(subtitle.end_s, last_s)
        if start_s < end_s:
            yield Subtitle(round(start_s - first_s, 6), round(end_s - first_s, 6), subtitle.text)


def _slice_chapters(chapters: tuple[Chapter, ...], start: int, end: int) -> Iterator[Chapter]:
    for chapter in chapters:
        first, last = max(chapter.start, start), min(chapter.start + chapter.frames, end)
        if first < last:
            yield Chapter(first - start, last - first, chapter.title)

"""Slices: what lies between two frames of a timeline, told relative to the first of them.

A clip is cut down to the slice. Only where that would split a fade or a line with timed words does it reach over the
edge of the slice, into negative frames or beyond the last: the renderer runs through what lies outside and drops it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, seconds_of, time_of
from renderowl.pipeline.timeline import (
    AudioClip,
    CaptionContent,
    Chapter,
    Clip,
    Ellipse,
    EllipseKey,
    HighlightContent,
    ImageContent,
    Rate,
    Seconds,
    Subtitle,
    Timeline,
    VideoContent,
    ViewKey,
)

Key = TypeVar("Key", EllipseKey, ViewKey)


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


def slice_clip(clip: Clip, start: int, end: int, rate: Rate) -> Clip | None:
    """Return what is seen of a clip between two frames, or None."""
    if clip.start >= end or clip.start + clip.frames <= start:
        return None
    content = clip.content
    skip, rest = (0, 0) if isinstance(content, CaptionContent) and content.words else _cut_off(clip, start, end)
    if isinstance(content, VideoContent) and skip:
        content = msgspec.structs.replace(content, start=_advanced(content.start, content.speed, skip, rate))
    if isinstance(content, VideoContent | ImageContent) and content.view:
        content = msgspec.structs.replace(content, view=_slice_keys(content.view, skip, clip.frames - rest))
    if isinstance(content, HighlightContent):
        content = _slice_highlight(content, skip, clip.frames - rest)
    return msgspec.structs.replace(
        clip,
        start=clip.start + skip - start,
        frames=clip.frames - skip - rest,
        content=content,
        filters=tuple(one.after(skip) for one in clip.filters),
        fade_in=0 if skip else clip.fade_in,
        fade_out=0 if rest else clip.fade_out,
    )


def _slice_highlight(content: HighlightContent, first: int, last: int) -> HighlightContent:
    """Return what of a highlight lies between two frames of its clip; what moves elsewhere does not count."""
    ellipses = [
        Ellipse(ellipse.start - first, ellipse.end - first, _slice_keys(ellipse.keys, first, last))
        for ellipse in content.ellipses
        if ellipse.start < last and ellipse.end > first
    ]
    return msgspec.structs.replace(content, ellipses=tuple(ellipses))


def _slice_keys(keys: tuple[Key, ...], first: int, last: int) -> tuple[Key, ...]:
    """Return the keys that decide about some frame between two, counted from the first of these."""
    low = max(0, bisect_right(keys, first, key=lambda key: key.frame) - 1)
    high = bisect_left(keys, last - 1, key=lambda key: key.frame) + 1
    return tuple(msgspec.structs.replace(key, frame=key.frame - first) for key in keys[low:high])


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
        fade_in=0 if skip else clip.fade_in,
        fade_out=0 if rest else clip.fade_out,
    )


def _cut_off(clip: Clip | AudioClip, start: int, end: int) -> tuple[int, int]:
    """Return the frames to take from the clip's head and tail: all outside the slice, but never a part of a fade."""
    skip, rest = max(0, start - clip.start), max(0, clip.start + clip.frames - end)
    if skip < clip.fade_in:
        skip = 0
    elif clip.frames - skip < clip.fade_out:
        skip = clip.frames - clip.fade_out
    if rest < clip.fade_out:
        rest = 0
    elif clip.frames - rest < clip.fade_in:
        rest = clip.frames - clip.fade_in
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

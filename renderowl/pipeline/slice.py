"""Slices: what lies between two frames of a timeline, told relative to the first of them."""

from collections.abc import Iterator
from fractions import Fraction

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, frame_at, seconds_of, time_of
from renderowl.pipeline.timeline import (
    AudioClip,
    CaptionContent,
    Clip,
    Content,
    Media,
    Rate,
    Seconds,
    Subtitle,
    Timeline,
    VideoContent,
    Word,
)


def window(timeline: Timeline, start: int, end: int) -> Timeline:
    """Return the film's frames from `start` to before `end` as a film; raises ValueError when that would split a fade."""
    canvas = timeline.canvas
    clips = tuple(piece for clip in timeline.clips for piece in slice_clip(clip, start, end, timeline))
    audio = tuple(piece for clip in timeline.audio for piece in _slice_audio(clip, start, end, timeline))
    used = {src for clip in clips if (src := getattr(clip.content, "src", None))} | {clip.src for clip in audio}
    first_s, last_s = (float(time_of(frame, canvas.rate)) for frame in (start, end))
    return Timeline(
        canvas=msgspec.structs.replace(canvas, frames=end - start),
        media={src: media for src, media in timeline.media.items() if src in used},
        clips=clips,
        audio=audio,
        subtitles=tuple(_slice_subtitles(timeline.subtitles, first_s, last_s)),
    )


def slice_clip(clip: Clip, start: int, end: int, timeline: Timeline) -> Iterator[Clip]:
    """Yield what is seen of a clip between two frames: nothing, one clip, or two when a loop begins in mid-pass."""
    first, last = max(clip.start, start), min(clip.start + clip.frames, end)
    skip, frames = first - clip.start, last - first
    if frames <= 0:
        return
    fade_in, fade_out, light = _fades(clip.id, clip.frames, clip.fade_in, clip.fade_out, skip, frames)
    whole = msgspec.structs.replace(
        clip, start=first - start, frames=frames, fade_in=fade_in, fade_out=fade_out, opacity=clip.opacity * light
    )
    rate, content = timeline.canvas.rate, clip.content
    if skip and isinstance(content, VideoContent) and content.loop:
        media = timeline.media[content.src]
        offset, rest = _into_pass(content.start, content.end, content.speed, media, skip, rate)
        rest = min(rest, frames)
        partial = msgspec.structs.replace(content, start=offset, loop=False)
        if rest:
            yield msgspec.structs.replace(
                whole, frames=rest, content=partial, fade_out=0 if rest < frames else fade_out
            )
        if rest < frames:
            yield msgspec.structs.replace(
                whole, start=whole.start + rest, frames=frames - rest, fade_in=0 if rest else fade_in
            )
        return
    yield msgspec.structs.replace(whole, content=_later_part(content, skip, frames, rate))


def _later_part(content: Content, skip: int, frames: int, rate: Rate) -> Content:
    if isinstance(content, VideoContent) and skip:
        return msgspec.structs.replace(content, start=_advanced(content.start, content.speed, skip, rate))
    if isinstance(content, CaptionContent) and content.words:
        return msgspec.structs.replace(content, words=tuple(_shifted(word, skip, frames) for word in content.words))
    return content


def _shifted(word: Word, skip: int, frames: int) -> Word:
    """Return a word's times after a cut; a word that is over, or not yet begun, has no frames."""
    first = min(max(word.start - skip, 0), frames)
    last = min(max(word.start + word.frames - skip, 0), frames)
    return Word(word.text, first, last - first)


def _slice_audio(clip: AudioClip, start: int, end: int, timeline: Timeline) -> Iterator[AudioClip]:
    first, last = max(clip.start, start), min(clip.start + clip.frames, end)
    skip, frames = first - clip.start, last - first
    if frames <= 0:
        return
    fade_in, fade_out, light = _fades(clip.id, clip.frames, clip.fade_in, clip.fade_out, skip, frames)
    whole = msgspec.structs.replace(
        clip, start=first - start, frames=frames, fade_in=fade_in, fade_out=fade_out, gain=clip.gain * light
    )
    rate = timeline.canvas.rate
    if not skip:
        yield whole
    elif not clip.loop:
        yield msgspec.structs.replace(whole, source_start=_advanced(clip.source_start, clip.speed, skip, rate))
    else:
        media = timeline.media[clip.src]
        offset, rest = _into_pass(clip.source_start, clip.source_end, clip.speed, media, skip, rate)
        rest = min(rest, frames)
        if rest:
            yield msgspec.structs.replace(
                whole, frames=rest, source_start=offset, loop=False, fade_out=0 if rest < frames else fade_out
            )
        if rest < frames:
            yield msgspec.structs.replace(
                whole, start=whole.start + rest, frames=frames - rest, fade_in=0 if rest else fade_in
            )


def _fades(name: str, length: int, fade_in: int, fade_out: int, skip: int, frames: int) -> tuple[int, int, float]:
    """Return what is left of the fades and, for a single frame inside one, how much of its light there is."""
    after = length - skip - frames
    splits_in = fade_in > 0 and (0 < skip < fade_in or (skip == 0 and frames < fade_in))
    splits_out = fade_out > 0 and (0 < after < fade_out or (after == 0 and frames < fade_out))
    if frames == 1 and (splits_in or splits_out):
        light_in = min(1.0, skip / fade_in) if fade_in else 1.0
        light_out = min(1.0, (after + 1) / fade_out) if fade_out else 1.0
        return 0, 0, light_in * light_out
    if splits_in or splits_out:
        raise ValueError(f"begins or ends inside a fade of the clip {name}")
    return (fade_in if skip == 0 else 0), (fade_out if after == 0 else 0), 1.0


def _advanced(start: Seconds, speed: float, skip: int, rate: Rate) -> Seconds:
    return seconds_of(fraction_of(start) + time_of(skip, rate) * exact(speed))


def _into_pass(
    start: Seconds, end: Seconds | None, speed: float, media: Media, skip: int, rate: Rate
) -> tuple[Seconds, int]:
    """Return where a loop's source stands after `skip` frames, and the frames left of that pass."""
    stop = exact(media.duration_s) if end is None else fraction_of(end)
    length = (stop - fraction_of(start)) / exact(speed)
    gone = time_of(skip, rate) % length if length > 0 else Fraction(0)
    return seconds_of(fraction_of(start) + gone * exact(speed)), frame_at(length - gone, rate)


def _slice_subtitles(subtitles: tuple[Subtitle, ...], first_s: float, last_s: float) -> Iterator[Subtitle]:
    for subtitle in subtitles:
        start_s, end_s = max(subtitle.start_s, first_s), min(subtitle.end_s, last_s)
        if start_s < end_s:
            yield Subtitle(round(start_s - first_s, 6), round(end_s - first_s, 6), subtitle.text)

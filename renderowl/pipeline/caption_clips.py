"""Caption clips: cues placed on the canvas, a clip and a subtitle for each line shown."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from renderowl.domain.spec.captions import CaptionLook
from renderowl.pipeline.captions import Cue, split
from renderowl.pipeline.clock import exact, frame_at, time_of
from renderowl.pipeline.draft import Draft
from renderowl.pipeline.layout import Stage, caption_style
from renderowl.pipeline.passes import part_of
from renderowl.pipeline.timeline import Box, CaptionContent, Clip, Rate, Subtitle, Word


def add_captions(
    draft: Draft, cues: Sequence[Cue], look: CaptionLook, stage: Stage, clip: Clip, *, origin: Fraction = Fraction(0)
) -> None:
    """Add the lines of `cues` to the draft, their times counted from `origin`, shown only while `clip` is.

    `clip` lends its id, place and moves, its first and last line the way it comes and goes; its content is not looked at.
    """
    style = caption_style(look, stage)
    lines = split(cues, look.max_words, timed=look.animation != "none")
    clip_end = clip.start + clip.frames
    for index, line in enumerate(lines):
        begins, ends = origin + exact(line.start_s), origin + exact(line.end_s)
        start, end = max(frame_at(begins, stage.rate), clip.start), min(frame_at(ends, stage.rate), clip_end)
        if end <= start:
            continue
        content = CaptionContent(line.text, _words(line, origin, start, end, stage.rate), style)
        part = part_of(clip, start - clip.start, end - clip.start)
        draft.add(msgspec.structs.replace(part, id=f"{clip.id}/{index}", content=content))
        first_s, last_s = (float(time_of(frame, stage.rate)) for frame in (start, end))
        draft.subtitles.append(Subtitle(round(first_s, 6), round(last_s, 6), line.text))


def bare_clip(id: str, start: int, frames: int, box: Box) -> Clip:
    """Return a clip that only says where and when, for `add_captions`."""
    return Clip(id, start, frames, CaptionContent(""), box)


def _words(line: Cue, origin: Fraction, start: int, end: int, rate: Rate) -> tuple[Word, ...]:
    words = []
    for word in line.words:
        first = min(max(frame_at(origin + exact(word.start_s), rate), start), end)
        last = min(max(frame_at(origin + exact(word.end_s), rate), first), end)
        words.append(Word(word.text, first - start, last - first))
    return tuple(words)

"""`annotate`: the clips cut out of a video, each with its rating, tags and notes written on it."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from typing import Final

import msgspec

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.annotate import AnnotatedClip, AnnotateSpec
from renderowl.domain.spec.captions import Stroke, Style
from renderowl.domain.spec.fields import Anchor
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.timeline import Position, TextClip
from renderowl.pipeline.ask import Composition, Use
from renderowl.pipeline.clock import exact, frame_at, seconds_of
from renderowl.pipeline.draft import Draft, clip_problems
from renderowl.pipeline.layout import Stage, text_align, text_box, text_style
from renderowl.pipeline.timeline import AudioClip, Chapter, Clip, TextContent, Timeline, VideoContent

_CLIPS: Final = "/params/clips"
_TEXT_SIZE: Final = 0.05
"""Of the shorter side of the picture."""
_SMALLEST: Final = 8.0
_MARGIN: Final = 0.04
_STAR_COLOR, _TEXT_COLOR = "#ffd400", "#ffffff"
_TITLE_CHARS: Final = 80


def sources(spec: AnnotateSpec) -> Iterator[Use]:
    """Yield the video."""
    yield Use(spec.src, "/src")


def check(spec: AnnotateSpec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what is beyond the limits whatever the media are."""
    yield from clip_problems(len(spec.params.clips), limits, _CLIPS)


def compile(spec: AnnotateSpec, draft: Draft) -> Timeline:
    """Lay the clips one after the other, each with its texts and as a chapter."""
    media = draft.media_of(spec.src, "video", "/src")
    if media is not None:
        for index, clip in enumerate(spec.params.clips):
            at = f"{_CLIPS}/{index}"
            draft.check_part(media, exact(clip.start_time), exact(clip.end_time), f"{at}/start_time", f"{at}/end_time")
    draft.refuse_if_failed()
    assert media is not None, "a missing video was noted and refused"
    stage = draft.stage_like(media)
    lengths = (exact(clip.end_time) - exact(clip.start_time) for clip in spec.params.clips)
    begins = list(accumulate(lengths, initial=Fraction(0)))
    frames = draft.frames_of(stage, begins[-1], _CLIPS)
    for index, clip in enumerate(spec.params.clips):
        first, last = (frame_at(time, stage.rate) for time in begins[index : index + 2])
        if first >= last:
            draft.fail(f"{_CLIPS}/{index}/end_time", "the clip is shorter than one frame")
            continue
        start = seconds_of(exact(clip.start_time))
        whole = Clip(f"clip{index}", first, last - first, VideoContent(spec.src, start), stage.box)
        draft.add(whole)
        if media.has_audio:
            draft.add_sound(AudioClip(f"sound{index}", first, last - first, spec.src, start))
        for number, text in enumerate(_texts(clip, stage)):
            draft.add(msgspec.structs.replace(text, id=f"text{index}.{number}", start=first, frames=last - first))
        draft.chapters.append(Chapter(first, last - first, _title(clip, index)))
    return draft.timeline(stage, frames)


def _texts(clip: AnnotatedClip, stage: Stage) -> Iterator[Clip]:
    """Yield the texts without their times: stars and tags in the upper left corner, the notes along the lower edge."""
    size, margin = max(_SMALLEST, _TEXT_SIZE * min(stage.width, stage.height)), _MARGIN * stage.width
    yield _text("★" * clip.rating + "☆" * (5 - clip.rating), margin, margin, "top_left", _STAR_COLOR, size, stage)
    if clip.tags:
        tags = " ".join(f"#{tag}" for tag in clip.tags)
        yield _text(tags, margin, margin + 1.5 * size, "top_left", _TEXT_COLOR, 0.75 * size, stage)
    if clip.notes and clip.notes.strip():
        yield _text(clip.notes, margin, stage.height - margin, "bottom_left", _TEXT_COLOR, 0.85 * size, stage)


def _text(text: str, x: float, y: float, anchor: Anchor, color: str, size: float, stage: Stage) -> Clip:
    pixels = replace(stage, scale=1.0, offset_x=0.0, offset_y=0.0)
    size = max(_SMALLEST, size)
    said = TextClip(
        text=text,
        position=Position(x=x, y=y, anchor=anchor),
        width=max(16, round(stage.width - 2 * x)),
        style=Style(font_size=round(size, 2), color=color, stroke=Stroke(width=round(0.08 * size, 2))),
    )
    style = text_style(said.style, pixels)
    content = TextContent(text, msgspec.structs.replace(style, align=text_align(said)))
    return Clip("", 0, 0, content, text_box(said, pixels, style))


def _title(clip: AnnotatedClip, index: int) -> str:
    words = " ".join((clip.notes or "").split()) or ", ".join(clip.tags) or f"Clip {index + 1}"
    return words if len(words) <= _TITLE_CHARS else words[: _TITLE_CHARS - 1] + "…"


COMPOSITION: Final = Composition(
    id="annotate",
    title="Annotate",
    description="The rated moments of a video, each with its rating, tags and notes.",
    spec=AnnotateSpec,
    sources=sources,
    check=check,
    compile=compile,
    examples=(
        {
            "input_key": "asset://ast_match",
            "params": {
                "clips": [
                    {
                        "start_time": 12.5,
                        "end_time": 18,
                        "rating": 5,
                        "tags": ["goal", "left foot"],
                        "notes": "Great run",
                    },
                    {"start_time": 60, "end_time": 64, "rating": 2},
                ]
            },
        },
    ),
)

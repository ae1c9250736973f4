"""`longform`: hours of sound over a few backgrounds that are crossfaded.

What stands still, and what a loop repeats, becomes segments that are equal, and equal segments are encoded once.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final

import msgspec

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.longform import Background, LongformSpec
from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline.ask import PROPS, Composition, Use
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.draft import Draft, length_problems, size_problems
from renderowl.pipeline.layout import Stage, stage_of
from renderowl.pipeline.passes import SHORTEST_PASS_S, in_passes, pass_starts
from renderowl.pipeline.schedule import STILL_S
from renderowl.pipeline.timeline import AudioClip, Clip, ImageContent, Media, Timeline, VideoContent

Shown = tuple[int, Media | None]
"""A background by its number, and what is known of it."""


def sources(spec: LongformSpec) -> Iterator[Use]:
    """Yield the backgrounds and the sounds."""
    for index, background in enumerate(spec.backgrounds):
        yield Use(background.src, f"/backgrounds/{index}/src")
    for index, sound in enumerate(spec.audio):
        yield Use(sound.src, f"/audio/{index}/src")


def limits(given: Limits) -> Limits:
    """Return the limits with the length of a longform film."""
    return msgspec.structs.replace(given, max_duration_s=max(given.max_duration_s, given.max_longform_s))


def check(spec: LongformSpec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what is beyond the limits whatever the media are."""
    yield from length_problems(spec.duration, limits)
    for error in size_problems(_stage(spec, output), output, limits):
        path = error.path.replace(PROPS, f"{PROPS}/canvas") if error.path.startswith(PROPS) else error.path
        yield FieldError(path, error.message)


def compile(spec: LongformSpec, draft: Draft) -> Timeline:
    """Lay the sounds one after the other and divide their time between the backgrounds."""
    stage = _stage(spec, draft.output)
    backgrounds = [
        (index, draft.media_of(one.src, one.type, f"/backgrounds/{index}/src"))
        for index, one in enumerate(spec.backgrounds)
    ]
    lengths = [_sound_length(sound.src, f"/audio/{index}/src", draft) for index, sound in enumerate(spec.audio)]
    spoken = sum(lengths, Fraction(0))
    if spoken > exact(draft.limits.max_longform_s):
        draft.fail("/audio", f"lasts {float(spoken):g} s in all; the limit is {draft.limits.max_longform_s:g} s")
    total = spoken if spec.duration is None else exact(spec.duration)
    if not total and not draft.errors:
        draft.fail("/duration", "is required without audio: nothing else says how long the film is")
    draft.refuse_if_failed()
    frames = draft.frames_of(stage, total, "/audio" if spec.duration is None else "/duration")
    _see(spec, backgrounds, total, stage, draft)
    for index, (start, end) in enumerate(pairwise(accumulate(lengths, initial=Fraction(0)))):
        first, last = frame_at(start, stage.rate), min(frame_at(end, stage.rate), frames)
        if first < last:
            sound, half = spec.audio[index], (last - first) // 2
            come, go = (min(half, frame_at(exact(fade), stage.rate)) for fade in (sound.fade_in, sound.fade_out))
            draft.add_sound(AudioClip(f"sound{index}", first, last - first, sound.src, fade_in=come, fade_out=go))
    return draft.timeline(stage, frames)


def _stage(spec: LongformSpec, output: OutputSettings) -> Stage:
    canvas = spec.canvas
    return stage_of(canvas.width, canvas.height, canvas.fps, canvas.background, output)


def _sound_length(src: str, at: str, draft: Draft) -> Fraction:
    media = draft.media_of(src, "audio", at)
    return draft.length_of(media, at) if media is not None else Fraction(0)


def _see(spec: LongformSpec, backgrounds: list[Shown], total: Fraction, stage: Stage, draft: Draft) -> None:
    """Add the backgrounds, each coming over the one before it around the edge between them."""
    edges = [frame_at(time, stage.rate) for time in _edges(spec, backgrounds, total)]
    fade = frame_at(exact(spec.crossfade), stage.rate)
    shortest = min(end - start for start, end in pairwise(edges))
    if fade > shortest and len(backgrounds) > 1:
        shown_s = shortest * stage.rate.den / stage.rate.num
        draft.fail("/crossfade", f"is longer than a background is shown, {shown_s:g} s")
        return
    for (index, media), (start, end) in zip(backgrounds, pairwise(edges), strict=False):
        come = fade if index else 0
        go = fade if index + 1 < len(edges) - 1 else 0
        first, last = start - come // 2, end + (go + 1) // 2
        content = _content(spec.backgrounds[index])
        whole = Clip(f"background{index}", first, last - first, content, stage.box, fade_in=come)
        for piece in _repeated(whole, media, stage):
            draft.add(piece)


def _edges(spec: LongformSpec, backgrounds: list[Shown], total: Fraction) -> list[Fraction]:
    """Return when each background comes, and when the last one goes."""
    if spec.loop_images:
        return [total * index / len(backgrounds) for index in range(len(backgrounds) + 1)]
    lengths = [exact(media.duration_s) if media and media.duration_s else STILL_S for _, media in backgrounds]
    return sorted({min(time, total) for time in accumulate(lengths, initial=Fraction(0))})


def _content(background: Background) -> VideoContent | ImageContent:
    kind = VideoContent if background.type == "video" else ImageContent
    return kind(background.src, fit=background.fit)


def _repeated(whole: Clip, media: Media | None, stage: Stage) -> list[Clip]:
    """Return the clip, or where its video is shorter than it a clip for each pass."""
    length = exact(media.duration_s) if media is not None else Fraction(0)
    one_pass = frame_at(length, stage.rate)
    if not isinstance(whole.content, VideoContent) or not 0 < one_pass < whole.frames:
        return [whole]
    if length < SHORTEST_PASS_S or whole.fade_in > one_pass:
        return [msgspec.structs.replace(whole, content=msgspec.structs.replace(whole.content, loop=True))]
    return in_passes(whole, pass_starts(length, whole.frames, stage.rate))


COMPOSITION: Final = Composition(
    id="longform",
    title="Longform",
    description="Up to three hours of sound over one to four backgrounds.",
    spec=LongformSpec,
    sources=sources,
    check=check,
    compile=compile,
    limits=limits,
    examples=(
        {
            "canvas": {"width": 1280, "height": 720},
            "backgrounds": [
                {"type": "image", "src": "asset://ast_cover"},
                {"type": "video", "src": "asset://ast_rain", "fit": "cover"},
            ],
            "crossfade": 2,
            "audio": [{"src": "asset://ast_chapter_1"}, {"src": "asset://ast_chapter_2", "fade_out": 4}],
        },
    ),
)

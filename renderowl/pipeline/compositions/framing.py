"""`framing`: clips in a new shape, each seen through a crop that moves from keyframe to keyframe."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from typing import Final

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.framing import CropKeyframe, FramingClip, FramingParams, FramingSpec
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline.ask import PROPS, Composition, Use
from renderowl.pipeline.clock import exact, frame_at, rate_of, seconds_of, time_of
from renderowl.pipeline.draft import DEFAULT_FPS, Draft, clip_problems, size_problems
from renderowl.pipeline.layout import Stage, stage_of, whole_pixels
from renderowl.pipeline.timeline import AudioClip, Clip, Media, Seconds, Timeline, VideoContent, ViewKey

_LONG, _SHORT = 1920, 1080
_SLACK_PIXELS: Final = 0.5


def sources(spec: FramingSpec) -> Iterator[Use]:
    """Yield the videos of all clips."""
    for index, clip in enumerate(spec.params.clips):
        yield Use(clip.src, f"/params/clips/{index}/src")


def check(spec: FramingSpec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    """Yield what is beyond the limits whatever the media are."""
    yield from clip_problems(len(spec.params.clips), limits, "/params/clips")
    for error in size_problems(_stage(spec.params, DEFAULT_FPS, output), output, limits):
        path = error.path.replace(f"{PROPS}/", f"{PROPS}/params/output_")
        yield FieldError(path, error.message)


def compile(spec: FramingSpec, draft: Draft) -> Timeline:
    """Lay the clips one after the other in the order of their index."""
    clips = sorted(enumerate(spec.params.clips), key=lambda one: one[1].clip_index)
    found = [draft.media_of(clip.src, "video", f"/params/clips/{index}/src") for index, clip in clips]
    parts = [
        _part(clip, f"/params/clips/{index}", media, draft) for (index, clip), media in zip(clips, found, strict=True)
    ]
    draft.refuse_if_failed()
    media = [one for one in found if one is not None]
    stage = _stage(spec.params, draft.fps_of(media[0]), draft.output)
    begins = list(accumulate((end - start for start, end in parts), initial=Fraction(0)))
    frames = draft.frames_of(stage, begins[-1], "/params/clips")
    for place, ((index, clip), picture) in enumerate(zip(clips, media, strict=True)):
        first, last = (frame_at(time, stage.rate) for time in begins[place : place + 2])
        if first >= last:
            draft.fail(f"/params/clips/{index}/end", "the clip is shorter than one frame")
            continue
        start = seconds_of(parts[place][0])
        content = _content(clip, f"/params/clips/{index}", start, picture, stage, draft)
        draft.add(Clip(f"clip{index}", first, last - first, content, stage.box))
        if picture.has_audio:
            draft.add_sound(AudioClip(f"sound{index}", first, last - first, clip.src, start))
    return draft.timeline(stage, frames)


def _stage(params: FramingParams, fps: float, output: OutputSettings) -> Stage:
    """Return the asked size; a missing side follows the ratio, and both are at most 1920 and 1080 pixels long."""
    ratio = params.ratio
    width, height = params.output_width, params.output_height
    if width is None and height is None:
        long, short = (_LONG, _SHORT) if ratio >= 1 else (_SHORT, _LONG)
        width, height = min(long, round(short * ratio)), min(short, round(long / ratio))
    width, height = width or round((height or 0) * ratio), height or round((width or 0) / ratio)
    return stage_of(width, height, fps, "#000000", output)


def _part(clip: FramingClip, at: str, media: Media | None, draft: Draft) -> tuple[Fraction, Fraction]:
    """Return the part of the source that is used, in seconds."""
    start = exact(clip.start)
    if media is None:
        return start, start
    if not media.duration_s and clip.end is None:
        draft.fail(f"{at}/end", "must be given: the source does not say how long it is")
    end = exact(media.duration_s if clip.end is None else clip.end)
    draft.check_part(media, start, end, f"{at}/start", f"{at}/end")
    return start, end


def _content(clip: FramingClip, at: str, start: Seconds, media: Media, stage: Stage, draft: Draft) -> VideoContent:
    """Return the video as it is seen; only a crop that moves needs a view."""
    view = _view(clip, f"{at}/crop_keyframes", media, stage, draft)
    if len({(key.x, key.y, key.width, key.height) for key in view}) > 1:
        return VideoContent(clip.src, start, view=view)
    if not view:
        return VideoContent(clip.src, start)
    still = view[0]
    crop = whole_pixels(still.x, still.y, still.width, still.height, media.width, media.height)
    return VideoContent(clip.src, start, crop=crop)


def _view(clip: FramingClip, at: str, media: Media, stage: Stage, draft: Draft) -> tuple[ViewKey, ...]:
    """Return the keyframes in the film's frames and the source's pixels; of several within one frame the last counts."""
    said = [(key.x, key.y, key.width, key.height) for key in clip.crop_keyframes]
    relative = all(number <= 1 for crop in said for number in crop)
    across, down = (media.width, media.height) if relative else (1, 1)
    times = [_time(key, media) for key in clip.crop_keyframes]
    view: dict[int, ViewKey] = {}
    for index, (key, time) in enumerate(zip(clip.crop_keyframes, times, strict=True)):
        crop = key.x * across, key.y * down, key.width * across, key.height * down
        if crop[0] + crop[2] > media.width + _SLACK_PIXELS or crop[1] + crop[3] > media.height + _SLACK_PIXELS:
            draft.fail(f"{at}/{index}", f"leaves the source, which is {media.width}x{media.height}")
        if index and time <= times[index - 1]:
            name = "frame" if key.frame is not None else "time"
            draft.fail(f"{at}/{index}/{name}", "must be later than that of the one before it")
        frame = frame_at(time, stage.rate)
        view[frame] = _shaped(frame, crop, stage)
    return tuple(view.values())


def _time(key: CropKeyframe, media: Media) -> Fraction:
    if key.frame is not None:
        return time_of(key.frame, rate_of(media.fps or DEFAULT_FPS))
    return exact(key.time or 0.0)


def _shaped(frame: int, crop: tuple[float, float, float, float], stage: Stage) -> ViewKey:
    """Return the largest part of the film's shape in the middle of a crop, so that nothing is ever distorted."""
    x, y, across, down = crop
    ratio = stage.width / stage.height
    width, height = min(across, down * ratio), min(down, across / ratio)
    left, top = x + (across - width) / 2, y + (down - height) / 2
    return ViewKey(frame, round(left, 3), round(top, 3), round(width, 3), round(height, 3))


COMPOSITION: Final = Composition(
    id="framing",
    title="Framing",
    description="Clips brought to another shape, each seen through a crop that moves.",
    spec=FramingSpec,
    sources=sources,
    check=check,
    compile=compile,
    examples=(
        {
            "params": {
                "aspect_ratio": "9:16",
                "clips": [
                    {
                        "clip_index": 0,
                        "input_key": "asset://ast_match",
                        "start": 4,
                        "end": 9,
                        "crop_keyframes": [
                            {"time": 0, "x": 100, "y": 0, "width": 607, "height": 1080},
                            {"time": 3, "x": 900, "y": 0, "width": 607, "height": 1080},
                        ],
                    },
                    {"clip_index": 1, "input_key": "asset://ast_goal"},
                ],
            }
        },
    ),
)

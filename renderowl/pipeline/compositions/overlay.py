"""`overlay`: a video in which ellipses are pointed out by what is done around them, or by a colour."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final, Literal

import msgspec

from renderowl.domain.spec.overlay import OverlaySpec, Region
from renderowl.pipeline.ask import Composition, Use
from renderowl.pipeline.clock import exact, frame_at, rate_of, time_of
from renderowl.pipeline.draft import DEFAULT_FPS, Draft
from renderowl.pipeline.layout import Stage, plain_color
from renderowl.pipeline.timeline import (
    AudioClip,
    Clip,
    Ellipse,
    EllipseKey,
    HighlightContent,
    Media,
    Timeline,
    VideoContent,
)

_EFFECTS: Final[dict[str, Literal["dim", "blur", "tint"]]] = {
    "dark_overlay": "dim",
    "blur": "blur",
    "original": "tint",
}
_OPACITY: Final = {"dim": 0.6, "blur": 1.0, "tint": 0.3}
"""How strong an effect is unless a region says so."""
_COLOR: Final = "#ffffff"


def sources(spec: OverlaySpec) -> Iterator[Use]:
    """Yield the video."""
    yield Use(spec.src, "/src")


def compile(spec: OverlaySpec, draft: Draft) -> Timeline:
    """Lay the highlights over the video; those that are there at the same time share one effect around them."""
    picture = draft.media_of(spec.src, "video", "/src")
    total = draft.length_of(picture, "/src") if picture is not None else Fraction(0)
    draft.refuse_if_failed()
    assert picture is not None, "a missing video was noted and refused"
    stage = draft.stage_like(picture)
    frames = draft.frames_of(stage, total, "/src")
    draft.add(Clip("video", 0, frames, VideoContent(spec.src), stage.box))
    if picture.has_audio:
        draft.add_sound(AudioClip("audio", 0, frames, spec.src))
    effect = _EFFECTS[spec.params.effect_type]
    ellipses = [
        ellipse
        for index, region in enumerate(spec.params.highlight_regions)
        if (ellipse := _ellipse(region, f"/params/highlight_regions/{index}", effect, picture, stage, frames, draft))
    ]
    for number, group in enumerate([[one] for one in ellipses] if effect == "tint" else _groups(ellipses)):
        start, end = group[0].start, max(ellipse.end for ellipse in group)
        content = HighlightContent(effect, tuple(_moved(ellipse, -start) for ellipse in group))
        draft.add(Clip(f"highlight{number}", start, end - start, content, stage.box))
    return draft.timeline(stage, frames)


def _ellipse(
    region: Region, at: str, effect: str, picture: Media, stage: Stage, frames: int, draft: Draft
) -> Ellipse | None:
    """Return the region in the film's frames and pixels, or None when nothing of it is seen."""
    start, end = (frame_at(time, stage.rate) for time in _times(region, picture))
    if start >= frames:
        name = "start_frame" if region.start_frame is not None else "start_time"
        length_s = float(time_of(frames, stage.rate))
        draft.fail(f"{at}/{name}", f"is beyond the film's end at {length_s:g} s")
        return None
    keys = _keys(region, start, effect, picture, stage)
    end = min(end, frames)
    return Ellipse(start, end, keys) if start < end else None


def _times(region: Region, picture: Media) -> tuple[Fraction, Fraction]:
    if region.start_frame is not None and region.end_frame is not None:
        rate = rate_of(picture.fps or DEFAULT_FPS)
        return time_of(region.start_frame, rate), time_of(region.end_frame, rate)
    return exact(region.start_time or 0.0), exact(region.end_time or 0.0)


def _keys(region: Region, start: int, effect: str, picture: Media, stage: Stage) -> tuple[EllipseKey, ...]:
    """Return the region's keys in frames of the film; of several within one frame the last counts."""
    said = [
        (frame_at(exact(key.time), stage.rate), key.x, key.y, key.radius_x, key.radius_y, key.opacity, key.color)
        for key in region.keyframes
    ] or [(start, region.x or 0.0, region.y or 0.0, region.radius_x or 1.0, region.radius_y or 1.0, None, None)]
    relative = all(number <= 1 for _, *place, _, _ in said for number in place)
    across, down = (1, 1) if relative else (picture.width, picture.height)
    opacity, color = region.opacity if region.opacity is not None else _OPACITY[effect], region.color or _COLOR
    return tuple(
        {
            frame: EllipseKey(
                frame=frame,
                x=round(x * stage.width / across, 3),
                y=round(y * stage.height / down, 3),
                radius_x=round(max(radius_x * stage.width / across, 1.0), 3),
                radius_y=round(max(radius_y * stage.height / down, 1.0), 3),
                opacity=opacity if own is None else own,
                color=plain_color(tone or color)[:7],
            )
            for frame, x, y, radius_x, radius_y, own, tone in said
        }.values()
    )


def _groups(ellipses: list[Ellipse]) -> Iterator[list[Ellipse]]:
    """Yield the ellipses that overlap in time, directly or through others, together."""
    group: list[Ellipse] = []
    for ellipse in sorted(ellipses, key=lambda one: one.start):
        if group and ellipse.start >= max(one.end for one in group):
            yield group
            group = []
        group.append(ellipse)
    if group:
        yield group


def _moved(ellipse: Ellipse, by: int) -> Ellipse:
    keys = tuple(msgspec.structs.replace(key, frame=key.frame + by) for key in ellipse.keys)
    return Ellipse(ellipse.start + by, ellipse.end + by, keys)


COMPOSITION: Final = Composition(
    id="overlay",
    title="Overlay",
    description="A video in which regions are highlighted, standing still or moving.",
    spec=OverlaySpec,
    sources=sources,
    compile=compile,
    examples=(
        {
            "input_key": "asset://ast_match",
            "params": {
                "effect_type": "dark_overlay",
                "highlight_regions": [
                    {"start_frame": 30, "end_frame": 90, "x": 0.4, "y": 0.5, "radius_x": 0.05, "radius_y": 0.15},
                    {
                        "start_time": 4,
                        "end_time": 6,
                        "keyframes": [
                            {"time": 4, "x": 0.2, "y": 0.5, "radius_x": 0.05, "radius_y": 0.15},
                            {"time": 6, "x": 0.6, "y": 0.4, "radius_x": 0.05, "radius_y": 0.15},
                        ],
                    },
                ],
            },
        },
    ),
)

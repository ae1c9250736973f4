"""The course of a clip: its keyframes, or its place if it has none, and those of its transitions that are moves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from renderowl.pipeline.effects.move import Course
from renderowl.pipeline.effects.path import Keys
from renderowl.pipeline.motion import Direction, Key, Motion, Passage
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Canvas, Clip

_MOVES: Final = ("slide", "push", "zoom")
_OPPOSITE: Final[dict[Direction, Direction]] = {"left": "right", "right": "left", "up": "down", "down": "up"}


def has_course(clip: Clip) -> bool:
    """True when a clip is not at the same place, equally large, in all of its frames."""
    return clip.motion is not None or any(end is not None and end.kind in _MOVES for end in (clip.come, clip.go))


def course_of(clip: Clip, drawn: Size, canvas: Canvas) -> Course:
    """Return where the clip is in each of its frames, `drawn` being what is seen in the middle of its box."""
    box = clip.box
    told = clip.motion or Motion(x=(Key(0, box.center_x),), y=(Key(0, box.center_y),), rotation=(Key(0, box.rotation),))
    course = Course(
        box=Size(box.width, box.height),
        anchor=(told.anchor_x, told.anchor_y),
        x=(told.x,),
        y=(told.y,),
        scale_x=(told.scale, told.width),
        scale_y=(told.scale, told.height),
        rotation=told.rotation,
    )
    added = course
    for passage, side, outside, inside in _ends(clip):
        if passage.kind == "zoom":
            keys = _path(outside, 0.0, inside, 1.0)
            added = replace(added, scale_x=(*added.scale_x, keys), scale_y=(*added.scale_y, keys))
            continue
        corners = course.corners(outside, drawn)
        keys = _path(outside, _way_out(corners, side, canvas, whole=passage.kind == "push"), inside, 0.0)
        across = side in ("left", "right")
        added = replace(added, x=(*added.x, keys)) if across else replace(added, y=(*added.y, keys))
    return added


def _ends(clip: Clip) -> Iterator[tuple[Passage, Direction, int, int]]:
    """Yield each transition that is a move, the side it is beyond, and the frames at which it is outside and inside."""
    if clip.come is not None and clip.come.kind in _MOVES:
        yield clip.come, _OPPOSITE[clip.come.direction], 0, clip.come.frames
    if clip.go is not None and clip.go.kind in _MOVES:
        yield clip.go, clip.go.direction, clip.frames, clip.frames - clip.go.frames


def _way_out(corners: list[tuple[float, float]], side: Direction, canvas: Canvas, *, whole: bool) -> float:
    """Return how far the clip must go to leave the canvas; what pushes and what is pushed go as far as each other."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    match side:
        case "left":
            return -canvas.width if whole else -max(xs)
        case "right":
            return canvas.width - (0 if whole else min(xs))
        case "up":
            return -canvas.height if whole else -max(ys)
        case _:
            return canvas.height - (0 if whole else min(ys))


def _path(frame: int, value: float, other_frame: int, other_value: float) -> Keys:
    return sorted([(frame, round(value, 3)), (other_frame, other_value)])

"""Keyframes: from what a clip's spec says of its moves and transitions to what the timeline does.

A property whose keys are all alike does not move: it is the same as the clip's field of that name. What does move is told
against the clip as it would stand still, unscaled and unturned.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from renderowl.domain.spec.fields import Problem
from renderowl.domain.spec.motion import Keyframe, Property, PropertyKeyframe, Transition, TransitionEnd
from renderowl.domain.spec.timeline import ColorClip, ImageClip, Position, SeenClip, ShapeClip, VideoClip
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.layout import ANCHORS, Stage, anchor_of, point_of
from renderowl.pipeline.meeting import Stay
from renderowl.pipeline.motion import Key, Motion, Passage
from renderowl.pipeline.timeline import Clip, Rate

Seen = TypeVar("Seen", bound=SeenClip)


def at_rest(clip: Seen, stage: Stage) -> Seen:
    """Return the clip without keyframes, as it stands still: at its first place, with its largest sides."""
    keyed = _by_property(clip)
    fields: dict[str, object] = {"keyframes": ()}
    if "x" in keyed or "y" in keyed:
        x, y = point_of(clip, stage)
        fields["position"] = Position(
            anchor=anchor_of(clip),
            x=keyed["x"][0].value if "x" in keyed else (x - stage.offset_x) / stage.scale,
            y=keyed["y"][0].value if "y" in keyed else (y - stage.offset_y) / stage.scale,
        )
    for side in ("width", "height"):
        if side in keyed:
            fields[side] = max(2, round(max(key.value for key in keyed[side])))
    for name, plain in (("scale", 1.0), ("rotation", 0.0), ("opacity", 1.0)):
        if name in keyed:
            fields[name] = plain if _moves(keyed[name]) else keyed[name][0].value
    return msgspec.structs.replace(clip, **fields)


def motion_of(clip: SeenClip, stage: Stage) -> Motion | None:
    """Return how the clip moves in the output's pixels, or None if it does not."""
    keyed = {name: keys for name, keys in _by_property(clip).items() if name != "opacity" and _moves(keys)}
    if not keyed:
        return None
    rest = at_rest(clip, stage)
    x, y = point_of(rest, stage)
    across, down = ANCHORS[anchor_of(clip)]

    def keys(name: Property, still: float, factor: float = 1.0, offset: float = 0.0) -> tuple[Key, ...]:
        return keys_of(keyed[name], stage.rate, factor, offset) if name in keyed else (Key(0, round(still, 3)),)

    return Motion(
        x=keys("x", x, stage.scale, stage.offset_x),
        y=keys("y", y, stage.scale, stage.offset_y),
        anchor_x=across,
        anchor_y=down,
        width=keys("width", 1.0, 1 / (rest.width or 1)),
        height=keys("height", 1.0, 1 / (rest.height or 1)),
        scale=keys("scale", 1.0),
        rotation=keys("rotation", rest.rotation),
    )


def with_moves(drawn: Clip, clip: SeenClip, stay: Stay, stage: Stage) -> Clip:
    """Return the clip as it is drawn at rest with all that its spec says of its moves, and how it stays for the next."""
    said = clip.transition or Transition()
    come, go = (frame_at(exact(seconds), stage.rate) for seconds in clip.fades_s)
    opacity = _by_property(clip).get("opacity", [])
    return msgspec.structs.replace(
        drawn,
        fade_in=come,
        fade_out=stay.frames if stay.fades else go,
        opacity_keys=keys_of(opacity, stage.rate) if _moves(opacity) else (),
        motion=motion_of(clip, stage),
        come=_passage(said.in_, stage),
        go=stay.go or _passage(said.out, stage),
    )


def _passage(end: TransitionEnd | None, stage: Stage) -> Passage | None:
    """Return a transition that is more than a fade, or None."""
    frames = frame_at(exact(end.duration), stage.rate) if end is not None else 0
    if end is None or not frames or end.type in ("fade", "crossfade", "none"):
        return None
    return Passage(end.type, frames, end.direction or "left")  # type: ignore[arg-type]  # the others are passages


def side_problems(clip: SeenClip) -> Iterator[Problem]:
    """Yield the keys of sides that this clip's picture cannot follow."""
    if isinstance(clip, ColorClip | ShapeClip) or (isinstance(clip, VideoClip | ImageClip) and clip.fit == "fill"):
        return
    for index, key in enumerate(clip.keyframes):
        if key.property in ("width", "height"):
            message = f'{key.property} can be keyed of type color and shape, or with fit "fill"; use scale'
            yield f"/keyframes/{index}/property", message


def _by_property(clip: SeenClip) -> dict[Property, list[PropertyKeyframe]]:
    found: dict[Property, list[PropertyKeyframe]] = {}
    for key in clip.keyframes:
        found.setdefault(key.property, []).append(key)
    return found


def _moves(keys: Sequence[PropertyKeyframe]) -> bool:
    return any(key.value != keys[0].value for key in keys)


def keys_of(keys: Sequence[Keyframe], rate: Rate, factor: float = 1.0, offset: float = 0.0) -> tuple[Key, ...]:
    """Return the keys in frames; of several within one frame the last counts."""
    found: dict[int, Key] = {}
    for key in keys:
        frame = frame_at(exact(key.time), rate)
        found[frame] = Key(frame, round(key.value * factor + offset, 6), key.easing if key.easing != "step" else "hold")
    return tuple(found.values())

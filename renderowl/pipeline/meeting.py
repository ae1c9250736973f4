"""Neighbours of a track: a clip whose time is over stays below the next one until that one's transition is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from renderowl.domain.spec.timeline import CaptionClip, ColorClip, ImageClip, SeenClip, VideoClip
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.motion import Passage
from renderowl.pipeline.schedule import Slot
from renderowl.pipeline.timeline import Rate


@dataclass(frozen=True)
class Stay:
    """How long a clip is seen beyond its end, in frames, and how it then goes: it fades, is pushed off or is covered."""

    frames: int = 0
    fades: bool = False
    go: Passage | None = None


def stays(slots: Sequence[Slot], rate: Rate) -> list[Stay]:
    """Return for each slot how it stays below the one after it."""
    found = [_stay(slot, after, rate) for slot, after in pairwise(slots)]
    return [*found, Stay()] if slots else []


def _stay(slot: Slot, after: Slot, rate: Rate) -> Stay:
    clip, coming = slot.clip, after.clip
    if slot.track is not after.track or slot.end is None or isinstance(clip, CaptionClip):
        return Stay()
    if not isinstance(clip, SeenClip) or not isinstance(coming, SeenClip) or clip.goes_by_itself:
        return Stay()
    way = coming.transition.in_ if coming.transition else None
    if way is None or way.type in ("fade", "none"):
        return Stay()
    start, frames, end = frame_at(after.start, rate), frame_at(exact(way.duration), rate), frame_at(slot.end, rate)
    if not start <= end < start + frames:
        return Stay()
    left = start + frames - end
    if way.type == "push":
        return Stay(left, go=Passage("push", left, way.direction or "left"))
    return Stay(left, fades=not _covers(after, slot))


def _covers(slot: Slot, below: Slot) -> bool:
    """True when nothing of the one clip is seen around or through the other."""
    clip, other = slot.clip, below.clip
    if not isinstance(clip, SeenClip) or not isinstance(other, SeenClip) or clip.opacity < 1 or clip.keyframes:
        return False
    if isinstance(clip, VideoClip | ImageClip):
        opaque = slot.media is not None and not slot.media.has_alpha and clip.chroma_key is None
        fills = opaque and clip.fit in ("cover", "fill", "blur")
    else:
        fills = isinstance(clip, ColorClip) and len(clip.color) < 9
    if not fills:
        return False
    if (clip.width is None) != (clip.height is None):
        return False
    alone = (clip.position, clip.width, clip.height, clip.rotation) == ("center", None, None, 0) and clip.scale >= 1
    return alone or (not other.keyframes and _place(clip) == _place(other))


def _place(clip: SeenClip) -> tuple[object, ...]:
    return clip.position, clip.width, clip.height, clip.scale, clip.rotation

"""Passes: a loop as one clip for each time round, so that a film can be cut between them and equal ones are made once."""

from fractions import Fraction
from typing import Final, TypeVar

import msgspec

from renderowl.pipeline.clock import frame_at
from renderowl.pipeline.motion import after
from renderowl.pipeline.timeline import AudioClip, Clip, ImageContent, Rate, VideoContent

Piece = TypeVar("Piece", Clip, AudioClip)

SHORTEST_PASS_S: Final = Fraction(1)
"""A loop of shorter ones is left to the renderer: clips of a few frames would cost more than they save."""


def pass_starts(length: Fraction, frames: int, rate: Rate) -> list[int]:
    """Return the frames at which the passes of a loop over `length` seconds begin, none of them at or after `frames`."""
    count = -(-frames // max(1, frame_at(length, rate))) + 1
    begins = (frame_at(index * length, rate) for index in range(count))
    return [frame for frame in begins if frame < frames]


def in_passes(whole: Piece, begins: list[int]) -> list[Piece]:
    """Split a clip at the given frames of it, each piece beginning anew in the source; the fades stay at the ends."""
    ends = [*begins[1:], whole.frames]
    return [
        msgspec.structs.replace(
            _part(whole, first, last),
            id=f"{whole.id}/{index}" if len(begins) > 1 else whole.id,
        )
        for index, (first, last) in enumerate(zip(begins, ends, strict=True))
    ]


def _part(whole: Piece, first: int, last: int) -> Piece:
    if isinstance(whole, Clip):
        return part_of(whole, first, last)  # type: ignore[return-value]  # mypy thinks it may be an AudioClip as well
    return msgspec.structs.replace(
        whole,
        start=whole.start + first,
        frames=last - first,
        envelope=after(whole.envelope, first),
        fade_in=whole.fade_in if first == 0 else 0,
        fade_out=min(whole.fade_out, last - first) if last == whole.frames else 0,
    )


def part_of(whole: Clip, first: int, last: int) -> Clip:
    """Return the frames from `first` to before `last` of a clip: the picture begins anew, all that moves goes on."""
    frames, content = last - first, whole.content
    if isinstance(content, VideoContent | ImageContent) and content.view:
        content = msgspec.structs.replace(content, view=after(content.view, first))
    return msgspec.structs.replace(
        whole,
        start=whole.start + first,
        frames=frames,
        content=content,
        fade_in=min(whole.fade_in, frames) if first == 0 else 0,
        fade_out=min(whole.fade_out, frames) if last == whole.frames else 0,
        filters=tuple(one.after(first) for one in whole.filters),
        opacity_keys=after(whole.opacity_keys, first),
        motion=whole.motion and whole.motion.after(first),
        come=whole.come and whole.come.within(frames) if first == 0 else None,
        go=whole.go and whole.go.within(frames) if last == whole.frames else None,
    )

"""Passes: a loop as one clip for each time round, so that a film can be cut between them and equal ones are made once."""

from fractions import Fraction
from typing import Final, TypeVar

import msgspec

from renderowl.pipeline.clock import frame_at
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
            _moved_on(whole, first),
            id=f"{whole.id}/{index}" if len(begins) > 1 else whole.id,
            start=whole.start + first,
            frames=last - first,
            fade_in=whole.fade_in if first == 0 else 0,
            fade_out=min(whole.fade_out, last - first) if last == whole.frames else 0,
        )
        for index, (first, last) in enumerate(zip(begins, ends, strict=True))
    ]


def _moved_on(whole: Piece, frames: int) -> Piece:
    """Return the clip with its view where it is after some frames: the picture begins anew, its move goes on."""
    if isinstance(whole, Clip) and whole.filters:
        whole = msgspec.structs.replace(whole, filters=tuple(one.after(frames) for one in whole.filters))
    content = whole.content if isinstance(whole, Clip) else None
    if not isinstance(content, VideoContent | ImageContent) or not content.view:
        return whole
    view = tuple(msgspec.structs.replace(key, frame=key.frame - frames) for key in content.view)
    return msgspec.structs.replace(whole, content=msgspec.structs.replace(content, view=view))

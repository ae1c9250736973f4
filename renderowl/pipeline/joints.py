"""Joints of sounds: where a clip is cut off in the middle of its source, and where another one goes on with it."""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, time_of
from renderowl.pipeline.timeline import AudioClip, Rate

_SAME_S: Final = Fraction(1, 2000)
"""Two clips whose places in the source are nearer than this are one sound: a rounded frame is no joint."""


class Edges(msgspec.Struct, frozen=True):
    """Whether a clip's sound begins and ends in the middle of something, with nothing that goes on with it."""

    start: bool
    end: bool


def cut_edges(clips: Sequence[AudioClip], rate: Rate) -> list[Edges]:
    """Return each clip's edges. A clip that begins with its source begins as that does."""
    begun: dict[object, list[Fraction]] = defaultdict(list)
    ended: dict[object, list[Fraction]] = defaultdict(list)
    for clip in clips:
        begun[_heard(clip, 0)].append(fraction_of(clip.source_start))
        ended[_heard(clip, clip.frames)].append(_source_end(clip, rate))
    return [
        Edges(
            start=clip.source_start.num > 0 and not _near(fraction_of(clip.source_start), ended[_heard(clip, 0)]),
            end=clip.loop or not _near(_source_end(clip, rate), begun[_heard(clip, clip.frames)]),
        )
        for clip in clips
    ]


def _heard(clip: AudioClip, frame: int) -> object:
    """Return what must be equal at a joint: when it is, of which source, and how it sounds there."""
    key, fade = (0, clip.fade_in) if frame == 0 else (-1, clip.fade_out)
    level = 0.0 if fade else round(clip.gain * (clip.envelope[key].value if clip.envelope else 1.0), 4)
    return clip.start + frame, clip.src, clip.speed, clip.keep_pitch, clip.duck, clip.group, level


def _source_end(clip: AudioClip, rate: Rate) -> Fraction:
    return fraction_of(clip.source_start) + time_of(clip.frames, rate) * exact(clip.speed)


def _near(place: Fraction, others: Sequence[Fraction]) -> bool:
    return any(abs(place - other) < _SAME_S for other in others)

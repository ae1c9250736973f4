"""Lanes: clips laid out below each other so that none hides another, as an editor shows a film."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from operator import itemgetter

import msgspec

from renderowl.pipeline.timeline import AudioClip, Clip

Laid = tuple[int, int, int]
"""Start, end and number of a clip in a lane."""


class Lane(msgspec.Struct):
    """Clips that follow each other, by their start."""

    laid: list[Laid] = []

    def takes(self, clip: Clip | AudioClip, clips: list[Clip | AudioClip]) -> bool:
        """Tell whether a clip finds room here: beside the others, or come over them as they go."""
        start, end = clip.start, clip.start + clip.frames
        place = bisect_left(self.laid, start, key=itemgetter(0))
        if place:
            before = self.laid[place - 1]
            if before[1] - start > max(head(clip), tail(clips[before[2]])):
                return False
        if place < len(self.laid):
            after = self.laid[place]
            return end - after[0] <= max(head(clips[after[2]]), tail(clip)) and after[0] > start
        return True

    def put(self, clip: Clip | AudioClip, number: int) -> None:
        """Lay a clip where `takes` found room."""
        insort(self.laid, (clip.start, clip.start + clip.frames, number))


def lay_out(clips: Iterable[Clip | AudioClip], most: int) -> tuple[list[list[Clip | AudioClip]], int]:
    """Return at most `most` lanes, each in the order of time, the first for what is drawn first; and how many found no room."""
    known = list(clips)
    lanes: list[Lane] = []
    left_out = 0
    for number, clip in enumerate(known):
        lane = next((lane for lane in lanes if lane.takes(clip, known)), None)
        if lane is None:
            if len(lanes) == most:
                left_out += 1
                continue
            lane = Lane()
            lanes.append(lane)
        lane.put(clip, number)
    return [[known[number] for _, _, number in lane.laid] for lane in lanes], left_out


def head(clip: Clip | AudioClip) -> int:
    """Return the frames within which a clip comes."""
    return clip.head if isinstance(clip, Clip) else clip.fade_in


def tail(clip: Clip | AudioClip) -> int:
    """Return the frames within which a clip goes."""
    return clip.tail if isinstance(clip, Clip) else clip.fade_out

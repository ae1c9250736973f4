"""Mixing: sounds laid out in time and added up.

Sounds that follow one another make one stream and only what overlaps is added: a mixer is given as many streams as there
are sounds at one moment, not as many as there are in the film, each of them silent for nearly all of it.
"""

from collections.abc import Sequence
from heapq import heappush, heapreplace
from typing import Final

import msgspec

from renderowl.pipeline.graph import Stream, combined

SAMPLE_RATE: Final = 48_000


class Placed(msgspec.Struct, frozen=True):
    """A sound of exactly `length` samples that begins at sample `begin`."""

    sound: Stream
    begin: int
    length: int

    @property
    def end(self) -> int:
        """The sample before which it ends."""
        return self.begin + self.length


def mixed(sounds: Sequence[Placed]) -> Stream:
    """Return the sum of the sounds, from sample 0 on to the end of the last."""
    rows = [_row(row) for row in rows_of(sounds)]
    if len(rows) == 1:
        return rows[0]
    return combined("amix", rows, inputs=len(rows), normalize=0, duration="longest", dropout_transition=0)


def overlap(sounds: Sequence[Placed]) -> bool:
    """Tell whether any two of the sounds are heard at once."""
    return len(rows_of(sounds)) > 1


def rows_of(sounds: Sequence[Placed]) -> list[list[Placed]]:
    """Return the sounds in as few rows as can be, those of a row following one another."""
    rows: list[list[Placed]] = []
    free: list[tuple[int, int]] = []
    for one in sorted(sounds, key=lambda placed: placed.begin):
        if free and free[0][0] <= one.begin:
            number = free[0][1]
            heapreplace(free, (one.end, number))
            rows[number].append(one)
        else:
            heappush(free, (one.end, len(rows)))
            rows.append([one])
    return rows


def _row(row: Sequence[Placed]) -> Stream:
    """Return sounds that follow one another as one stream, with the silence between them."""
    parts, at = [], 0
    for one in row:
        silence = one.begin - at
        parts.append(one.sound.then("adelay", f"{silence}S", all=1) if silence else one.sound)
        at = one.end
    if len(parts) == 1:
        return parts[0]
    # Joined, they are timed in microseconds; they follow one another to the sample.
    return combined("concat", parts, n=len(parts), v=0, a=1).then("asettb", f"1/{SAMPLE_RATE}").then("asetpts", "N")

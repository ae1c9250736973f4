"""Pieces: a film cut so that it can be played while it is made.

A piece is a run of whole groups of pictures, or some seconds of sound, in an MPEG transport stream of its own. Its clock is
the film's, moved on by CLOCK_S, so that pieces of different segments, made anywhere in any order, follow each other
without a seam. Pieces are copied, never encoded: the segment stays what it is, bit by bit.
"""

import re
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec

from renderowl.pipeline.clock import exact, frame_at, time_of
from renderowl.pipeline.plan import Segment
from renderowl.pipeline.timeline import Rate

PIECE_S: Final = 2
LONGEST_PIECE_S: Final = 4
"""A piece ends at the first key frame after PIECE_S, and key frames are at most two seconds apart."""
CLOCK_S: Final = 10
"""What lies before a film's first frame on the clock of its pieces: a decoder wants some packets earlier than it."""
LIST: Final = "pieces.m3u8"

_MEGA: Final = 1_000_000
_LISTED: Final = re.compile(r"#EXTINF:([0-9.]+),[^\n]*\n([a-z]+-[0-9]+\.ts)\n")


class Piece(msgspec.Struct, frozen=True):
    """A piece of a film's pictures or sound: from when to when, in microseconds of the film."""

    path: Path
    start_us: int
    end_us: int


def segment_options(segment: Segment) -> dict[str, str]:
    """Return the options of FFmpeg's HLS muxer that cut a segment into pieces."""
    return _options("video", PIECE_S, time_of(segment.start, segment.canvas.rate))


def sound_options() -> dict[str, str]:
    """The same for a whole sound track."""
    return _options("audio", LONGEST_PIECE_S, Fraction(0))


def _options(track: str, length_s: int, begins: Fraction) -> dict[str, str]:
    return {
        "hls_time": str(length_s),
        "hls_list_size": "0",
        "hls_flags": "temp_file",
        "hls_segment_filename": f"{track}-%05d.ts",
        "hls_segment_options": "mpegts_flags=initial_discontinuity",
        "output_ts_offset": f"{float(CLOCK_S + begins):.6f}",
    }


def tee_arguments(segment: Segment, output: str) -> tuple[str, ...]:
    """Return the arguments that write an encoded segment to `output` and, without encoding again, to pieces."""
    options = ":".join(f"{name}={value}" for name, value in segment_options(segment).items())
    return ("-flags", "+cgop+global_header", "-f", "tee", f"[f=nut]{output}|[f=hls:onfail=ignore:{options}]{LIST}")


def pieces_of_segment(work_dir: Path, segment: Segment, *, ended: bool = False) -> list[Piece]:
    """Return the pieces of a segment that are finished by now, in order.

    When the segment has `ended` the last of them ends with it: FFmpeg guesses its length from the frame it saw last.
    """
    rate, entries = segment.canvas.rate, _entries(work_dir)
    ends, at = [], segment.start
    for seconds, _ in entries:
        at += frame_at(exact(float(seconds)), rate)
        ends.append(at)
    if ended and ends:
        ends[-1] = segment.start + segment.frames
    spans = zip(entries, [segment.start, *ends], ends, strict=False)
    return [Piece(work_dir / name, film_us(start, rate), film_us(end, rate)) for (_, name), start, end in spans]


def pieces_of_sound(work_dir: Path) -> list[Piece]:
    """Return the pieces of a sound track, in order."""
    entries = _entries(work_dir)
    ends, at = [], 0.0
    for seconds, _ in entries:
        at += float(seconds)
        ends.append(round(at * _MEGA))
    spans = zip(entries, [0, *ends], ends, strict=False)
    return [Piece(work_dir / name, start, end) for (_, name), start, end in spans if start < end]


def film_us(frame: int, rate: Rate) -> int:
    """Return when a frame begins, in microseconds of the film."""
    return round(time_of(frame, rate) * _MEGA)


def _entries(work_dir: Path) -> list[tuple[str, str]]:
    try:
        return _LISTED.findall((work_dir / LIST).read_text())
    except FileNotFoundError:
        return []

"""Smart cut: which pictures of a source can be copied as they are encoded, and which must be encoded again.

What begins with an IDR picture needs nothing before it, and nothing needs what comes later in the order of decoding. So from the
first IDR picture of a take on everything is copied, up to where the decoded pictures have no gap; the few before and after
are encoded.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import Final, Literal

import msgspec

from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline.clock import fraction_of, rate_of
from renderowl.pipeline.timeline import Box, Canvas, Clip, Media, Rate, Timeline, VideoContent

_LEAST_TAKE_S: Final = 2
LEAST_COPIED_FRAMES: Final = 15
"""Fewer are encoded sooner than they are joined."""
_BT709, _UNSAID, _FULL = 1, 2, 2
_TIMED: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""The demuxers that tell every picture's time and find each place again: of MPEG-TS they find another, AVI has no times."""
_MICROSECONDS: Final = 1_000_000


class NotCopyable(Exception):
    """Why a take has to be encoded; the message is for its log."""


class Piece(msgspec.Struct, frozen=True):
    """Pictures `start` to `start + frames` of the take; what is copied begins with packet `packet` of the index."""

    kind: Literal["copy", "encode"]
    start: int
    frames: int
    packet: int = 0


class PacketIndex(msgspec.Struct, frozen=True):
    """What `packets_av` found in a source around a take."""

    container: str
    codec: str
    pix_fmt: str
    square: bool
    interlaced: bool
    colors: tuple[int, int]
    """Matrix and range as H.273 numbers them; 2 and 0 say nothing."""
    tick: tuple[int, int]
    origin: tuple[int, int]
    packets: list[tuple[int, bool]]
    """In decoding order: time in ticks, and whether nothing before it is needed."""

    def time_s(self, packet: int) -> Fraction:
        """When a packet's picture is shown, in seconds of the source's own clock."""
        return self.packets[packet][0] * Fraction(*self.tick) - Fraction(*self.origin)


def why_not_at_all(output: OutputSettings) -> str:
    """Say why nothing of a film can be copied whatever it shows, or nothing."""
    if output.format not in ("mp4", "mov") or output.video_codec != "h264":
        return "only h264 in mp4 or mov is copied"
    return "a playlist is made while the film is encoded" if output.preview.hls else ""


def why_not(clips: Sequence[Clip], canvas: Canvas, media: Mapping[str, Media]) -> str:
    """Say why what these clips show from the first frame to the last cannot be copied, as far as it shows without the source."""
    if len(clips) != 1 or not isinstance(clips[0].content, VideoContent):
        return "it shows something else than one video"
    clip, content = clips[0], clips[0].content
    source = media[content.src]
    if source.codec not in ("", "h264"):
        return f"the source is {source.codec}, not h264"
    if (source.width, source.height) != (canvas.width, canvas.height):
        return f"the source is {source.width}x{source.height}, the film {canvas.width}x{canvas.height}"
    if source.rotation or source.has_alpha or source.transfer or source.is_stretched:
        return "the source is turned, translucent, stretched or HDR"
    if rate_of(source.fps or 1.0) != canvas.rate:
        return f"the source has {source.fps:g} frames a second, the film {canvas.rate.num / canvas.rate.den:g}"
    plain = VideoContent(content.src, content.start, fit=content.fit)
    whole = Box(canvas.width / 2, canvas.height / 2, canvas.width, canvas.height)
    if clip != Clip(clip.id, clip.start, clip.frames, plain, whole):
        return "something is done to the picture"
    return "" if clip.frames >= _LEAST_TAKE_S * fraction_of(canvas.rate) else "it is too short"


def take_spans(timeline: Timeline) -> list[tuple[int, int]]:
    """Return the frames, (first, end), of the takes that may be copied: plain videos that nothing else is seen with."""
    found = []
    clips = sorted(timeline.clips, key=lambda clip: clip.start)
    seen_until = 0
    for clip, after in zip(clips, [*clips[1:], None], strict=True):
        end = clip.start + clip.frames
        alone = seen_until <= clip.start and (after is None or end <= after.start)
        if alone and not why_not([clip], timeline.canvas, timeline.media):
            found.append((clip.start, end))
        seen_until = max(seen_until, end)
    return found


def numbered(index: PacketIndex, start: Fraction, early: Fraction, frames: int, rate: Rate) -> list[tuple[int, bool]]:
    """Return the packets with their pictures' numbers in a take of `frames` that begins at `start` of the source's clock.

    They are the numbers that encoding gives them, which opens the source by `early` sooner. Raises NotCopyable when it would
    not show each picture once, and for what is coded otherwise than a film of ours.
    """
    if index.container not in _TIMED:
        raise NotCopyable(f"the times of pictures in {index.container} are not exact enough")
    if index.codec != "h264" or index.pix_fmt != "yuv420p":
        raise NotCopyable(f"the source is {index.codec} {index.pix_fmt}, not h264 yuv420p")
    if index.interlaced or not index.square:
        raise NotCopyable("the source is interlaced, or its pixels are not square")
    if index.colors[0] not in (_BT709, _UNSAID) or index.colors[1] == _FULL:
        raise NotCopyable("the source's colours are not those of HD video")
    times = sorted(ticks for ticks, _ in index.packets)
    begun = [_first_frame(ticks, index, start, early, rate) for ticks in times]
    on_show = next((place for place in reversed(range(len(times))) if begun[place] <= 0), None)
    if on_show is None:
        raise NotCopyable("the source's pictures begin after the take")
    if any(first != number for number, first in enumerate(begun[on_show + 1 :][:frames], start=1)):
        every = f"{float(fraction_of(rate)):g} a second"
        raise NotCopyable(
            f"encoding would repeat or leave out pictures: seen from the take's start they are not evenly {every}"
        )
    numbers = {ticks: place - on_show for place, ticks in enumerate(times)}
    return [(numbers[ticks], is_idr) for ticks, is_idr in index.packets]


def _first_frame(ticks: int, index: PacketIndex, start: Fraction, early: Fraction, rate: Rate) -> int:
    """Return from which frame of a take on encoding shows the picture of this time: FFmpeg's own steps, each as it rounds.

    `-ss` counts in microseconds and moves times by whole ticks, `setpts` counts in doubles and is told to round to ticks,
    `fps` rounds to the nearest frame. A start in the middle between two pictures is decided by these alone.
    """
    tick = Fraction(*index.tick)
    sought = Fraction(f"{float(start - early):.6f}") if start > early else 0
    opened = round((Fraction(*index.origin) + sought) * _MICROSECONDS)
    moved = ticks - _nearest(Fraction(opened, _MICROSECONDS) / tick)
    if early:
        moved = _nearest(Fraction(float(moved) - float(f"{float(early):.6f}") / float(tick)))
    return _nearest(moved * tick * fraction_of(rate))


def _nearest(value: Fraction) -> int:
    """Return the nearest whole number; a half goes away from 0, as FFmpeg has it."""
    return floor(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def pieces(packets: Sequence[tuple[int, bool]], frames: int) -> list[Piece]:
    """Divide pictures 0 to `frames` into what is copied and what is encoded; raises NotCopyable.

    `packets` are, in decoding order, a picture's number and whether it needs nothing before it.
    """
    if not set(range(frames)) <= {number for number, _ in packets}:
        raise NotCopyable("the source has a gap or ends before the take")
    first = next((place for place, (number, is_idr) in enumerate(packets) if is_idr and 0 <= number < frames), None)
    copied = 0 if first is None else _copyable(packets, first, frames)
    if first is None or copied < LEAST_COPIED_FRAMES:
        raise NotCopyable("no key picture lies far enough within the take")
    begin = packets[first][0]
    made = [
        Piece("encode", 0, begin),
        Piece("copy", begin, copied, first),
        Piece("encode", begin + copied, frames - begin - copied),
    ]
    return [piece for piece in made if piece.frames]


def _copyable(packets: Sequence[tuple[int, bool]], first: int, end: int) -> int:
    """Return how many packets from `first` on, an IDR picture, are all the pictures from it to some picture before `end`."""
    begin = latest = packets[first][0]
    copied = 0
    for count, (number, _) in enumerate(packets[first:], start=1):
        if number < begin:
            break
        latest = max(latest, number)
        if latest < end and latest == begin + count - 1:
            copied = count
    return copied

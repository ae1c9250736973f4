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
_PROVED_FRAMES: Final = 16
_UNEVEN: Final = Fraction(1, 10)
"""Of a frame: how far two times may be off differently, as containers round."""
_HALF_WAY: Final = Fraction(2, 5)


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


def numbered(index: PacketIndex, start: Fraction, rate: Rate) -> list[tuple[int, bool]]:
    """Return the packets with their pictures' numbers in the film, 0 being on show at `start` of the source's clock.

    Raises NotCopyable when the source's pictures are not evenly `rate` a second, or stand half way between two of the film's.
    """
    if index.codec != "h264" or index.pix_fmt != "yuv420p":
        raise NotCopyable(f"the source is {index.codec} {index.pix_fmt}, not h264 yuv420p")
    if index.interlaced or not index.square:
        raise NotCopyable("the source is interlaced, or its pixels are not square")
    if index.colors[0] not in (_BT709, _UNSAID) or index.colors[1] == _FULL:
        raise NotCopyable("the source's colours are not those of HD video")
    places = [(index.time_s(packet) - start) * fraction_of(rate) for packet in range(len(index.packets))]
    numbers = [floor(place + Fraction(1, 2)) for place in places]
    off = [place - number for place, number in zip(places, numbers, strict=True)]
    if len(set(numbers)) < len(numbers) or (off and max(off) - min(off) > _UNEVEN):
        raise NotCopyable(f"the source's pictures are not evenly {float(fraction_of(rate)):g} a second")
    if any(abs(each) > _HALF_WAY for each in off):
        raise NotCopyable("the take begins half way between two pictures of the source")
    return [(number, is_idr) for number, (_, is_idr) in zip(numbers, index.packets, strict=True)]


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


def unproved(made: Sequence[Piece], packets: Sequence[tuple[int, bool]]) -> list[tuple[int, int]]:
    """Return the packets of the joined pieces that must be decoded to prove the joints: (first, end) in their order.

    The GOPs inside a copied piece lie between the same neighbours as ever; decoding them would prove the source's encoder.
    """
    ranges: list[tuple[int, int]] = []
    at = 0
    for piece in made:
        end = at + piece.frames
        if piece.kind == "copy":
            keys = [place for place in range(piece.frames) if packets[piece.packet + place][1]]
            ranges += [(at, min(end, at + _PROVED_FRAMES)), (at + keys[-1], end)]
        else:
            ranges.append((at, end))
        at = end
    joined: list[tuple[int, int]] = []
    for first, last in ranges:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined

"""H.264 packets, read and joined without decoding: `python -m renderowl.pipeline.packets_av JOB.json`, the answer on stdout.

Run as a process of its own with limits, as `probe_av` is: a caller's file is opened here. Every packet leaves as Annex B
with its parameter sets before each IDR picture, so that pictures of several encoders may follow one another.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import av
import av.error
from av.bitstream import BitStreamFilterContext

_IDR, _SPS, _PPS = 5, 7, 8
_LOOK_AHEAD: Final = 1200
"""Packets read beyond the wanted end when no key picture comes."""
_MOST_HELD: Final = 16
"""Pictures an H.264 decoder may hold back, at any level."""

_Written = tuple[int, int, bool]
"""A packet's number, its checksum, and whether it is an IDR picture."""


def main(job_file: str) -> int:
    """Do the job in this file; exit code 1 and a sentence on stderr when a file cannot be read."""
    job = json.loads(Path(job_file).read_bytes())
    try:
        answer = index(**job["index"]) if "index" in job else join(**job["join"])
    except (av.error.FFmpegError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(answer, sys.stdout)
    return 0


def index(file: str, whitelist: str, start_s: float, end_s: float) -> dict[str, Any]:
    """Describe the pictures and list the packets, in decoding order, from the key picture before `start_s` to after `end_s`.

    A packet is told as its time in ticks and whether it is an IDR picture, which nothing before it is needed for.
    """
    with _opened(file, whitelist) as container:
        stream = container.streams.video[0]
        origin = Fraction(container.start_time or 0, av.time_base)
        first, last = ((origin + Fraction(second)) / stream.time_base for second in (start_s, end_s))
        _seek(container, stream, int(first))
        packets: list[tuple[int, bool]] = []
        beyond = 0
        for packet in _annex_b(container, stream):
            if packet.pts is None:
                raise ValueError("its packets have no times")
            if packet.is_discard:  # an edit list begins amid a group of pictures
                continue
            packets.append((packet.pts, packet.is_keyframe and _IDR in nal_types(bytes(packet))))
            beyond = beyond + 1 if packet.pts > last else 0
            if beyond and (packet.is_keyframe or beyond > _LOOK_AHEAD):
                break
        context = stream.codec_context
        ratio = stream.sample_aspect_ratio
        return {
            "container": container.format.name,
            "codec": context.codec.canonical_name,
            "pix_fmt": context.format.name if context.format else "",
            "square": ratio in (None, 0, 1),
            "colors": [int(context.colorspace), int(context.color_range)],
            "interlaced": _is_interlaced(container, stream, int(first)),
            "tick": [stream.time_base.numerator, stream.time_base.denominator],
            "origin": [origin.numerator, origin.denominator],
            "packets": packets,
        }


def join(
    out: str, format: str, rate: tuple[int, int], timescale: int, pieces: Sequence[dict[str, Any]], prove: bool
) -> dict[str, Any]:
    """Write pieces one after the other, picture n of the whole at time n / rate, and say how many there are.

    A piece is a whole file, or `count` packets of it from the one at `first` ticks on. Raises ValueError when two pictures
    have one time, a key picture lacks its parameter sets or, to be proved, a joint cannot be decoded.
    """
    numbers = [_numbers(piece) for piece in pieces]
    delay = max(place - number for each in numbers for place, number in enumerate(each))
    tick = Fraction(rate[1], rate[0])
    options = {"video_track_timescale": str(timescale)} if format != "nut" else {}
    written: list[_Written] = []
    joints: list[int] = []
    with av.open(out, "w", format=format, options=options) as container:
        stream: Any = None
        for piece, order in zip(pieces, numbers, strict=True):
            before = len(written)
            if before or "first" in piece:
                joints.append(before)
            with _opened(piece["file"], piece["whitelist"]) as source:
                pictures = source.streams.video[0]
                if stream is None:
                    size = {"width": pictures.width, "height": pictures.height}
                    stream = container.add_mux_stream("h264", rate=1 / tick, time_base=tick, **size)
                for place, packet in enumerate(_wanted(source, pictures, piece)):
                    whole = _with_parameters(packet, pictures)
                    whole.stream, whole.time_base = stream, tick
                    whole.pts, whole.dts, whole.duration = before + order[place], before + place - delay, 1
                    whole.is_keyframe = packet.is_keyframe
                    data = bytes(whole)
                    written.append((whole.pts, crc32(data), packet.is_keyframe and _IDR in nal_types(data)))
                    container.mux(whole)
    if prove:
        _prove(out, written, joints, tick)
    return {"frames": len(written)}


def _prove(file: str, written: Sequence[_Written], joints: Sequence[int], tick: Fraction) -> None:
    """Raise unless every packet is there as it was written, and the pictures around each joint can be decoded.

    Of the group of pictures before a joint its first are decoded, as many as a decoder may hold back: what matters is what
    becomes of those, and nothing needs what comes later. All other packets lie between the neighbours they always had.
    """
    keys = [place for place, (_, _, is_idr) in enumerate(written) if is_idr]
    around = [place for joint in joints for place in _around(joint, keys, len(written))]
    told: list[tuple[Fraction, int]] = []
    kept = dict.fromkeys(around, b"")
    with _opened(file, "nut") as container:
        for place, packet in enumerate(packet for packet in container.demux(video=0) if packet.size):
            data = bytes(packet)
            told.append((packet.pts * packet.time_base / tick, crc32(data)))
            if place in kept:
                kept[place] = data
    begin = min(number for number, _ in told)  # no muxer writes times below 0
    if [(number - begin, check) for number, check in told] != [
        (Fraction(number), check) for number, check, _ in written
    ]:
        raise ValueError("the joined packets are not those that were written")
    context = av.CodecContext.create("h264", "r")
    context.thread_type, context.thread_count = "NONE", 1
    context.options = {"err_detect": "explode"}
    packets = [*(av.Packet(kept[place]) for place in around), None]
    shown = sum(not frame.is_corrupt for packet in packets for frame in context.decode(packet))
    if shown != len(around):
        raise ValueError(f"of {len(around)} pictures at the joints {shown} could be decoded")


def _around(joint: int, keys: Sequence[int], end: int) -> Iterator[int]:
    """Yield the packets to decode for a joint. What comes before a first one is another take: here it is the end of this."""
    if joint not in keys:
        raise ValueError("a piece does not begin with a key picture")
    before = joint or end
    group = max(key for key in keys if key < before)
    yield from range(group, min(before, group + _MOST_HELD))
    yield from range(joint, min(end, joint + _MOST_HELD))


def nal_types(data: bytes) -> Iterator[int]:
    """Yield the types of the units of an Annex B packet."""
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        yield data[at + 3] & 31
        at = data.find(b"\0\0\1", at + 3)


def _opened(file: str, whitelist: str) -> Any:
    return av.open(f"file:{file}", options={"protocol_whitelist": "file", "format_whitelist": whitelist})


def _seek(container: Any, stream: Any, ticks: int) -> None:
    """Go to a key picture before this time; by a second more, because files find them by when they are decoded."""
    container.seek(max(0, ticks - int(1 / stream.time_base)), stream=stream, backward=True)


def _annex_b(container: Any, stream: Any) -> Iterator[Any]:
    to_annex_b = BitStreamFilterContext("h264_mp4toannexb", in_stream=stream)
    for packet in container.demux(stream):
        if packet.size:
            yield from to_annex_b.filter(packet)


def _wanted(container: Any, stream: Any, piece: dict[str, Any]) -> Iterator[Any]:
    first, count = piece.get("first"), piece.get("count")
    if first is not None:
        _seek(container, stream, first)
    taken = 0
    for packet in _annex_b(container, stream):
        if taken or first is None or packet.pts == first:
            if packet.is_discard:
                raise ValueError("a picture amid those to be copied is not shown")
            yield packet
            taken += 1
            if taken == count:
                return
    if count is not None:
        raise ValueError(f"{taken} pictures instead of {count}")


def _numbers(piece: dict[str, Any]) -> list[int]:
    """Return the number of each picture of a piece, in the order of decoding; they are whole frames apart."""
    with _opened(piece["file"], piece["whitelist"]) as source:
        times = [packet.pts for packet in _wanted(source, source.streams.video[0], piece)]
    rank = {time: number for number, time in enumerate(sorted(times))}
    if len(rank) != len(times) or not times:
        raise ValueError("two pictures have one time")
    return [rank[time] for time in times]


def _with_parameters(packet: Any, stream: Any) -> Any:
    """Return a copy of the packet; a key picture has its parameter sets with it."""
    data, parameters = bytes(packet), bytes(stream.codec_context.extradata or b"")
    if packet.is_keyframe and parameters.startswith(b"\0\0") and _SPS not in nal_types(data):
        data = parameters + data
    if packet.is_keyframe and _IDR in (units := set(nal_types(data))) and not {_SPS, _PPS} <= units:
        raise ValueError("a key picture has no parameter sets")
    return av.Packet(data)


def _is_interlaced(container: Any, stream: Any, start: int) -> bool:
    stream.thread_type, stream.codec_context.thread_count = "NONE", 1
    _seek(container, stream, start)
    return any(frame.interlaced_frame for frame in [next(container.decode(stream), None)] if frame is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

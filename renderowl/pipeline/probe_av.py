"""What media files hold, in the shape of `ffprobe -show_format -show_streams`: one line of JSON for each.

Run as a process of its own (`python -m renderowl.pipeline.probe_av WHITELIST MODE FILE [MODE FILE]...`): a broken or hostile
file may crash or exhaust a decoder, which must not be the service. Stills are read by their header alone, nothing is decoded.
"""

import json
import sys
from fractions import Fraction
from hashlib import sha256
from typing import Any

MAX_PIXELS = 40_000_000
_TAGS = ("alpha_mode",)
"""That anybody looks at: a file may hold gigabytes of others, and whoever reads what is printed here has them in memory."""
_TAG_CHARS = 100
_ORIENTATION = 0x0112
_TURNED = {3: 180, 6: 90, 8: 270, 5: 90, 7: 270}
_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
"""Transfer characteristics by their numbers in ITU-T H.273, as far as they are told."""


def main(whitelist: str, *asked: str) -> None:
    """Print a line for each file: its description, or a complaint when it cannot be read."""
    for mode, path in zip(asked[::2], asked[1::2], strict=True):
        sys.stdout.write(f"{json.dumps(described(path, whitelist, mode))}\n")


def described(path: str, whitelist: str, mode: str) -> dict[str, Any]:
    """Return a file's description, or a `complaint`; the mode is `still`, `count` (the packets) or empty."""
    try:
        return _still(path) if mode == "still" else _media(path, whitelist, mode == "count")
    except Exception as error:  # a hostile file may raise anything
        return {"complaint": str(error).replace(f"file:{path}", "the file").replace(path, "the file")[:200]}


def _still(path: str) -> dict[str, Any]:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the caller judges the size; nothing is decoded here
    with Image.open(path) as image:
        turn = _TURNED.get(image.getexif().get(_ORIENTATION, 1), 0) if image.format in ("JPEG", "TIFF", "WEBP") else 0
        alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        stream = {
            "codec_type": "video",
            "codec_name": (image.format or "").lower(),
            "width": image.width,
            "height": image.height,
            "pix_fmt": "rgba" if alpha else image.mode.lower(),
            "side_data_list": [{"rotation": -turn}] if turn else [],
            "nb_frames": str(getattr(image, "n_frames", 1)) if image.format in ("GIF", "WEBP") else "1",
        }
        return {"streams": [stream], "format": {"format_name": "image"}}


def _media(path: str, whitelist: str, count: bool) -> dict[str, Any]:
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": whitelist}
    with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
        streams = [_stream(stream) for stream in container.streams]
        _look_at_first_picture(container, streams)
        if count:
            packets = [0] * len(container.streams)
            for packet in container.demux():
                packets[packet.stream_index] += 1 if packet.size else 0
            for described, number in zip(streams, packets, strict=True):
                described["nb_read_packets"] = str(number)
        duration = container.duration / av.time_base if container.duration else None
        form = {"format_name": container.format.name, "duration": None if duration is None else f"{duration:.6f}"}
        return {"streams": streams, "format": form}


def _stream(stream: Any) -> dict[str, Any]:
    from av.stream import Disposition

    context = stream.codec_context
    duration = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    described: dict[str, Any] = {
        "codec_type": stream.type,
        "codec_name": context.codec.canonical_name if context else "unknown",
        "duration": f"{float(duration):.6f}" if duration is not None else None,
        "nb_frames": str(stream.frames) if stream.frames else None,
        "tags": {name: text[:_TAG_CHARS] for name, text in stream.metadata.items() if name in _TAGS},
        "extradata_hash": f"SHA256:{sha256((context and context.extradata) or b'').hexdigest()}",
    }
    if stream.type == "video":
        rate: Fraction | None = stream.average_rate or stream.base_rate
        described |= {
            "width": context.width,
            "height": context.height,
            "pix_fmt": context.format.name if context.format else None,
            "avg_frame_rate": f"{rate.numerator}/{rate.denominator}" if rate else "0/0",
            "sample_aspect_ratio": str(stream.sample_aspect_ratio or 1).replace("/", ":"),
            "disposition": {"attached_pic": int(bool(stream.disposition & Disposition.attached_pic))},
        }
    elif stream.type == "audio":
        described |= {"sample_rate": str(context.sample_rate), "channels": context.channels}
    return described


def _look_at_first_picture(container: Any, streams: list[dict[str, Any]]) -> None:
    """Decode one picture: it proves that there is one, and knows what the stream may not: how it is turned and coded."""
    for described, stream in zip(streams, container.streams, strict=True):
        if stream.type == "video" and 0 < described["width"] * described["height"] <= MAX_PIXELS:
            stream.thread_type, stream.codec_context.thread_count = "NONE", 1
            for frame in container.decode(stream):
                described["side_data_list"] = [{"rotation": round(frame.rotation or 0)}]
                described["color_transfer"] = _TRANSFERS.get(int(frame.color_trc), "")
                break
            container.seek(0)
            return


if __name__ == "__main__":
    main(*sys.argv[1:])

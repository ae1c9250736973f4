"""What is in media files as their demuxer tells it, before anybody judges it: read apart, many at once."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from renderowl.domain.errors import MediaUnreadable
from renderowl.pipeline import probe_av
from renderowl.pipeline.bounded import read_apart
from renderowl.pipeline.formats import MEDIA_FORMATS
from renderowl.pipeline.tools import Toolchain


class SideData(msgspec.Struct):
    rotation: float = 0


class Disposition(msgspec.Struct):
    attached_pic: int = 0


class StreamFacts(msgspec.Struct):
    codec_type: str = "unknown"
    codec_name: str | None = None
    width: int = 0
    height: int = 0
    pix_fmt: str | None = None
    avg_frame_rate: str = "0/0"
    sample_aspect_ratio: str = "1:1"
    color_transfer: str = ""
    duration: str | None = None
    nb_frames: str | None = None
    nb_read_packets: str | None = None
    sample_rate: str = "0"
    channels: int = 0
    disposition: Disposition = msgspec.field(default_factory=Disposition)
    side_data_list: list[SideData] = []
    tags: dict[str, str] = {}
    extradata_hash: str = ""


class FormatFacts(msgspec.Struct):
    duration: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """A file that looks like media, and how it is to be read."""

    number: int
    path: Path
    content_type: str
    mode: Literal["", "still", "count"]


class Description(msgspec.Struct):
    complaint: str = ""
    streams: list[StreamFacts] = []
    format: FormatFacts = msgspec.field(default_factory=FormatFacts)


async def describe(
    asked: Sequence[Asked], tools: Toolchain, *, timeout_s: float, memory_bytes: int
) -> list[Description | MediaUnreadable]:
    """Return what is in each file; files that broke their reader together are read again, each alone."""
    if len(asked) > 1 and tools.ffprobe is None:
        lines: list[bytes] = []
        with suppress(MediaUnreadable):
            lines = (
                await read_apart(_reader(asked), asked[0].path, timeout_s=timeout_s, memory_bytes=memory_bytes)
            ).splitlines()
        if len(lines) == len(asked):
            return [_described(line) for line in lines]
    return [await _describe_one(one, tools, timeout_s, memory_bytes) for one in asked]


async def _describe_one(
    one: Asked, tools: Toolchain, timeout_s: float, memory_bytes: int
) -> Description | MediaUnreadable:
    if one.mode == "count":  # what our own encoder has written is read by ourselves
        found = await asyncio.to_thread(probe_av.described, str(one.path), f"{MEDIA_FORMATS},nut", one.mode)
        return _described(json.dumps(found).encode())
    argv = _reader([one])
    if tools.ffprobe is not None and one.mode != "still":
        guard = ("-protocol_whitelist", "file", "-format_whitelist", MEDIA_FORMATS)
        told = ("-show_format", "-show_streams", "-of", "json=compact=1")
        argv = (tools.ffprobe, "-v", "error", *guard, *told, f"file:{one.path}")
    try:
        return _described(await read_apart(argv, one.path, timeout_s=timeout_s, memory_bytes=memory_bytes))
    except MediaUnreadable as error:
        return error


def _reader(asked: Sequence[Asked]) -> tuple[str, ...]:
    pairs = (word for one in asked for word in (one.mode, str(one.path)))
    return (sys.executable, "-Im", "renderowl.pipeline.probe_av", MEDIA_FORMATS, *pairs)


def _described(text: bytes) -> Description | MediaUnreadable:
    try:
        found = msgspec.convert(json.loads(text), Description, strict=False)
    except (ValueError, msgspec.ValidationError):
        return MediaUnreadable("the file's description makes no sense")
    return MediaUnreadable(f"the file cannot be read: {found.complaint}") if found.complaint else found

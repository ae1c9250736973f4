"""HLS: a finished film as one file with a playlist over it, and finished parts of a film cut into pieces."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from renderowl.pipeline.command import link, start
from renderowl.pipeline.pieces import (
    LIST,
    Piece,
    pieces_of_segment,
    pieces_of_sound,
    segment_options,
    sound_options,
)
from renderowl.pipeline.plan import Segment
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.tools import Toolchain

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
PLAYLIST: Final = "film.m3u8"
MEDIA: Final = "film.hls.mp4"
_PART_S: Final = 6


def film_arguments() -> tuple[str, ...]:
    """Return the arguments that write a playlist over MEDIA: fragments in one file, read by ranges of its bytes."""
    return (
        *("-f", "hls", "-hls_time", str(_PART_S), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"),
        *("-hls_flags", "single_file+independent_segments", "-hls_segment_filename", MEDIA),
    )


def named(playlist: str, media_name: str) -> str:
    """Return a film's playlist with its file called by the name it is given."""
    return playlist.replace(MEDIA, quote(media_name))


def length_s(playlist: str) -> float:
    """Return how long a playlist says it lasts."""
    return sum(float(each) for each in re.findall(r"#EXTINF:([0-9.]+)", playlist))


async def cut_segment(
    source: Path, segment: Segment, work_dir: Path, tools: Toolchain, observer: Observer, limits: ProcessLimits
) -> list[Piece]:
    """Cut a finished segment into pieces in `work_dir`, exactly as they are cut while it is encoded."""
    await _cut(source, "0:v", segment_options(segment), work_dir, tools, observer, limits)
    return pieces_of_segment(work_dir, segment, ended=True)


async def cut_sound(
    source: Path, work_dir: Path, tools: Toolchain, observer: Observer, limits: ProcessLimits
) -> list[Piece]:
    """Cut a finished sound track into pieces in `work_dir`."""
    await _cut(source, "0:a", sound_options(), work_dir, tools, observer, limits)
    return pieces_of_sound(work_dir)


async def _cut(
    source: Path,
    stream: str,
    options: Mapping[str, str],
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits,
) -> None:
    link(work_dir / "whole", source)
    written = (word for name, value in options.items() for word in (f"-{name}", value))
    copied = ("-i", "whole", "-map", stream, "-c", "copy", "-muxdelay", "0", "-muxpreload", "0")
    argv = (*start(tools), *copied, "-f", "hls", *written, LIST)
    await run(argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / "ffmpeg.log")

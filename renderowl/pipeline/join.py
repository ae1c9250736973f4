"""Join: the one command that makes a film's file of its encoded parts, copying them wherever the format holds them."""

from collections.abc import Sequence
from typing import Final

from renderowl.domain.errors import OutputWrong
from renderowl.pipeline import hls
from renderowl.pipeline.chapters import ffmetadata
from renderowl.pipeline.clock import time_of, timescale
from renderowl.pipeline.command import Command, start
from renderowl.pipeline.cutting import JOINED_TAKES
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment
from renderowl.pipeline.hardware import is_hardware
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.stills import AS_JPEG
from renderowl.pipeline.timeline import Rate
from renderowl.pipeline.tools import Toolchain

_JOINED: Final = (
    *("-protocol_whitelist", "file", "-format_whitelist", "concat,nut"),
    *("-f", "concat", "-safe", "0", "-i", "join.txt"),
)
"""The list names only files of ours; `safe 1` would refuse its options."""
_UNOPENED_CODECS: Final = ("h264", "vp9", "av1")
_UNOPENED_PART: Final = ("option probesize 32", "option codec_whitelist none")
_CHAPTERED: Final = ("mp4", "mov", "webm")


def joins_unopened(plan: Plan, tools: Toolchain) -> bool:
    """Tell whether the film's parts can be joined without opening a decoder for each of them.

    FFmpeg would decode the first picture of every part, which takes most of the time of joining and changes nothing in
    what comes out: the same bytes, for the encoders it was compared for. HEVC's would have wrong times.
    """
    copied = plan.encoding.format in ("mp4", "mov", "webm", "hls") and bool(plan.segments) and not plan.copies
    codec = plan.encoding.video_codec
    return copied and codec in _UNOPENED_CODECS and not is_hardware(tools, codec)


def film_command(
    plan: Plan,
    segments: Sequence[EncodedSegment],
    audio: EncodedAudio | None,
    tools: Toolchain,
    *,
    unopened: bool = False,
) -> Command:
    """Return the command that joins the film; raises OutputWrong when the segments do not fit together.

    Where it joins parts `unopened` it says nothing: FFmpeg would complain of each of them.
    """
    form = plan.encoding.format
    if not plan.copies and len({segment.extradata_hash for segment in segments}) > 1:
        raise OutputWrong("the segments were encoded with different parameters and cannot be joined")
    if not segments and audio is None:
        raise OutputWrong("there is neither a picture nor a sound to make a file of")
    output = hls.PLAYLIST if form == "hls" else f"film.{form}"
    joined = ("-i", JOINED_TAKES) if plan.copies else _JOINED
    opened = (*(joined if segments else ()), *(("-i", "sound") if audio else ()))
    listed = join_list([one.frames for one in segments], plan.timeline.canvas.rate, unopened=unopened)
    files = {"join.txt": listed} if segments else {}
    match form:
        case "gif":
            to_rgb = "scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
            graph = (
                f"[0:v]{to_rgb},split[a][b];[a]palettegen=stats_mode=diff[p];[b][p]paletteuse=dither=sierra2_4a[v]\n"
            )
            files["graph.txt"] = graph
            argv = (*start(tools), *_JOINED, tools.graph_option, "graph.txt", "-map", "[v]", "-loop", "0", output)
            return Command(argv, output, files)
        case "png" | "jpg":
            argv = (*start(tools), *_JOINED, "-map", "0:v", "-frames:v", "1", *_still(form), output)
            return Command(argv, output, files)
    number = bool(segments) + bool(audio)
    chapters = plan.timeline.chapters if form in _CHAPTERED else ()
    told: tuple[str, ...] = ()
    if chapters or plan.metadata:
        files["told.txt"] = ffmetadata(chapters, plan.timeline.canvas.rate, plan.metadata)
        opened += ("-f", "ffmetadata", "-i", "told.txt")
        told = (*(("-map_metadata", str(number)) if plan.metadata else ()),)
        told += ("-map_chapters", str(number)) if chapters else ()
    mapped = ("-map", "0:v", *(("-map", "1:a") if audio else ())) if segments else ("-map", "0:a")
    argv = (
        *start(tools),
        *(("-loglevel", "quiet") if unopened else ()),
        *opened,
        *mapped,
        "-c",
        "copy",
        *told,
        *_container(plan),
        output,
    )
    return Command(argv, output, files)


def _container(plan: Plan) -> tuple[str, ...]:
    """The arguments of the format that holds the film."""
    tag = ("-tag:v", "hvc1") if plan.encoding.video_codec == "hevc" else ()
    match plan.encoding.format:
        case "mp4" | "mov":
            scale = ("-video_track_timescale", str(timescale(plan.timeline.canvas.rate)))
            return (*tag, *scale, "-movflags", "+faststart")
        case "hls":
            return (*tag, *hls.film_arguments())
        case "webm":
            return ("-fflags", "+bitexact")  # without it every track is given a random number
        case _:
            return ()


def join_list(frames: Sequence[int], rate: Rate, *, unopened: bool = False) -> str:
    """Return the list for FFmpeg's concat demuxer, each part with its duration.

    Rounded cumulatively, which keeps every joint of thousands exact; without the durations there are gaps.
    """
    lines, total, before = ["ffconcat version 1.0"], 0, 0
    options = _UNOPENED_PART if unopened else ()
    for index, count in enumerate(frames):
        total += count
        end = round(time_of(total, rate) * 1_000_000)
        lines += [f"file part-{index}.nut", f"duration {(end - before) / 1_000_000:.6f}", *options]
        before = end
    return "\n".join(lines) + "\n"


def _still(form: str) -> tuple[str, ...]:
    if form == "png":
        return ("-vf", "scale=in_color_matrix=bt709:in_range=tv,format=rgb24", "-c:v", "png")
    return ("-vf", AS_JPEG.format(size=""), "-c:v", "mjpeg", "-q:v", "2")

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
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.stills import AS_JPEG
from renderowl.pipeline.timeline import Rate
from renderowl.pipeline.tools import Toolchain

_JOINED: Final = (
    *("-protocol_whitelist", "file", "-format_whitelist", "concat,nut"),
    *("-f", "concat", "-safe", "1", "-i", "join.txt"),
)
_CHAPTERED: Final = ("mp4", "mov", "webm")


def film_command(
    plan: Plan, segments: Sequence[EncodedSegment], audio: EncodedAudio | None, tools: Toolchain
) -> Command:
    """Return the command that joins the film; raises OutputWrong when the segments do not fit together."""
    form = plan.encoding.format
    if not plan.copies and len({segment.extradata_hash for segment in segments}) > 1:
        raise OutputWrong("the segments were encoded with different parameters and cannot be joined")
    if not segments and audio is None:
        raise OutputWrong("there is neither a picture nor a sound to make a file of")
    output = hls.PLAYLIST if form == "hls" else f"film.{form}"
    joined = ("-i", JOINED_TAKES) if plan.copies else _JOINED
    opened = (*(joined if segments else ()), *(("-i", "sound") if audio else ()))
    files = {"join.txt": join_list([one.frames for one in segments], plan.timeline.canvas.rate)} if segments else {}
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
    argv = (*start(tools), *opened, *mapped, "-c", "copy", *told, *_container(plan), output)
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
        case _:
            return ()


def join_list(frames: Sequence[int], rate: Rate) -> str:
    """Return the list for FFmpeg's concat demuxer, each part with its duration.

    Rounded cumulatively, which keeps every joint of thousands exact; without the durations there are gaps.
    """
    lines, total, before = ["ffconcat version 1.0"], 0, 0
    for index, count in enumerate(frames):
        total += count
        end = round(time_of(total, rate) * 1_000_000)
        lines += [f"file part-{index}.nut", f"duration {(end - before) / 1_000_000:.6f}"]
        before = end
    return "\n".join(lines) + "\n"


def _still(form: str) -> tuple[str, ...]:
    if form == "png":
        return ("-vf", "scale=in_color_matrix=bt709:in_range=tv,format=rgb24", "-c:v", "png")
    return ("-vf", AS_JPEG.format(size=""), "-c:v", "mjpeg", "-q:v", "2")

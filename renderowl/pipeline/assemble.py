"""Assemble: join the segments by copying, add the sound, make poster and sidecars, and probe what was made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from renderowl.domain.errors import OutputWrong
from renderowl.pipeline.chapters import ffmetadata
from renderowl.pipeline.clock import time_of
from renderowl.pipeline.command import Command, link, start
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment, publish
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.probe import Probed, probe
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.subtitles import srt, vtt
from renderowl.pipeline.timeline import Rate
from renderowl.pipeline.tools import Toolchain

CONTENT_TYPES: Final = {
    **{"mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "gif": "image/gif"},
    **{"mp3": "audio/mpeg", "wav": "audio/wav", "png": "image/png", "jpg": "image/jpeg"},
}
_JOINED: Final = (
    *("-protocol_whitelist", "file", "-format_whitelist", "concat,nut"),
    *("-f", "concat", "-safe", "1", "-i", "join.txt"),
)
_DURATION_TOLERANCE_S: Final = 0.08
"""A codec's last block of samples may reach past the end of the film."""

OutputKind = Literal["video", "audio", "image", "poster", "captions"]


class OutputFile(msgspec.Struct, frozen=True):
    """One finished file of a render."""

    kind: OutputKind
    name: str
    path: Path
    content_type: str
    size_bytes: int
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    frames: int = 0


async def assemble(
    plan: Plan,
    segments: Sequence[EncodedSegment],
    audio: EncodedAudio | None,
    out_dir: Path,
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits | None = None,
) -> list[OutputFile]:
    """Make the render's files in `out_dir`, the film first; raises OutputWrong when one is not what the plan says."""
    limits = limits or ProcessLimits()
    film = film_command(plan, segments, audio, tools)
    film.prepare(work_dir, {})
    for name, path in (*_segment_names(segments), *((("sound", audio.path),) if audio else ())):
        link(work_dir / name, path)
    await run(film.argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / "ffmpeg.log")
    found = await probe(work_dir / film.output, tools, ours=True)
    _verify(plan, found, audio)
    made = [_film_output(plan, found, out_dir, publish(work_dir / film.output, out_dir / plan.output_name))]
    if plan.poster is not None and plan.segments:
        made.append(await _poster(plan, made[0].path, out_dir, work_dir, tools, observer, limits))
    return made + _sidecars(plan, out_dir)


def film_command(
    plan: Plan, segments: Sequence[EncodedSegment], audio: EncodedAudio | None, tools: Toolchain
) -> Command:
    """Return the command that joins the film; raises OutputWrong when the segments do not fit together."""
    if len({segment.extradata_hash for segment in segments}) > 1:
        raise OutputWrong("the segments were encoded with different parameters and cannot be joined")
    output = f"film.{plan.encoding.format}"
    if not segments and audio is None:
        raise OutputWrong("there is neither a picture nor a sound to make a file of")
    if not segments:
        return Command((*start(tools), "-i", "sound", "-c", "copy", output), output)
    files = {"join.txt": join_list([segment.frames for segment in segments], plan.timeline.canvas.rate)}
    sound = ("-i", "sound") if audio else ()
    mapped = ("-map", "0:v", *(("-map", "1:a") if audio else ()), "-c", "copy")
    if plan.timeline.chapters and plan.encoding.format in ("mp4", "mov", "webm"):
        files["chapters.txt"] = ffmetadata(plan.timeline.chapters, plan.timeline.canvas.rate)
        mapped = (*("-f", "ffmetadata", "-i", "chapters.txt"), *mapped, "-map_chapters", str(1 + bool(audio)))
    match plan.encoding.format:
        case "gif":
            to_rgb = "scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
            graph = (
                f"[0:v]{to_rgb},split[a][b];[a]palettegen=stats_mode=diff[p];[b][p]paletteuse=dither=sierra2_4a[v]\n"
            )
            files["graph.txt"] = graph
            argv = (*start(tools), *_JOINED, tools.graph_option, "graph.txt", "-map", "[v]", "-loop", "0", output)
        case "png" | "jpg":
            argv = (*start(tools), *_JOINED, "-map", "0:v", "-frames:v", "1", *_still(plan.encoding.format), output)
        case "mp4" | "mov":
            scale = ("-video_track_timescale", str(timescale(plan.timeline.canvas.rate)))
            tag = ("-tag:v", "hvc1") if plan.encoding.video_codec == "hevc" else ()
            argv = (*start(tools), *_JOINED, *sound, *mapped, *tag, *scale, "-movflags", "+faststart", output)
        case _:
            argv = (*start(tools), *_JOINED, *sound, *mapped, output)
    return Command(argv, output, files)


def _segment_names(segments: Sequence[EncodedSegment]) -> list[tuple[str, Path]]:
    return [(f"part-{index}.nut", segment.path) for index, segment in enumerate(segments)]


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


def timescale(rate: Rate) -> int:
    """Return the ticks a second in which every frame's time is a whole number, and fine enough for players."""
    ticks = rate.num
    while ticks < 10_000:
        ticks *= 2
    return ticks


def _still(form: str) -> tuple[str, ...]:
    if form == "png":
        return ("-vf", "scale=in_color_matrix=bt709:in_range=tv,format=rgb24", "-c:v", "png")
    scale = "scale=in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc,format=yuvj420p"
    return ("-vf", scale, "-c:v", "mjpeg", "-q:v", "2")


def _verify(plan: Plan, found: Probed, audio: EncodedAudio | None) -> None:
    """Raise OutputWrong unless the file has the streams, the frames, the size and the length the plan says."""
    canvas, form = plan.timeline.canvas, plan.encoding.format
    problems = []
    if plan.segments:
        if (found.width, found.height) != (canvas.width, canvas.height):
            problems.append(f"it is {found.width}x{found.height} instead of {canvas.width}x{canvas.height}")
        if form in ("mp4", "mov", "webm") and found.frames != canvas.frames:
            problems.append(f"it has {found.frames} frames instead of {canvas.frames}")
    if audio is not None and form not in ("gif", "png", "jpg") and not found.has_audio:
        problems.append("it has no sound")
    wanted_s = float(time_of(canvas.frames, canvas.rate))
    if form not in ("gif", "png", "jpg") and abs(found.duration_s - wanted_s) > _DURATION_TOLERANCE_S:
        problems.append(f"it lasts {found.duration_s:.3f} s instead of {wanted_s:.3f} s")
    if problems:
        raise OutputWrong(f"the film is not what was planned: {'; '.join(problems)}")


def _film_output(plan: Plan, found: Probed, out_dir: Path, size_bytes: int) -> OutputFile:
    canvas, form = plan.timeline.canvas, plan.encoding.format
    kind: OutputKind = "image" if form in ("png", "jpg") else "video" if plan.segments else "audio"
    still = kind == "image"
    return OutputFile(
        kind=kind,
        name=plan.output_name,
        path=out_dir / plan.output_name,
        content_type=CONTENT_TYPES[form],
        size_bytes=size_bytes,
        duration_s=0.0 if still else float(time_of(canvas.frames, canvas.rate)),
        width=found.width,
        height=found.height,
        fps=0.0 if still or kind == "audio" else canvas.rate.num / canvas.rate.den,
        frames=1 if still else canvas.frames if kind == "video" else 0,
    )


async def _poster(
    plan: Plan, film: Path, out_dir: Path, work_dir: Path, tools: Toolchain, observer: Observer, limits: ProcessLimits
) -> OutputFile:
    """Make the poster: the frame on show at its time, or the last one."""
    assert plan.poster is not None
    canvas = plan.timeline.canvas
    last_s = float(time_of(canvas.frames - 1, canvas.rate))
    at_s = max(0.0, min(plan.poster.at_s, last_s) - 0.0005)
    link(work_dir / "poster-source", film)
    argv = (
        *start(tools),
        *("-ss", f"{at_s:.6f}", "-i", "poster-source", "-map", "0:v", "-frames:v", "1", *_still("jpg"), "poster.jpg"),
    )
    await run(argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / "ffmpeg.log")
    name = f"{Path(plan.output_name).stem}.poster.jpg"
    size_bytes = publish(work_dir / "poster.jpg", out_dir / name)
    return OutputFile(
        "poster", name, out_dir / name, "image/jpeg", size_bytes, width=canvas.width, height=canvas.height
    )


def _sidecars(plan: Plan, out_dir: Path) -> list[OutputFile]:
    if plan.captions not in ("sidecar", "both") or not plan.subtitles:
        return []
    stem = Path(plan.output_name).stem
    made = []
    for suffix, content_type, text in (
        (".srt", "application/x-subrip", srt(plan.subtitles)),
        (".vtt", "text/vtt", vtt(plan.subtitles)),
    ):
        path = out_dir / f"{stem}{suffix}"
        path.write_text(text, encoding="utf-8")
        made.append(OutputFile("captions", path.name, path, content_type, path.stat().st_size))
    return made

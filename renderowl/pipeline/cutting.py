"""Cutting a take out of its source: whole GOPs copied, the edges encoded, the joints decoded; and joining a film of takes."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from renderowl.domain.errors import Interrupted, MediaUnreadable, OutputWrong
from renderowl.pipeline.bounded import read_apart
from renderowl.pipeline.clock import fraction_of, time_of, timescale
from renderowl.pipeline.command import link, start
from renderowl.pipeline.effects.source import preroll
from renderowl.pipeline.encoders import edge_arguments
from renderowl.pipeline.formats import GUARD, MEDIA_FORMATS
from renderowl.pipeline.plan import Encoding, Segment
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.smart_cut import NotCopyable, PacketIndex, Piece, numbered, pieces
from renderowl.pipeline.timeline import Rate, VideoContent
from renderowl.pipeline.tools import Toolchain

JOINED_TAKES: Final = "picture.mp4"
LOG: Final = "ffmpeg.log"
_SOURCE: Final = "media-0"
_MEMORY_BYTES: Final = 2 * 1024**3
_LONGEST_S: Final = 900.0
_ONE_THREAD: Final = ("-threads", "1")


async def cut_out(
    segment: Segment,
    encoding: Encoding,
    inputs: Mapping[str, Path],
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits,
) -> Path:
    """Make a segment that shows one plain take of what its source has; raises NotCopyable when it must be encoded."""
    (clip,) = segment.clips
    assert isinstance(clip.content, VideoContent), "only takes are planned to be copied"
    rate = segment.canvas.rate
    begin = fraction_of(clip.content.start)
    await asyncio.to_thread(_open, work_dir, inputs[clip.content.src])
    source = {"file": str(work_dir / _SOURCE), "whitelist": MEDIA_FORMATS}
    wanted = {"start_s": float(begin), "end_s": float(begin + time_of(segment.frames, rate))}
    index = await _packets(work_dir, observer, PacketIndex, index=source | wanted)
    early = preroll(begin, segment.media[clip.content.src])
    packets = numbered(index, begin, early, segment.frames, rate)
    made = pieces(packets, segment.frames)
    edges = [piece for piece in made if piece.kind == "encode"]
    files = [f"edge-{number}.nut" for number in range(len(edges))]
    if edges:
        argv = _edges_command(edges, files, index, packets, segment, encoding, tools)
        await run(argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / LOG)
    encoded = iter(files)
    parts: list[dict[str, Any]] = [
        source | {"first": index.packets[piece.packet][0], "count": piece.frames}
        if piece.kind == "copy"
        else _ours(work_dir / next(encoded))
        for piece in made
    ]
    joined = work_dir / "segment.nut"
    await _join(joined, "nut", rate, parts, segment.frames, work_dir, observer, prove=True)
    copied = sum(piece.frames for piece in made if piece.kind == "copy")
    note(work_dir, f"{copied} of {segment.frames} pictures copied, the others encoded")
    return joined


def _open(work_dir: Path, source: Path) -> None:
    work_dir.mkdir(parents=True, exist_ok=True)
    link(work_dir / _SOURCE, source)


def note(work_dir: Path, said: str) -> None:
    """Say in the step's log what became of the copying."""
    work_dir.mkdir(parents=True, exist_ok=True)
    with (work_dir / LOG).open("a", encoding="utf-8") as log:
        log.write(f"smart cut: {said}\n")


async def join_takes(segments: Sequence[Path], frames: int, rate: Rate, work_dir: Path, observer: Observer) -> Path:
    """Join segments that were encoded differently into one silent mp4; raises OutputWrong when they are not `frames`."""
    joined = work_dir / JOINED_TAKES
    try:
        await _join(joined, "mp4", rate, [_ours(path) for path in segments], frames, work_dir, observer)
    except NotCopyable as error:
        raise OutputWrong(f"the segments cannot be joined: {error}") from error
    return joined


def _ours(path: Path) -> dict[str, Any]:
    return {"file": str(path), "whitelist": "nut"}


def _edges_command(
    edges: Sequence[Piece],
    files: Sequence[str],
    index: PacketIndex,
    packets: Sequence[tuple[int, bool]],
    segment: Segment,
    encoding: Encoding,
    tools: Toolchain,
) -> tuple[str, ...]:
    """Return the command that encodes the pictures around what is copied, as they are, from one opening of the source each."""
    places = {number: place for place, (number, _) in enumerate(packets)}
    half = time_of(1, segment.canvas.rate) / 2
    delay = max(place - number for place, (number, _) in enumerate(packets)) + min(number for number, _ in packets)
    opened: list[str] = []
    written: list[str] = []
    for number, (edge, file) in enumerate(zip(edges, files, strict=True)):
        at = index.time_s(places[edge.start]) - half
        opened += [*GUARD, *_ONE_THREAD, *(("-ss", f"{float(at):.6f}") if at > 0 else ()), "-i", _SOURCE]
        written += ["-map", f"{number}:v:0", "-frames:v", str(edge.frames), "-fps_mode", "passthrough", *_ONE_THREAD]
        written += [*edge_arguments(encoding, segment.canvas, tools, delay), "-f", "nut", file]
    return (*start(tools), *opened, *written)


async def _join(
    out: Path,
    form: str,
    rate: Rate,
    parts: Sequence[dict[str, Any]],
    frames: int,
    work_dir: Path,
    observer: Observer,
    *,
    prove: bool = False,
) -> None:
    job = {
        "out": str(out),
        "format": form,
        "rate": (rate.num, rate.den),
        "timescale": timescale(rate),
        "pieces": parts,
        "prove": prove,
    }
    made = await _packets(work_dir, observer, dict[str, int], join=job)
    if made["frames"] != frames:
        raise NotCopyable(f"{made['frames']} pictures came together instead of {frames}")


async def _packets(work_dir: Path, observer: Observer, answer: Any, **job: Any) -> Any:
    """Have `packets_av` do a job; raises NotCopyable with what it complains of, Interrupted when the step is stopped."""
    job_file = work_dir / "packets.json"
    job_file.write_bytes(msgspec.json.encode(job))
    argv = (sys.executable, "-Im", "renderowl.pipeline.packets_av", str(job_file))
    apart = read_apart(argv, work_dir / _SOURCE, timeout_s=_LONGEST_S, memory_bytes=_MEMORY_BYTES, writable=work_dir)
    reading = asyncio.ensure_future(apart)  # noqa: TID251 - both end before this returns
    stopped = asyncio.ensure_future(observer.stop.wait())  # noqa: TID251 - both end before this returns
    try:
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise Interrupted("the step was asked to stop")
        return msgspec.json.decode(reading.result(), type=answer)
    except MediaUnreadable as error:
        raise NotCopyable(error.detail) from error
    finally:
        for task in (reading, stopped):
            task.cancel()
        await asyncio.gather(reading, stopped, return_exceptions=True)

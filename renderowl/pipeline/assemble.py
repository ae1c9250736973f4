"""Assemble: join the segments by copying, add the sound, make stills and sidecars, and probe what was made."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from renderowl.domain.errors import Interrupted, OutputWrong, RenderOwlError, Stalled
from renderowl.pipeline import hls
from renderowl.pipeline.command import link
from renderowl.pipeline.cutting import join_takes
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment, publish
from renderowl.pipeline.join import film_command, joins_unopened
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.probe import Probed, probe
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.stills import Stills, sheet_grid, sprite_vtt, thumbnail_height
from renderowl.pipeline.subtitles import srt, vtt
from renderowl.pipeline.tools import Toolchain

CONTENT_TYPES: Final = {
    **{"mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "gif": "image/gif"},
    "hls": hls.PLAYLIST_TYPE,
    **{"mp3": "audio/mpeg", "wav": "audio/wav", "png": "image/png", "jpg": "image/jpeg"},
}
_DURATION_TOLERANCE_S: Final = 0.08
"""A codec's last block of samples may reach past the end of the film."""

OutputKind = Literal["video", "media", "audio", "image", "poster", "captions", "thumbnail", "thumbnails"]
"""`media` is what the playlist of an HLS film plays; `thumbnails` says where on which `thumbnail` is what."""


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
    """Make a film's files in `out_dir`, the film first; raises OutputWrong when one is not what the plan says."""
    limits = limits or ProcessLimits()
    await asyncio.to_thread(work_dir.mkdir, parents=True, exist_ok=True)
    for index, segment in enumerate(segments):
        link(work_dir / f"part-{index}.nut", segment.path)
    if audio is not None:
        link(work_dir / "sound", audio.path)
    if plan.copies:
        await join_takes(
            [segment.path for segment in segments],
            plan.timeline.canvas.frames,
            plan.timeline.canvas.rate,
            work_dir,
            observer,
        )
    name = await _joined(plan, segments, audio, work_dir, tools, observer, limits)
    streamed = plan.encoding.format == "hls"
    found = await probe(work_dir / (hls.MEDIA if streamed else name), tools, ours=True)
    if streamed:
        made = _streamed(plan, found, audio, work_dir, out_dir)
    else:
        _verify(plan, found, found.duration_s, audio)
        made = [_film_output(plan, found, out_dir, publish(work_dir / name, out_dir / plan.output_name))]
    if plan.segments and (plan.poster is not None or plan.thumbnails is not None):
        stills = Stills(made[-1].path, plan.timeline.canvas, work_dir, tools, observer, limits)
        made += await _stills(plan, stills, out_dir)
    return made + _sidecars(plan, out_dir)


async def _joined(
    plan: Plan,
    segments: Sequence[EncodedSegment],
    audio: EncodedAudio | None,
    work_dir: Path,
    tools: Toolchain,
    observer: Observer,
    limits: ProcessLimits,
) -> str:
    """Join the film, the fast way where there is one, and return the name of its file."""
    for unopened in (True, False) if joins_unopened(plan, tools) else (False,):
        film = film_command(plan, segments, audio, tools, unopened=unopened)
        film.prepare(work_dir, {})
        try:
            await run(film.argv, work_dir=work_dir, observer=observer, limits=limits, log_path=work_dir / "ffmpeg.log")
            break
        except (Interrupted, Stalled):
            raise
        except RenderOwlError:
            if not unopened:  # the fast way fails without a word; the other one says why
                raise
    return film.output


def _verify(plan: Plan, found: Probed, duration_s: float, audio: EncodedAudio | None) -> None:
    """Raise OutputWrong unless the file has the streams, the frames, the size and the length the plan says."""
    canvas, form = plan.timeline.canvas, plan.encoding.format
    problems = []
    if plan.segments:
        if (found.width, found.height) != (canvas.width, canvas.height):
            problems.append(f"it is {found.width}x{found.height} instead of {canvas.width}x{canvas.height}")
        if form in ("mp4", "mov", "webm", "hls") and found.frames != canvas.frames:
            problems.append(f"it has {found.frames} frames instead of {canvas.frames}")
    if audio is not None and form not in ("gif", "png", "jpg") and not found.has_audio:
        problems.append("it has no sound")
    wanted_s = canvas.duration_s
    if form not in ("gif", "png", "jpg") and abs(duration_s - wanted_s) > _DURATION_TOLERANCE_S:
        problems.append(f"it lasts {duration_s:.3f} s instead of {wanted_s:.3f} s")
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
        duration_s=0.0 if still else canvas.duration_s,
        width=found.width,
        height=found.height,
        fps=0.0 if still or kind == "audio" else canvas.rate.num / canvas.rate.den,
        frames=1 if still else canvas.frames if kind == "video" else 0,
    )


def _streamed(plan: Plan, found: Probed, audio: EncodedAudio | None, work_dir: Path, out_dir: Path) -> list[OutputFile]:
    """Verify an HLS film and give its two files their names: the playlist, and what it plays."""
    playlist = (work_dir / hls.PLAYLIST).read_text(encoding="utf-8")
    _verify(plan, found, hls.length_s(playlist), audio)
    media = out_dir / f"{Path(plan.output_name).stem}.hls.mp4"
    media_bytes = publish(work_dir / hls.MEDIA, media)
    told = _text("video", work_dir / "named.m3u8", hls.PLAYLIST_TYPE, hls.named(playlist, media.name))
    film = _film_output(plan, found, out_dir, publish(told.path, out_dir / plan.output_name))
    return [film, OutputFile("media", media.name, media, "video/mp4", media_bytes)]


async def _stills(plan: Plan, stills: Stills, out_dir: Path) -> list[OutputFile]:
    """Take the poster and the thumbnails."""
    stem, canvas = Path(plan.output_name).stem, plan.timeline.canvas
    made = []
    if plan.poster is not None:
        poster = await stills.poster(plan.poster.at_s)
        made.append(_still("poster", poster, out_dir / f"{stem}.poster.jpg", canvas.width, canvas.height))
    wanted = plan.thumbnails
    if wanted is None:
        return made
    pictures = await stills.thumbnails(wanted)
    width, height = wanted.width, thumbnail_height(wanted, canvas)
    if not wanted.sprite:
        places = [out_dir / f"{stem}.thumbnail-{number:04}.jpg" for number in range(1, len(pictures) + 1)]
        pairs = zip(pictures, places, strict=True)
        return made + [_still("thumbnail", picture, place, width, height) for picture, place in pairs]
    sheets = await stills.sheets(len(pictures))
    places = [out_dir / f"{stem}.thumbnails-{number}.jpg" for number in range(1, len(sheets) + 1)]
    across, down = sheet_grid(len(pictures))
    pairs = zip(sheets, places, strict=True)
    laid = [_still("thumbnail", sheet, place, across * width, down * height) for sheet, place in pairs]
    text = sprite_vtt(wanted, canvas, [place.name for place in places])
    return [*made, _text("thumbnails", out_dir / f"{stem}.thumbnails.vtt", "text/vtt", text), *laid]


def _still(kind: OutputKind, picture: Path, place: Path, width: int, height: int) -> OutputFile:
    size_bytes = publish(picture, place)
    return OutputFile(kind, place.name, place, "image/jpeg", size_bytes, width=width, height=height)


def _text(kind: OutputKind, place: Path, content_type: str, text: str) -> OutputFile:
    place.write_text(text, encoding="utf-8")
    return OutputFile(kind, place.name, place, content_type, place.stat().st_size)


def _sidecars(plan: Plan, out_dir: Path) -> list[OutputFile]:
    if plan.captions not in ("sidecar", "both") or not plan.subtitles:
        return []
    stem = Path(plan.output_name).stem
    return [
        _text("captions", out_dir / f"{stem}.srt", "application/x-subrip", srt(plan.subtitles)),
        _text("captions", out_dir / f"{stem}.vtt", "text/vtt", vtt(plan.subtitles)),
    ]

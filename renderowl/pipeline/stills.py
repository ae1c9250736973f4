"""Stills of a finished film: its poster and its thumbnails, each the very frame on show at its time."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Final
from urllib.parse import quote

from renderowl.pipeline.clock import exact, frame_at, time_of
from renderowl.pipeline.command import link, start
from renderowl.pipeline.plan import Thumbnails, thumbnail_count
from renderowl.pipeline.run import Observer, ProcessLimits, run
from renderowl.pipeline.subtitles import vtt_time
from renderowl.pipeline.timeline import Canvas
from renderowl.pipeline.tools import Toolchain

_BATCH: Final = 8
"""Stills that one process seeks: each has a decoder of its own."""
_COLUMNS: Final = 10
_ROWS: Final = 10
_SOURCE: Final = "film"
AS_JPEG: Final = "scale={size}in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc,format=yuvj420p"


class Stills:
    """Takes stills of one film, the file `film`, in a work directory."""

    def __init__(
        self, film: Path, canvas: Canvas, work_dir: Path, tools: Toolchain, observer: Observer, limits: ProcessLimits
    ) -> None:
        self._canvas, self._work_dir, self._tools = canvas, work_dir, tools
        self._observer, self._limits = observer, limits
        link(work_dir / _SOURCE, film)

    async def poster(self, at_s: float) -> Path:
        """Take the frame that is on show at a time, or the last one."""
        await self._take([frame_at(exact(at_s), self._canvas.rate)], "poster-{}.jpg", "")
        return self._work_dir / "poster-0.jpg"

    async def thumbnails(self, wanted: Thumbnails) -> list[Path]:
        """Take the frame at each interval; all of them as single files, in order."""
        rate, height = self._canvas.rate, thumbnail_height(wanted, self._canvas)
        count = thumbnail_count(wanted, self._canvas.duration_s)
        frames = [frame_at(number * exact(wanted.interval_s), rate) for number in range(count)]
        await self._take(frames, "thumbnail-{}.jpg", f"{wanted.width}:{height}:")
        return [self._work_dir / f"thumbnail-{number}.jpg" for number in range(count)]

    async def sheets(self, count: int) -> list[Path]:
        """Lay so many thumbnails out on sprite sheets, each row after row."""
        tile = "tile={}x{}".format(*sheet_grid(count))
        argv = (
            *start(self._tools),
            *("-framerate", "1", "-i", "thumbnail-%d.jpg", "-vf", tile, "-c:v", "mjpeg", "-q:v", "3", "sheet-%d.jpg"),
        )
        await self._run(argv)
        return [self._work_dir / f"sheet-{number + 1}.jpg" for number in range(ceil(count / (_COLUMNS * _ROWS)))]

    async def _take(self, frames: Sequence[int], name: str, size: str) -> None:
        for first in range(0, len(frames), _BATCH):
            batch = frames[first : first + _BATCH]
            sought = [word for frame in batch for word in ("-ss", f"{self._just_before_s(frame):.6f}", "-i", _SOURCE)]
            made = []
            for number in range(len(batch)):
                made += ["-map", f"{number}:v", "-frames:v", "1", "-vf", AS_JPEG.format(size=size)]
                made += ["-c:v", "mjpeg", "-q:v", "2", "-update", "1", name.format(first + number)]
            await self._run((*start(self._tools), *sought, *made))

    def _just_before_s(self, frame: int) -> float:
        shown = min(frame, self._canvas.frames - 1)
        return max(0.0, float(time_of(shown, self._canvas.rate)) - 0.0005)

    async def _run(self, argv: Sequence[str]) -> None:
        log = self._work_dir / "ffmpeg.log"
        await run(argv, work_dir=self._work_dir, observer=self._observer, limits=self._limits, log_path=log)


def sheet_grid(count: int) -> tuple[int, int]:
    """Return how many thumbnails lie side by side and how many below each other on a sheet, so many being laid out."""
    return min(_COLUMNS, count), min(_ROWS, ceil(count / _COLUMNS))


def thumbnail_height(wanted: Thumbnails, canvas: Canvas) -> int:
    """Return how high thumbnails of this width are: even, as their colours need it."""
    return max(2, 2 * round(wanted.width * canvas.height / canvas.width / 2))


def sprite_vtt(wanted: Thumbnails, canvas: Canvas, sheet_names: Sequence[str]) -> str:
    """Return the WebVTT file that says which part of which sheet is shown at what time of the film."""
    duration_s = canvas.duration_s
    width, height = wanted.width, thumbnail_height(wanted, canvas)
    lines = ["WEBVTT", ""]
    for number in range(thumbnail_count(wanted, duration_s)):
        sheet, place = divmod(number, _COLUMNS * _ROWS)
        row, column = divmod(place, _COLUMNS)
        start_s = number * wanted.interval_s
        end_s = min(duration_s, start_s + wanted.interval_s)
        where = f"{column * width},{row * height},{width},{height}"
        lines += [f"{vtt_time(start_s)} --> {vtt_time(end_s)}", f"{quote(sheet_names[sheet])}#xywh={where}", ""]
    return "\n".join(lines)

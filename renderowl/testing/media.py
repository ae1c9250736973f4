"""Test media with known facts, made by FFmpeg's own sources and kept for the session, and readers of what was made.

Colours are plain, tones are sines: a test can say what must be seen and heard where.
"""

import asyncio
import hashlib
import math
import re
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from renderowl.pipeline.tools import Toolchain

Pixel = tuple[int, int, int]


class MadeMedia(msgspec.Struct, frozen=True):
    """A maker of files in one directory; the same request gives the same file, made once."""

    directory: Path
    tools: Toolchain

    async def video(
        self,
        *,
        colors: Sequence[str] = ("red",),
        each_s: float = 1.0,
        size: str = "320x180",
        fps: str = "30",
        tone_hz: int | None = None,
        suffix: str = ".mp4",
        options: Sequence[str] = (),
    ) -> Path:
        """Return a video of plain colours, one after the other, with a tone through all of it when asked for."""
        frames = "".join(f"color=c={c}:s={size}:r={fps}:d={each_s}[c{i}];" for i, c in enumerate(colors))
        joined = "".join(f"[c{i}]" for i in range(len(colors))) + f"concat=n={len(colors)}"
        graph = f"{frames}{joined},format=gbrp,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p[v]"
        sound = f";sine=f={tone_hz}:r=48000:d={each_s * len(colors)},volume=2[a]" if tone_hz else ""
        maps = ("-map", "[v]", *(("-map", "[a]") if tone_hz else ()))
        tags = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
        return await self.made(suffix, "-filter_complex", graph + sound, *maps, *tags, "-crf", "8", *options)

    async def counter(self, *, frames: int, fps: str = "30", size: str = "64x64", suffix: str = ".mp4") -> Path:
        """Return a video whose frame n is the grey 16 + n: which frame is on show can be read from any pixel."""
        graph = f"color=c=black:s={size}:r={fps},trim=end_frame={frames},format=yuv420p,geq=lum='16+N':cb=128:cr=128[v]"
        return await self.made(suffix, "-filter_complex", graph, "-map", "[v]", "-qp", "0")

    async def stripes(self, *, width: int = 8, size: str = "320x180", duration_s: float = 1.0) -> Path:
        """Return a video of upright black and white stripes, each `width` pixels wide, black from the left edge on."""
        graph = f"color=c=black:s={size}:r=30:d={duration_s},format=yuv420p"
        graph += f",geq=lum='16+219*mod(floor(X/{width}),2)':cb=128:cr=128[v]"
        return await self.made(".mp4", "-filter_complex", graph, "-map", "[v]", "-crf", "4")

    async def striped_picture(self, *, width: int = 8, size: str = "320x180") -> Path:
        """Return a still of upright black and white stripes, each `width` pixels wide, black from the left edge on."""
        graph = f"color=c=black:s={size},format=gray,geq=lum='255*mod(floor(X/{width}),2)',format=rgb24[v]"
        return await self.made(".png", "-filter_complex", graph, "-map", "[v]", "-frames:v", "1", "-update", "1")

    async def turned(self, source: Path, degrees: int) -> Path:
        """Return a video that is stored lying and marked to be shown turned, as phones do."""
        suffix = f"-{degrees}{source.suffix}"
        return await self.made(suffix, "-display_rotation", str(degrees), "-i", str(source), "-c", "copy")

    async def tone(self, *, hz: int = 440, duration_s: float = 2.0, rate: int = 48_000, suffix: str = ".wav") -> Path:
        """Return a sine of -12 dBFS and nothing else."""
        graph = f"sine=f={hz}:r={rate}:d={duration_s},volume=2[a]"
        return await self.made(suffix, "-filter_complex", graph, "-map", "[a]")

    async def surround(self, channel: str, *, layout: str = "5.1", suffix: str = ".wav") -> Path:
        """Return two seconds of a sine of -12 dBFS in one channel of several, the others silent."""
        graph = f"sine=f=500:r=48000:d=2,volume=2,pan={layout}|{channel}=c0[a]"
        return await self.made(suffix, "-filter_complex", graph, "-map", "[a]")

    async def picture(
        self, *, color: str = "blue", size: str = "200x100", suffix: str = ".png", pix_fmt: str = "rgb24"
    ) -> Path:
        """Return a still of one colour; with `rgba` and `blue@0.5` a translucent one."""
        graph = f"color=c={color}:s={size},format={pix_fmt}[v]"
        return await self.made(suffix, "-filter_complex", graph, "-map", "[v]", "-frames:v", "1", "-update", "1")

    async def made(self, suffix: str, *arguments: str) -> Path:
        """Return what FFmpeg makes of these arguments."""
        name = hashlib.sha256("\0".join((*arguments, suffix)).encode()).hexdigest()[:16]
        path = self.directory / f"{name}{suffix}"
        if not path.exists():
            part = path.with_name(f"part-{path.name}")
            await _ffmpeg(self.tools, *arguments, str(part))
            part.replace(path)
        return path


async def frame_pixels(path: Path, tools: Toolchain, frame: int, points: Sequence[tuple[int, int]]) -> list[Pixel]:
    """Return the colours at these points of one frame, as RGB read through BT.709."""
    width, height, raw = await frame_rgb(path, tools, frame)
    assert all(x < width and y < height for x, y in points)
    places = [3 * (y * width + x) for x, y in points]
    return [(raw[place], raw[place + 1], raw[place + 2]) for place in places]


async def frame_rgb(path: Path, tools: Toolchain, frame: int) -> tuple[int, int, bytes]:
    """Return a frame as (width, height, RGB bytes)."""
    select = f"select=eq(n\\,{frame}),scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
    ppm = await _ffmpeg(
        tools, "-i", str(path), "-vf", select, "-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"
    )
    magic, size, depth, raw = ppm.split(b"\n", 3)
    assert (magic, depth) == (b"P6", b"255"), "the film has no such frame"
    width, height = map(int, size.split())
    return width, height, raw


async def first_plane_values(path: Path, tools: Toolchain) -> list[int]:
    """Return the luma of the top left pixel of every frame, in order: what `counter` is read with."""
    raw = await _ffmpeg(
        tools,
        "-i",
        str(path),
        "-vf",
        "crop=2:2:0:0,extractplanes=y",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "pipe:1",
    )
    return list(raw[::4])


async def sound_samples(path: Path, tools: Toolchain) -> list[tuple[int, int]]:
    """Return the decoded sound as pairs of 16-bit samples at 48 kHz."""
    raw = await _ffmpeg(
        tools,
        "-i",
        str(path),
        "-map",
        "0:a:0",
        "-ar",
        "48000",
        "-ac",
        "2",
        "-f",
        "s16le",
        "-c:a",
        "pcm_s16le",
        "pipe:1",
    )
    return list(struct.iter_unpack("<hh", raw))


async def chapters_of(path: Path, tools: Toolchain) -> list[tuple[float, float, str]]:
    """Return the chapters of a film as (start, end, title), in seconds."""
    text = (await _ffmpeg(tools, "-i", str(path), "-f", "ffmetadata", "pipe:1")).decode()
    found = []
    for part in text.split("\n[CHAPTER]\n")[1:]:
        fields = dict(line.split("=", 1) for line in part.splitlines() if "=" in line)
        tick = Fraction(fields["TIMEBASE"])
        title = re.sub(r"\\(.)", r"\1", fields["title"])
        found.append((float(int(fields["START"]) * tick), float(int(fields["END"]) * tick), title))
    return found


def level_db(samples: Sequence[tuple[int, int]]) -> float:
    """Return the loudness of the left channel in dBFS (RMS); -120 for silence."""
    mean = sum(left * left for left, _ in samples) / max(1, len(samples))
    return 20 * math.log10(math.sqrt(mean) / 32768) if mean else -120.0


async def loudness_of(path: Path, tools: Toolchain) -> tuple[float, float]:
    """Return a film's integrated loudness in LUFS and its true peak in dBTP."""
    heard = ("-i", str(path), "-map", "0:a:0", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-")
    said = (await _ffmpeg(tools, "-loglevel", "info", *heard, say=True)).decode()
    found = [float(said.rpartition(name)[2].split()[0]) for name in ("I:", "Peak:")]
    return found[0], found[1]


def png_bomb(width: int = 100_000, height: int = 100_000) -> bytes:
    """Return a PNG of a few bytes whose header claims a giant picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


async def _ffmpeg(tools: Toolchain, *arguments: str, say: bool = False) -> bytes:
    """Return what FFmpeg writes to its standard output, or what it says."""
    process = await asyncio.create_subprocess_exec(
        *(tools.ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode(errors="replace")
    return complaint if say else out

"""The toolchain: which FFmpeg and ffprobe are used and what they can do, asked once for each path."""

import asyncio
import os
import re
import shutil
from pathlib import Path
from typing import Final

import msgspec

from renderowl.domain.errors import CodecUnsupported, EncoderFailed

ENCODER_REVISION: Final = 3
"""Raised whenever our own graphs or encoder settings change the bits, so that old cache keys stop matching."""

_HARDWARE: Final = ("_nvenc", "_qsv", "_vaapi", "_amf", "_videotoolbox", "_v4l2m2m", "_vulkan")
_ASK_TIMEOUT_S: Final = 20.0
_known: dict[tuple[str, str], "Toolchain"] = {}


class Toolchain(msgspec.Struct, frozen=True):
    """One FFmpeg with its capabilities; `fingerprint` (its version and our encoder revision) is part of cache keys."""

    ffmpeg: str
    version: str
    ffprobe: str | None = None
    encoders: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    hardware: str = ""
    """The family of hardware encoders that H.264 and HEVC are encoded with; empty for software."""
    graph_option: str = "-/filter_complex"
    """How a filter graph is read from a file: FFmpeg 9 dropped `-filter_complex_script`, 5.1 knows nothing else."""

    @property
    def fingerprint(self) -> str:
        """FFmpeg's version, our encoder revision and the hardware that encodes, if any does."""
        return f"ffmpeg-{self.version}/renderowl-{ENCODER_REVISION}" + f"/{self.hardware}" * bool(self.hardware)

    @property
    def hardware_encoders(self) -> frozenset[str]:
        """The encoders that need a device; being listed does not mean that the device is there."""
        return frozenset(name for name in self.encoders if name.endswith(_HARDWARE))

    def require_encoder(self, name: str) -> str:
        """Return this encoder's name or raise CodecUnsupported."""
        if name not in self.encoders:
            raise CodecUnsupported(f"this FFmpeg ({self.version}) has no encoder {name}")
        return name


async def discover(ffmpeg: str = "", ffprobe: str = "") -> Toolchain:
    """Return the toolchain: the FFmpeg named, else the imageio-ffmpeg wheel's, else the one in PATH."""
    program = ffmpeg or _from_wheel() or shutil.which("ffmpeg") or ""
    if not program:
        raise EncoderFailed("there is no FFmpeg: neither configured, nor from the imageio-ffmpeg wheel, nor in PATH")
    prober = ffprobe or _beside(program) or shutil.which("ffprobe")
    key = (program, prober or "")
    if key not in _known:
        _known[key] = await _examine(program, prober)
    return _known[key]


def _from_wheel() -> str | None:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def _beside(program: str) -> str | None:
    candidate = Path(program).with_name("ffprobe")
    return str(candidate) if os.access(candidate, os.X_OK) else None


async def _examine(program: str, prober: str | None) -> Toolchain:
    banner, encoders, filters, options = await asyncio.gather(
        _ask(program, "-version"),
        _ask(program, "-encoders"),
        _ask(program, "-filters"),
        _ask(program, "-h", "long"),
    )
    match = re.match(r"ffmpeg version (\S+)", banner)
    return Toolchain(
        ffmpeg=program,
        version=match.group(1) if match else "unknown",
        ffprobe=prober,
        encoders=_names(encoders, r"^ [VAS][.A-Z]{5} (\S+)"),
        filters=_names(filters, r"^ [.A-Z]{2,3} (\S+) +\S+->\S+"),
        graph_option="-filter_complex_script" if "-filter_complex_script" in options else "-/filter_complex",
    )


def _names(listing: str, pattern: str) -> frozenset[str]:
    return frozenset(match.group(1) for match in re.finditer(pattern, listing, re.MULTILINE))


async def _ask(program: str, *arguments: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "-hide_banner",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise EncoderFailed(f"{program} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(_ASK_TIMEOUT_S):
            out, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise EncoderFailed(f"{program} does not answer") from error
    return out.decode(errors="replace")

"""Encoders in hardware: which of them work on this machine, found out by trying, and how they are asked.

A listed encoder proves nothing: FFmpeg is built with all of them. What they make is not what x264 makes, nor the same on
two generations of a chip; so they are used only where a setting says so, and their films have keys of their own.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from renderowl.domain.errors import CodecUnsupported
from renderowl.pipeline.tools import Toolchain

AUTO: Final = "auto"
_TRIAL_S: Final = 15.0
_WORST_CRF: Final = 51


class Family(msgspec.Struct, frozen=True):
    """The encoders of one maker: what opens the device, what brings pictures to it, and the format of pictures it takes."""

    device: tuple[str, ...] = ()
    upload: tuple[tuple[str, ...], ...] = ()
    pix_fmt: tuple[str, ...] = ("-pix_fmt", "yuv420p")


FAMILIES: Final[Mapping[str, Family]] = {
    "nvenc": Family(),
    "qsv": Family(pix_fmt=("-pix_fmt", "nv12")),
    "vaapi": Family(("-vaapi_device", "/dev/dri/renderD128"), (("format", "nv12"), ("hwupload",)), ()),
    "videotoolbox": Family(),
}
"""By the ending of their encoders' names, the first that works being the one that is taken."""


def family_of(tools: Toolchain, codec: str) -> Family:
    """Return what the encoder of a codec needs besides its arguments; of an encoder in software that is nothing."""
    return FAMILIES[tools.hardware] if is_hardware(tools, codec) else Family()


def is_hardware(tools: Toolchain, codec: str) -> bool:
    """Tell whether a codec is encoded in hardware."""
    return bool(tools.hardware) and codec in ("h264", "hevc")


def hardware_arguments(family: str, codec: str, crf: int, gop: int) -> tuple[str, ...]:
    """Return the arguments that encode a segment in hardware: no B frames, closed groups of one length."""
    quality = {
        "nvenc": ("-preset", "p5", "-rc", "vbr", "-cq", str(crf), "-b:v", "0", "-forced-idr", "1", "-no-scenecut", "1"),
        "qsv": ("-global_quality", str(max(1, crf))),
        "vaapi": ("-rc_mode", "CQP", "-qp", str(crf)),
        "videotoolbox": ("-q:v", str(round(100 - 99 * crf / _WORST_CRF))),
    }[family]
    taken = FAMILIES[family].pix_fmt
    return ("-c:v", f"{codec}_{family}", *quality, "-bf", "0", "-g", str(gop), "-flags", "+cgop", *taken)


async def working(tools: Toolchain) -> list[str]:
    """Return the families whose H.264 encoder makes a picture on this machine, the best first."""
    listed = [family for family in FAMILIES if f"h264_{family}" in tools.encoders]
    found = await asyncio.gather(*(_works(tools, family) for family in listed))
    return [family for family, works in zip(listed, found, strict=True) if works]


async def equipped(tools: Toolchain, wanted: str, *, trying: bool = True) -> Toolchain:
    """Return the toolchain with the hardware that a setting names: none, `auto` for any that works, or a family.

    Raises CodecUnsupported when the family that is named does not work; not `trying`, it is believed to.
    """
    if not wanted:
        return tools
    if wanted != AUTO and not trying:
        return msgspec.structs.replace(tools, hardware=wanted)
    found = await working(tools)
    if wanted == AUTO:
        return msgspec.structs.replace(tools, hardware=found[0]) if found else tools
    if wanted not in found:
        raise CodecUnsupported(f"h264_{wanted} does not work on this machine; `renderowl doctor` says what does")
    return msgspec.structs.replace(tools, hardware=wanted)


async def _works(tools: Toolchain, family: str) -> bool:
    filters = ",".join("=".join(each) for each in FAMILIES[family].upload)
    upload = ("-vf", filters) if filters else ()
    process = await asyncio.create_subprocess_exec(
        *(tools.ffmpeg, "-hide_banner", "-loglevel", "error", *FAMILIES[family].device),
        *("-f", "lavfi", "-i", "color=c=black:s=256x256:r=25:d=0.2", *upload),
        *(*hardware_arguments(family, "h264", 25, 50), "-frames:v", "2", "-f", "null", "-"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_TRIAL_S):
            return await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False

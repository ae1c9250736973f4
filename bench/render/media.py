"""Sources of the benchmarks, made once: pictures with much in them, voices, music, and a video."""

import subprocess
from pathlib import Path
from typing import Final

from house import FOLDER, ffmpeg

PICTURE: Final = (2400, 1600)
"""Pixels; as a camera's, a larger and squarer picture than the film."""
_DRAWN: Final = 8


def picture(number: int) -> str:
    """A picture full of detail, another one for each number; its name."""
    name = f"picture-{number:03}.jpg"
    turned = ("-vf", f"hue=h={37 * number % 360}:s={1 - number // _DRAWN % 5 / 8}", "-q:v", "3")
    if number >= _DRAWN:  # drawing takes seconds, turning colours does not
        return _made(name, "-i", str(FOLDER / picture(number % _DRAWN)), *turned)
    width, height = PICTURE
    scale = 3 / (1 + 3 * number)
    place = "start_x=-0.743643887037151:start_y=-0.13182590420533"
    source = f"mandelbrot=size={width}x{height}:start_scale={scale}:maxiter=500:{place}"
    return _made(name, "-f", "lavfi", "-i", source, "-frames:v", "1", *turned)


def voice(number: int, seconds: float) -> str:
    """Something that comes and goes like speech, exactly so long; its name."""
    source = (
        f"sine=f={180 + 10 * (number % 7)}:r=48000:d={seconds},tremolo=f=4:d=0.9,volume=4,aformat=channel_layouts=mono"
    )
    return _made(f"voice-{number:03}-{seconds:g}.wav", "-f", "lavfi", "-i", source)


def music(seconds: float) -> str:
    """A chord; its name."""
    source = f"aevalsrc='0.1*sin(440*PI*t)+0.1*sin(554*PI*t)+0.1*sin(659*PI*t)|0.1*sin(440*PI*t)':s=44100:d={seconds}"
    return _made(f"music-{seconds:g}.mp3", "-f", "lavfi", "-i", source, "-b:a", "192k")


def video(seconds: float, size: str = "1920x1080") -> str:
    """A video in which everything moves all the time, with sound; its name."""
    graph = (
        f"testsrc2=s={size}:r=30:d={seconds},noise=alls=6:allf=t,format=yuv420p[v];sine=f=330:r=48000:d={seconds}[a]"
    )
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "aac")
    return _made(f"video-{size}-{seconds:g}.mp4", "-filter_complex", graph, "-map", "[v]", "-map", "[a]", *coded)


def _made(name: str, *arguments: str) -> str:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    if not path.exists():
        part = path.with_name(f"part-{name}")
        subprocess.run([ffmpeg(), "-y", "-v", "error", *arguments, str(part)], check=True, stdin=subprocess.DEVNULL)
        part.rename(path)
    return name


def frames_of(path: Path) -> int:
    """How many frames a film has, each decoded; raises when one cannot be."""
    graph = ("-map", "0:v", "-f", "null", "-")
    said = subprocess.run(
        [ffmpeg(), "-v", "error", "-xerror", "-i", str(path), *graph, "-progress", "pipe:1"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert not said.stderr, said.stderr
    return int([line for line in said.stdout.splitlines() if line.startswith("frame=")][-1].partition("=")[2])

"""Longform, four stills under twelve tracks at the default preset: how many times faster than it plays.

By default an hour. What stands still is encoded once and joined by reference as often as it is seen.
"""

import argparse
import asyncio
import shutil
from pathlib import Path
from typing import Final

import paths  # noqa: F401 - makes bench/ importable
from house import FOLDER, ffmpeg, render, run
from results import save

from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import discover

GOAL_S_A_MINUTE: Final = 1.0
STILLS, TRACKS, FPS = 4, 12, 30


def sources(minutes: int) -> tuple[list[Path], list[Path]]:
    """Pictures with detail everywhere, as photographs have, and tracks that last `minutes` together."""
    folder = FOLDER / "longform"
    folder.mkdir(parents=True, exist_ok=True)
    stills = [folder / f"still-{number}.jpg" for number in range(STILLS)]
    for number, still in enumerate(stills):
        depth = f"mandelbrot=s=1920x1080:start_scale={0.9 / 3**number}:maxiter=400,noise=alls=6:all_seed={number}"
        _make(still, "-f", "lavfi", "-i", depth, "-frames:v", "1", "-q:v", "2", "-update", "1")
    seconds = minutes * 60 / TRACKS
    tracks = [folder / f"track-{number}-{minutes}min.m4a" for number in range(TRACKS)]
    for number, track in enumerate(tracks):
        tune = f"0.2*sin({150 + 20 * number}*2*PI*t)*exp(-3*mod(t\\,0.5))"
        graph = (
            f"aevalsrc={tune}|{tune}:s=44100:d={seconds:g}[t];anoisesrc=a=0.02:r=44100:d={seconds:g}:seed={number}[n]"
        )
        _make(track, "-filter_complex", f"{graph};[t][n]amix", "-b:a", "160k")
    return stills, tracks


def _make(path: Path, *arguments: str) -> None:
    if not path.exists():
        draft = path.with_stem(f"draft-{path.stem}")
        run([ffmpeg(), "-v", "error", "-y", *arguments, draft], path.parent)
        draft.rename(path)


async def measure(minutes: int) -> None:
    stills, tracks = sources(minutes)
    props = {
        "backgrounds": [{"type": "image", "src": str(still)} for still in stills],
        "audio": [{"src": str(track)} for track in tracks],
    }
    cache = FOLDER / "longform-cache"
    shutil.rmtree(cache, ignore_errors=True)
    name = f"longform-{minutes}min"
    cold, film = render(name, "longform", props, {}, cache_dir=cache)
    again, _ = render(name, "longform", props, {}, cache_dir=cache)
    found = await probe(film, await discover(), ours=True)
    assert found.frames == minutes * 60 * FPS, f"{found.frames} frames"
    save(
        "render_longform",
        title=f"{minutes} minutes of longform, four stills and twelve tracks, for a minute of film",
        goal=GOAL_S_A_MINUTE,
        result=cold.wall_s / minutes,
        unit="s",
        meaning="wall time for each minute of the film, with an empty cache, at the default preset; 1 s is 60 times as "
        "fast as it plays",
        times_real_time=round(minutes * 60 / cold.wall_s, 1),
        cold=cold.told,
        again=again.told,
        frames=found.frames,
        size_mb=round(film.stat().st_size / 1e6, 1),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    asyncio.run(measure(parser.parse_args().minutes))

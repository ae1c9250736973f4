"""Twenty clips of about 10 s out of 10 minutes of 1080p H.264: `smart_cut` against encoding the same clips, processor time.

The source has scenes of 2 to 6 s, once with x264's own choice of key pictures (at cuts, and every 250 frames), once with
one every 2 s. The clips begin anywhere. On two cores all of it takes about 20 minutes, nearly all of them for encoding.
"""

import argparse
import asyncio
import random
from pathlib import Path
from typing import Any, Final

import msgspec
import paths  # noqa: F401 - makes bench/ importable
from house import FOLDER, Use, ffmpeg, render, run
from results import save

from renderowl.pipeline import packets_av
from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.effects.source import preroll
from renderowl.pipeline.formats import MEDIA_FORMATS
from renderowl.pipeline.probe import probe
from renderowl.pipeline.smart_cut import NotCopyable, PacketIndex, numbered, pieces
from renderowl.pipeline.timeline import Media, Rate
from renderowl.pipeline.tools import discover

GOALS: Final = {"default": 4.5, "2s": 8.0}
KEYS: Final = {"default": "at cuts", "2s": "every 2 s"}
FPS, MINUTES, CLIPS = 30, 10, 20


def source(gop: str) -> Path:
    """Ten minutes of scenes with grain, each another view into one picture that is panned over."""
    folder = FOLDER / "smart_cut"
    folder.mkdir(parents=True, exist_ok=True)
    path, scene = folder / f"source-{gop}.mp4", folder / "scenes.mp4"
    lengths = random.Random(5)
    if not scene.exists():
        listed, parts = folder / "scenes.txt", []
        seconds = 0.0
        while seconds < MINUTES * 60:
            length, number = round(lengths.uniform(2, 6), 2), len(parts)
            part = folder / f"scene-{number}.mp4"
            place = f"start_scale={0.2 + 0.1 * (number % 9)}:start_x={-0.75 - 0.01 * number}"
            zoom = f"mandelbrot=s=960x540:r={FPS}:maxiter=80:{place}"
            look = f"hue=h={37 * number % 360},noise=alls=9:allf=t,scale=1920:1080:flags=bilinear,format=yuv420p"
            coded = ("-vf", look, "-t", str(length), "-preset", "ultrafast", "-crf", "16")
            if not part.exists():
                draft = folder / "draft.mp4"
                run([ffmpeg(), "-v", "error", "-y", "-f", "lavfi", "-i", zoom, *coded, draft], folder)
                draft.rename(part)
            parts.append(part)
            seconds += length
        listed.write_text("".join(f"file {part.name}\n" for part in parts))
        run([ffmpeg(), "-v", "error", "-y", "-f", "concat", "-i", listed, "-c", "copy", scene], folder)
    if not path.exists():
        keys = ("-g", str(2 * FPS), "-keyint_min", str(2 * FPS), "-sc_threshold", "0") if gop == "2s" else ()
        draft = path.with_stem("draft")
        run(
            [ffmpeg(), "-v", "error", "-y", "-i", scene, "-t", MINUTES * 60, "-preset", "veryfast", *keys, draft],
            folder,
        )
        draft.rename(path)
    return path


def clips(path: Path) -> list[dict[str, Any]]:
    """Twenty of 8 to 12 s that begin anywhere, the same in every run."""
    pick = random.Random(11)
    slots = [MINUTES * 60 / CLIPS * number for number in range(CLIPS)]
    starts = [round(slot + pick.uniform(0, 15), 3) for slot in slots]
    return [
        {"type": "video", "src": str(path), "trim": {"start": at, "end": round(at + pick.uniform(8, 12), 3)}}
        for at in starts
    ]


def copied_share(path: Path, cut: list[dict[str, Any]], known: Media) -> float:
    """How much of the clips a smart cut copies; what it refuses counts as nothing."""
    rate, copied, frames = Rate(FPS), 0, 0
    for clip in cut:
        start, end = exact(clip["trim"]["start"]), exact(clip["trim"]["end"])
        found = packets_av.index(str(path), MEDIA_FORMATS, float(start), float(end))
        length = frame_at(end - start, rate)
        frames += length
        try:
            packets = numbered(msgspec.convert(found, PacketIndex), start, preroll(start, known), length, rate)
            copied += sum(piece.frames for piece in pieces(packets, length) if piece.kind == "copy")
        except NotCopyable as why:
            print(f"  {clip['trim']} is encoded whole: {why}", flush=True)
    return copied / frames


async def measure(gop: str, count: int) -> None:
    """The same clips both ways, one after the other."""
    path, tools = source(gop), await discover()
    cut = clips(path)[:: CLIPS // count][:count]
    props = {"width": 1920, "height": 1080, "fps": FPS, "tracks": [{"clips": cut}]}
    uses: dict[str, Use] = {}
    frames: dict[str, int | None] = {}
    for name, smart in (("smart", True), ("encoded", False)):
        uses[name], film = render(f"smart-cut-{gop}-{name}", "timeline", props, {"smart_cut": smart})
        frames[name] = (await probe(film, tools, ours=True)).frames
        print(f"  {gop}, {name}: {frames[name]} frames, {uses[name].told}", flush=True)
    assert frames["smart"] == frames["encoded"], frames
    ratio = uses["encoded"].cpu_s / uses["smart"].cpu_s
    some = "" if count == CLIPS else f". So many of the {CLIPS} clips, evenly chosen"
    save(
        f"render_smart_cut_{gop}",
        title=f"Smart cut of {count} clips of 10 s over encoding them, CPU, key pictures {KEYS[gop]}",
        goal=round(1 / GOALS[gop], 4),
        result=1 / ratio,
        unit="x",
        meaning="processor time of `renderowl render` and all its processes with `smart_cut`, over that without it, all other "
        f"settings as they are by default; the goal is {GOALS[gop]:g} times less{some}",
        times_less=round(ratio, 2),
        encoded=uses["encoded"].told,
        smart=uses["smart"].told,
        frames=frames["smart"],
        copied_share=round(copied_share(path, cut, (await probe(path, tools)).media("source", "")), 3),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gop", choices=[*GOALS, "both"], default="both")
    parser.add_argument("--clips", type=int, default=CLIPS, help="so many of the twenty, evenly")
    asked = parser.parse_args()
    for gop in GOALS if asked.gop == "both" else [asked.gop]:
        asyncio.run(measure(gop, asked.clips))

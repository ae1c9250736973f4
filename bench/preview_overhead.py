"""What preview pictures cost the encoder: CPU seconds of the same segment with and without them, alternately.

CPU time of FFmpeg, its launcher, the probe of what was made and this process, which takes the pictures off the pipe.
"""

import argparse
import asyncio
import hashlib
import resource
import tempfile
from pathlib import Path
from typing import Any, Final

from results import save
from stack import HEIGHT, WIDTH, make_media

from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.plan import Encoding, Preview, Segment
from renderowl.pipeline.run import Silent
from renderowl.pipeline.timeline import VideoContent
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.testing.films import Stage

SECONDS: Final = 4
GOAL: Final = 1.02
PRESETS: Final = ("medium", "ultrafast")


class Album(Silent):
    """Counts pictures and their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def preview(self, jpeg: bytes) -> None:
        self.sizes.append(len(jpeg))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def encode(
    stage: Stage, segment: Segment, preset: Any, preview: Preview, tools: Toolchain
) -> tuple[float, list[int], str]:
    """CPU seconds, the pictures' sizes, and the hash of what was made."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        out, work, album = Path(folder) / "out.nut", Path(folder) / "work", Album()
        work.mkdir()
        before = _cpu_s()
        await encode_segment(segment, Encoding(preset=preset), preview, stage.inputs, out, work, tools, album)
        return _cpu_s() - before, album.sizes, hashlib.sha256(out.read_bytes()).hexdigest()


async def measure(pairs: int) -> None:
    tools = await discover()
    video, _ = await make_media(tools, Path(".renderowl/bench"))
    stage = Stage(tools, width=WIDTH, height=HEIGHT, frames=SECONDS * 30)
    stage.put(VideoContent(await stage.open(video)))
    (segment,) = stage.plan().segments
    cases: dict[str, Any] = {}
    for preset in PRESETS:
        ratios, off_s, on_s, sizes = [], [], [], []
        for _ in range(pairs):
            plain, _, plain_hash = await encode(stage, segment, preset, Preview(frames=False), tools)
            shown, sizes, shown_hash = await encode(stage, segment, preset, Preview(), tools)
            assert plain_hash == shown_hash, "the film has other bits with pictures"
            off_s.append(plain)
            on_s.append(shown)
            ratios.append(shown / plain)
        cases[preset] = {
            "ratio_of_least": min(on_s) / min(off_s),
            "ratios": ratios,
            "off_cpu_s": off_s,
            "on_cpu_s": on_s,
            "picture_bytes": sizes,
        }
        print(preset, round(min(on_s) / min(off_s), 4), [round(ratio, 4) for ratio in ratios], flush=True)
    save(
        "preview_overhead",
        title="Encoder with preview pictures over without, CPU",
        goal=GOAL,
        result=cases[PRESETS[0]]["ratio_of_least"],
        unit="x",
        meaning=f"CPU seconds of a {SECONDS} s segment of 1080p, preset {PRESETS[0]}, with a picture a second over "
        "without; the least of each, as other work on a machine only adds; the segments are compared bit by bit",
        cases=cases,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8)
    asyncio.run(measure(parser.parse_args().pairs))

"""How long after a segment's start its first preview picture is there, with as many encoders at work as there are cores."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import media
import paths  # noqa: F401 - makes bench/ importable
from house import FOLDER
from results import percentile, save

from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.encoding import Encoding
from renderowl.pipeline.plan import Preview, Segment
from renderowl.pipeline.render_file import cores
from renderowl.pipeline.run import Silent
from renderowl.pipeline.timeline import VideoContent
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.testing.films import Stage

GOAL_S: Final = 1.5


class _Watch(Silent):
    """Notes when the first picture comes."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self.after_s: float | None = None

    def preview(self, jpeg: bytes) -> None:
        if self.after_s is None:
            self.after_s = time.monotonic() - self._began


async def wait(stage: Stage, segment: Segment, encoding: Encoding, tools: Toolchain) -> float:
    """Seconds from the call that begins the step to its first picture."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        watch = _Watch()
        work = Path(folder) / "work"
        out = Path(folder) / "out.nut"
        await encode_segment(segment, encoding, Preview(), stage.inputs, out, work, tools, watch)
        assert watch.after_s is not None, "there was no picture"
        return watch.after_s


async def measure(rounds: int, seconds: int, presets: list[Any]) -> None:
    """All slots begin a segment at the same moment, as at the start of a render."""
    tools = await discover()
    stage = Stage(tools, width=1920, height=1080, frames=seconds * 30)
    stage.put(VideoContent(await stage.open(FOLDER / media.video(seconds))))
    (segment,) = stage.plan().segments
    waits: dict[str, list[float]] = {preset: [] for preset in presets}
    for _ in range(rounds):
        for preset in presets:
            steps = (wait(stage, segment, Encoding(preset=preset), tools) for _ in range(cores()))
            waits[preset] += await asyncio.gather(*steps)
    save(
        "render_first_preview",
        title="First preview picture after a step's start, 95 %",
        goal=GOAL_S,
        result=percentile(waits[presets[0]], 0.95),
        unit="s",
        meaning=f"from the start of a segment of 1080p video to its first small picture, {cores()} segments at once, preset "
        f"{presets[0]}; FFmpeg's start and the launcher's included",
        waits_s=waits,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of the segment")
    parser.add_argument("--presets", nargs="+", default=["medium", "ultrafast"])
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.rounds, chosen.seconds, chosen.presets))

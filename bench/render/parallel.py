"""Segments encoded beside each other against one process for all of it: how long it takes, and what the joints do.

The same graph both times. One process has FFmpeg's own threads, as one would run it by hand; the joints are looked at in a
smaller film, against an encode of the very same settings that was never cut, both compared with a lossless one.
"""

import argparse
import asyncio
import itertools
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import av
import media
import msgspec
import paths  # noqa: F401 - makes bench/ importable
from house import FOLDER, Use, render, run
from results import median, save

from renderowl.cli.spec_file import Prepared, SpecFile, prepare
from renderowl.pipeline.command import segment_command
from renderowl.pipeline.encoding import Encoding
from renderowl.pipeline.plan import Preview, Segment
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.settings import Settings

GOAL: Final = 0.95
GOAL_SSIM: Final = 0.001
_THREADS: Final = ("-threads", "-filter_threads", "-filter_complex_threads")


def pictures(seconds: float) -> dict[str, Any]:
    """Pictures that move slowly, four seconds each, one fading after the other: what the design's figure is of."""
    moves = itertools.cycle(("in", "left", "out", "right"))
    clips = [
        {
            "type": "image",
            "src": media.picture(n),
            "duration": 4.0,
            "fit": "cover",
            "ken_burns": {"direction": next(moves)},
            "fade_in": 0.5,
            "fade_out": 0.5,
        }
        for n in range(int(seconds // 4))
    ]
    return {"width": 1920, "height": 1080, "fps": 30, "tracks": [{"clips": clips}]}


def film(seconds: float, size: tuple[int, int]) -> dict[str, Any]:
    """A video that moves all the time, with titles that come and go across the places where it is cut."""
    width, height = size
    source = media.video(seconds, f"{width}x{height}")
    titles = [
        {"type": "text", "text": f"Title {n}", "start": 3.0 * n + 1, "duration": 2.5, "fade_in": 0.5, "fade_out": 0.5}
        for n in range(int(seconds // 3) - 1)
    ]
    return {
        "width": width,
        "height": height,
        "tracks": [{"clips": [{"type": "video", "src": source}]}, {"clips": titles}],
    }


def uncut(prepared: Prepared) -> Segment:
    """The whole film as one segment."""
    timeline = prepared.plan.timeline
    frames = timeline.canvas.frames
    return Segment(0, 0, frames, "uncut", timeline.canvas, timeline.clips, timeline.media, 1.0)


def one_process(
    prepared: Prepared, encoding: Encoding, tools: Toolchain, name: str, *, threads: bool
) -> tuple[Use, Path]:
    """Encode the film by one FFmpeg."""
    folder = FOLDER / name
    command = segment_command(uncut(prepared), encoding, Preview(frames=False), tools)
    command.prepare(folder, prepared.inputs)
    argv = list(command.argv)
    for option in _THREADS if threads else ():
        while option in argv:
            del argv[argv.index(option) : argv.index(option) + 2]
    return run(argv, folder, {"FONTCONFIG_FILE": "fonts.conf"}), folder / command.output


def measure_time(name: str, of: str, prepared: Prepared, spec: SpecFile, rounds: int, tools: Toolchain) -> None:
    """Both in turns."""
    cut: list[Use] = []
    whole: list[Use] = []
    for _ in range(rounds):
        used, made = render("parallel", spec.composition_id, spec.input_props, spec.output_settings)
        cut.append(used)
        used, _ = one_process(prepared, prepared.plan.encoding, tools, "parallel-one", threads=True)
        whole.append(used)
        print(f"  segments {cut[-1].told}, one process {whole[-1].told}", flush=True)
    assert media.frames_of(made) == prepared.plan.total_frames
    save(
        name,
        title=f"Segments side by side over one process, wall time, {of}",
        goal=GOAL,
        result=median([c.wall_s / w.wall_s for c, w in zip(cut, whole, strict=True)]),
        unit="x",
        meaning=f"`renderowl render`, its start, the sound and the joining included, over one FFmpeg process with its own "
        f"threads that encodes the same {prepared.plan.total_frames} frames of 1080p and nothing else; median of {rounds}",
        segments=len(prepared.plan.segments),
        jobs={
            **{f"segments, {n + 1}": use.told for n, use in enumerate(cut)},
            **{f"one process, {n + 1}": use.told for n, use in enumerate(whole)},
        },
        cpu_ratio=round(median([c.cpu_s / w.cpu_s for c, w in zip(cut, whole, strict=True)]), 3),
    )


def measure_joints(prepared: Prepared, spec: SpecFile, tools: Toolchain) -> None:
    """What was cut and joined, frame by frame beside what was not."""
    plan = prepared.plan
    _, joined = render("joints", spec.composition_id, spec.input_props, spec.output_settings)
    _, whole = one_process(prepared, plan.encoding, tools, "joints-one", threads=False)
    lossless = msgspec.structs.replace(plan.encoding, video_codec="none")
    _, truth = one_process(prepared, lossless, tools, "joints-truth", threads=False)
    cut_ssim, whole_ssim = ssim(tools, joined, truth), ssim(tools, whole, truth)
    first_frames = [segment.start for segment in plan.segments[1:]]
    at_joints = [min(cut_ssim[max(0, n - 2) : n + 3]) - min(whole_ssim[max(0, n - 2) : n + 3]) for n in first_frames]
    save(
        "render_joints",
        title="Picture lost by cutting into segments, SSIM",
        goal=GOAL_SSIM,
        result=sum(whole_ssim) / len(whole_ssim) - sum(cut_ssim) / len(cut_ssim),
        unit="",
        meaning=f"mean SSIM against a lossless film of one encode, less that of {len(plan.segments)} segments joined; below 0 "
        "the segments are better. Every frame is counted, decoded without an error, and on time to the tick: asserted",
        frames=exact_frames(joined, plan.total_frames, plan.timeline.canvas.rate.num),
        segments=len(plan.segments),
        ssim={"joined": round(sum(cut_ssim) / len(cut_ssim), 5), "uncut": round(sum(whole_ssim) / len(whole_ssim), 5)},
        worst_frame={"joined": min(cut_ssim), "uncut": min(whole_ssim)},
        worst_at_joints_less_uncut=[round(each, 5) for each in at_joints],
        size_bytes={"joined": joined.stat().st_size, "uncut": whole.stat().st_size},
    )


def exact_frames(film: Path, wanted: int, fps: int) -> int:
    """Assert that all frames are there and each at its time; how many."""
    assert media.frames_of(film) == wanted, "frames are missing"
    with av.open(str(film)) as container:
        times = sorted(p.pts * p.time_base for p in container.demux(video=0) if p.pts is not None)
    assert [at * fps for at in times] == list(range(wanted)), "frames are not on time"
    return wanted


def ssim(tools: Toolchain, film: Path, truth: Path) -> list[float]:
    """Every frame's likeness."""
    stats = FOLDER / "ssim.txt"
    graph = f"[0:v]settb=1/30,setpts=N[a];[1:v]settb=1/30,setpts=N[b];[a][b]ssim=stats_file={stats.name}"
    argv = [tools.ffmpeg, "-v", "error", "-i", film, "-i", truth, "-lavfi", graph, "-f", "null", "-"]
    subprocess.run(argv, cwd=FOLDER, check=True, stdin=subprocess.DEVNULL)
    return [float(found) for found in re.findall(r"All:([0-9.]+)", stats.read_text())]


async def prepared_of(props: dict[str, Any], settings: dict[str, Any], tools: Toolchain) -> tuple[Prepared, SpecFile]:
    """A film's plan."""
    spec = SpecFile(composition_id="timeline", input_props=props, output_settings=settings)
    return await prepare(FOLDER / "spec.json", spec, tools, Settings()), spec


def measure(seconds: float, joint_seconds: float, rounds: int, preset: str) -> None:
    tools = asyncio.run(discover())
    settings = {"preset": preset, "crf": 20}
    for name, of, props in (
        ("render_parallel", "pictures that move", pictures(seconds)),
        ("render_parallel_video", "a video with titles", film(seconds, (1920, 1080))),
    ):
        measure_time(name, of, *asyncio.run(prepared_of(props, settings, tools)), rounds, tools)
    measure_joints(*asyncio.run(prepared_of(film(joint_seconds, (640, 360)), settings, tools)), tools)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=32.0, help="of the timed film")
    parser.add_argument("--joint-seconds", type=float, default=40.0, help="of the compared film")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", default="veryfast")
    chosen = parser.parse_args()
    measure(chosen.seconds, chosen.joint_seconds, chosen.rounds, chosen.preset)

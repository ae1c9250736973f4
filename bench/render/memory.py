"""Memory of a slideshow of 10 and of 100 scenes: RenderOwl's stays, that of one FFmpeg command for all of it grows."""

import argparse
from typing import Any, Final

import paths  # noqa: F401 - makes bench/ importable
from results import save
from slideshow import BY_HAND, OURS, Job, by_hand, ours

GOAL: Final = 1.2


def measure(scenes: list[int], each_s: float, preset: str) -> None:
    """Each number of scenes once: memory hardly varies."""
    jobs: dict[str, Any] = {}
    peaks: dict[str, list[float]] = {OURS: [], BY_HAND: []}
    for count in scenes:
        for name, make in ((OURS, ours), (BY_HAND, by_hand)):
            used, _ = make(Job(count, each_s, preset))
            peaks[name].append(used.peak_mb)
            jobs[f"{name}, {count} scenes"] = used.told
            print(f"  {name}, {count} scenes: {used.told}", flush=True)
    save(
        "render_memory",
        title=f"Memory at {scenes[-1]} scenes over that at {scenes[0]}",
        goal=GOAL,
        result=peaks[OURS][-1] / peaks[OURS][0],
        unit="x",
        meaning="the most memory that RenderOwl and its FFmpeg processes, two at a time, hold together at any moment (PSS, "
        f"looked at ten times a second), 1080p30, scenes of {each_s:g} s. One FFmpeg command, beside it, opens every "
        f"picture at once: {peaks[BY_HAND][-1] / peaks[BY_HAND][0]:.1f} x",
        jobs=jobs,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--seconds", type=float, default=2.5, help="of each scene")
    parser.add_argument("--preset", default="ultrafast")
    chosen = parser.parse_args()
    measure(chosen.scenes, chosen.seconds, chosen.preset)

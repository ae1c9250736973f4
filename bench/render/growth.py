"""How the cost of a film grows with its clips, and with its tracks: CPU seconds of `renderowl render` and the exponent.

1 is linear. The exponent is that of the straight line through the logarithms, what an empty film costs subtracted: the
program's start would hide any growth.
"""

import argparse
import math
from collections.abc import Callable
from typing import Any, Final

import media
import paths  # noqa: F401 - makes bench/ importable
from house import render
from results import save

GOAL: Final = 1.1
SIZE: Final = {"width": 640, "height": 360, "fps": 30}
SETTINGS: Final = {"preset": "ultrafast", "crf": 23}
_PICTURES: Final = 12


def of_clips(count: int, each_s: float) -> dict[str, Any]:
    """Pictures one after the other, each with a title: the film is as long as they are many."""
    pictures = [
        {"type": "image", "src": media.picture(n % _PICTURES), "duration": each_s, "fit": "cover"} for n in range(count)
    ]
    titles = [{"type": "text", "text": f"Picture {n}", "duration": each_s} for n in range(count)]
    return {**SIZE, "tracks": [{"clips": pictures}, {"clips": titles}]}


def of_tracks(count: int, seconds: float) -> dict[str, Any]:
    """Pictures above each other, all for the whole film, each a quarter of it in size."""
    base = {"type": "image", "src": media.picture(0), "duration": seconds, "fit": "cover"}
    small = [
        {
            "type": "image",
            "src": media.picture(n % _PICTURES),
            "duration": seconds,
            "width": SIZE["width"] // 4,
            "height": SIZE["height"] // 4,
            "position": {"x": 20 + 450 * n // count, "y": 20 + 240 * n // count, "anchor": "top_left"},
        }
        for n in range(1, count)
    ]
    return {**SIZE, "tracks": [{"clips": [clip]} for clip in (base, *small)]}


def exponent(costs: dict[int, float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    points = [(math.log(count), math.log(cost)) for count, cost in costs.items()]
    middle_x, middle_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    above = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return above / sum((x - middle_x) ** 2 for x, _ in points)


def measure(name: str, noun: str, spec: Callable[[int], dict[str, Any]], counts: list[int], nothing: int) -> None:
    """One render of each size after one of `nothing`, whose cost is everybody's."""
    jobs: dict[str, Any] = {}
    base, _ = render(name, "timeline", spec(nothing), SETTINGS)
    costs: dict[int, float] = {}
    for count in counts:
        used, _ = render(name, "timeline", spec(count), SETTINGS)
        costs[count - nothing] = used.cpu_s - base.cpu_s
        jobs[f"{count} {noun}"] = used.told
        print(f"  {count} {noun}: {used.told}", flush=True)
    save(
        f"render_growth_{noun}",
        title=f"Cost from {nothing} to {counts[-1]} {noun}, exponent",
        goal=GOAL,
        result=exponent(costs),
        unit="",
        meaning=f"the power of the number of {noun} with which CPU seconds of the whole `renderowl render` grow "
        f"beyond the {base.cpu_s:.1f} s of a film with {nothing}; 1 is linear",
        jobs={f"{nothing} {noun}": base.told, **jobs},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=[10, 30, 100, 300])
    parser.add_argument("--tracks", type=int, nargs="+", default=[4, 8, 16, 32])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each clip")
    parser.add_argument("--track-seconds", type=float, default=16.0)
    chosen = parser.parse_args()
    measure("growth-clips", "clips", lambda n: of_clips(n, chosen.seconds), chosen.clips, 1)
    measure("growth-tracks", "tracks", lambda n: of_tracks(n, chosen.track_seconds), chosen.tracks, 1)

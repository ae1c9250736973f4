"""Results of the benchmarks: one JSON file each, with the command that made it and the machine it was made on."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(__file__).resolve().parent / "results"


class Result(msgspec.Struct, frozen=True):
    """A figure: what was wanted, what came out, and every single measurement behind it."""

    name: str
    title: str
    goal: float | None
    result: float
    unit: str
    meaning: str
    command: str
    date: str
    machine: dict[str, Any]
    data: dict[str, Any]

    @property
    def is_met(self) -> bool:
        """Every goal here is an upper bound; a figure without one is only reported."""
        return self.goal is None or self.result <= self.goal


def save(name: str, *, title: str, goal: float | None, result: float, unit: str, meaning: str, **data: Any) -> Result:
    """Write `results/<name>.json` and say what it holds."""
    made = Result(
        name=name,
        title=title,
        goal=goal,
        result=round(result, 4),
        unit=unit,
        meaning=meaning,
        command=" ".join(["python", str(Path(sys.argv[0]).resolve().relative_to(FOLDER.parent.parent)), *sys.argv[1:]]),
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        machine=machine(),
        data=data,
    )
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    verdict = "no goal" if goal is None else f"goal {goal:g} {unit}: {'met' if made.is_met else 'MISSED'}"
    print(f"{title}: {made.result:g} {unit}, {verdict}")
    return made


def load() -> dict[str, Result]:
    """All results by name."""
    paths = sorted(FOLDER.glob("*.json"))
    return {path.stem: msgspec.json.decode(path.read_bytes(), type=Result) for path in paths}


def machine() -> dict[str, Any]:
    """What one must know of the machine to compare figures; the load is that of everybody on it."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average_1min": round(os.getloadavg()[0], 2),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie, by the nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)

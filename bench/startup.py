"""How long `renderowl up` takes until it is ready, on a data directory that was used before, and where the time goes."""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Final

from results import median, save
from stack import running

GOAL_S: Final = 5.0
PARTS: Final = ("command line", "Postgres", "Valkey and schema", "API, scheduler, worker")
"""What ends when `up` says `starting Postgres`, `starting Valkey`, `starting the API...` and `ready`."""


async def start_once(data_dir: Path) -> list[float]:
    """Seconds after the command at which each part had ended."""
    async with running(data_dir) as stack:
        return [at for at, text in stack.said if text.startswith(("starting ", "ready "))]


async def measure(times: int) -> None:
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        cold = (await start_once(Path(folder) / "stack"))[-1]
        starts = [await start_once(Path(folder) / "stack") for _ in range(times)]
    for ends in starts:
        assert len(ends) == len(PARTS), ends
    lengths = [[end - begin for begin, end in zip([0.0, *ends], ends, strict=False)] for ends in starts]
    save(
        "startup",
        title="`renderowl up` until ready, warm",
        goal=GOAL_S,
        result=median([ends[-1] for ends in starts]),
        unit="s",
        meaning="from the command to the line `ready http://...`; median of the starts on a used data directory",
        ready_s=[ends[-1] for ends in starts],
        first_start_s=cold,
        parts_s={name: median([each[n] for each in lengths]) for n, name in enumerate(PARTS)},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    asyncio.run(measure(parser.parse_args().times))

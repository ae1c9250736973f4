"""How long `make demo` takes on a fresh clone, with the installation, and how long the second time."""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from results import save

GOAL_COLD_S: Final = 120.0
GOAL_AGAIN_S: Final = 25.0


def make_demo(clone: Path, variables: dict[str, str]) -> tuple[float, list[str]]:
    """Seconds that `make demo` took, and the last lines it printed."""
    began = time.monotonic()
    done = subprocess.run(
        ["make", "demo"], cwd=clone, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    took_s = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return took_s, done.stdout.splitlines()[-12:]


def measure(repository: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(repository), str(clone)], check=True)
        # as if nothing had ever been installed on this machine by anybody
        fresh = {"UV_CACHE_DIR": f"{folder}/uv", "PIP_CACHE_DIR": f"{folder}/pip", "XDG_CACHE_HOME": f"{folder}/cache"}
        cold_s, cold_said = make_demo(clone, fresh)
        again_s, again_said = make_demo(clone, fresh)
    save(
        "demo_cold",
        title="`make demo` on a fresh clone, with installation",
        goal=GOAL_COLD_S,
        result=cold_s,
        unit="s",
        meaning="a clone and empty package caches; packages come over the network or from where pip is told to look",
        said=cold_said,
    )
    save(
        "demo_again",
        title="`make demo` the second time",
        goal=GOAL_AGAIN_S,
        result=again_s,
        unit="s",
        meaning="in the same clone, the same films",
        said=again_said,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, default=Path.cwd())
    measure(parser.parse_args().repository)

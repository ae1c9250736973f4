"""The pytest plugin, as a suite of somebody else's uses it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_SUITE = Path(__file__).parents[2] / "examples" / "downstream-tests"


def test_a_downstream_suite_passes_with_nothing_but_the_plugin(tmp_path: Path) -> None:
    suite = shutil.copytree(_SUITE, tmp_path / "suite", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "RENDEROWL"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout

"""The pytest plugin, as a suite of somebody else's uses it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
_SUITE = Path(__file__).parents[2] / "examples" / "downstream-tests"


def test_a_downstream_suite_passes_with_nothing_but_the_plugin(tmp_path: Path) -> None:
    suite = shutil.copytree(_SUITE, tmp_path / "suite", ignore=shutil.ignore_patterns("__pycache__"))
    first, *_ = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    (suite / "test_films.py").write_text(first)
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
    assert "7 passed" in done.stdout

"""Importing this lets the scripts here import the modules of bench/: Python only looks beside the script it runs."""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent

sys.path.append(str(ROOT / "bench"))

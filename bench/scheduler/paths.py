"""Importing this lets the scripts here import the modules of bench/: Python only looks beside the script it runs."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

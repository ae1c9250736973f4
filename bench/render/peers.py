"""The peers, installed into .renderowl/bench: MoviePy into an environment of its own, editly by npm where it can be built."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from house import FOLDER

SCRIPTS: Final = Path(__file__).parent / "peers"
_EDITLY: Final = "editly@0.14.2"


def moviepy() -> Path:
    """The Python that has MoviePy."""
    folder = FOLDER / "moviepy"
    python = folder / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        subprocess.run([str(uv), "pip", "install", "--quiet", "--python", str(python), "moviepy"], check=True)
    return python


def editly() -> Path:
    """editly's program."""
    return FOLDER / "editly" / "node_modules" / ".bin" / "editly"


def has(name: str) -> bool:
    """Tell whether a peer is there, after trying to install it: editly needs what few machines have to build its canvas."""
    if name != "editly":
        return True
    if not editly().exists():
        editly().parents[2].mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--silent")
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                ["npm", "install", *quiet, _EDITLY],
                cwd=editly().parents[2],
                check=True,
                timeout=300,
                capture_output=True,
            )
    if not editly().exists():
        print("  editly will not be measured: npm cannot build it here", flush=True)
    return editly().exists()

"""The worker's temporary folder: gone when the process is, however it went."""

import subprocess
import sys
from pathlib import Path

import pytest

from renderowl.domain.errors import OutOfDisk
from renderowl.worker.workspace import Workspace


def test_a_steps_folder_and_the_whole_workspace_are_removed(tmp_path: Path) -> None:
    with Workspace(tmp_path) as mine:
        with mine.step_folder() as folder:
            (folder / "half.mp4").write_bytes(b"x")
        assert not folder.exists()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_killed_predecessors_folder_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from renderowl.worker.workspace import Workspace\n"
        "mine = Workspace(Path(sys.argv[1])); (mine.folder / 'left.nut').write_bytes(b'x')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -9
    (left,) = (tmp_path / "runs").iterdir()
    with Workspace(tmp_path) as first, Workspace(tmp_path) as second:
        assert not left.exists()
        assert first.folder.exists()
        assert second.folder.exists()


def test_a_full_disk_is_said_before_the_step_begins(tmp_path: Path) -> None:
    with Workspace(tmp_path, spare_bytes=1 << 60) as mine, pytest.raises(OutOfDisk), mine.step_folder():
        pass

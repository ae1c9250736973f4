"""How a reader of untrusted media is started, and how its end is read."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from renderowl.pipeline import walls

_LIMITS = {"memory_bytes": 3, "cpu_s": 2, "file_bytes": 1}


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    walls.bubblewrap.cache_clear()
    yield
    walls.bubblewrap.cache_clear()


def _found(folder: Path, monkeypatch: pytest.MonkeyPatch, *, works: bool) -> None:
    """Only this bubblewrap is installed."""
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\nexit {0 if works else 1}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def test_walls_stand_where_bubblewrap_works_and_only_the_work_directory_is_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _found(tmp_path, monkeypatch, works=True)
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "link").symlink_to(work)
    command = walls.enclosed(("ffmpeg", "-y"), **_LIMITS, writable=tmp_path / "link")
    assert command[4:8] == ("3", "2", "1", str(tmp_path / "bwrap")), "the limits hold for bubblewrap too"
    assert command[-3:] == ("--", "ffmpeg", "-y")
    assert "--unshare-net" in command
    assert [command[n + 1] for n, word in enumerate(command) if word == "--bind"] == [str(work)]
    assert "--bind" not in walls.enclosed(("ffprobe",), **_LIMITS, writable=None)


@pytest.mark.parametrize("installed", [True, False])
def test_without_a_bubblewrap_that_works_the_limits_are_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    if installed:
        _found(tmp_path, monkeypatch, works=False)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    assert walls.enclosed(("ffmpeg",), **_LIMITS, writable=tmp_path)[4:] == ("3", "2", "1", "ffmpeg")


@pytest.mark.parametrize(
    ("returned", "behind", "without"),
    [(0, 0, 0), (1, 1, 1), (137, -9, 137), (152, -24, 152), (-9, -9, -9), (183, 183, 183)],
)
def test_a_signal_is_one_behind_walls_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returned: int, behind: int, without: int
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert walls.exit_code(returned) == without
    walls.bubblewrap.cache_clear()
    _found(tmp_path, monkeypatch, works=True)
    assert walls.exit_code(returned) == behind

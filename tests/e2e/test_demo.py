"""`renderowl demo` with a user's own files: the whole product in one command."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia, frame_pixels
from renderowl.testing.signals import until


async def test_the_demo_renders_a_users_own_files_and_leaves_no_process(
    media: MadeMedia, tools: Toolchain, tmp_path: Path
) -> None:
    video = await media.video(colors=("red", "blue"), each_s=1.0, size="640x360", tone_hz=440)
    picture = await media.picture(color="green", size="640x360")
    data_dir = tmp_path / "demo"
    process = await _demo(data_dir, video, picture)
    said = (await asyncio.wait_for(process.communicate(), 180))[0].decode()
    assert process.returncode == 0, said
    assert "Captioned video" in said
    captioned, timeline = (data_dir / "output" / name for name in ("captioned.mp4", "timeline.mp4"))
    assert str(captioned) in said
    assert str(timeline) in said
    film = await probe(captioned, tools, ours=True)
    assert (film.frames, film.width, film.height, film.has_audio) == (60, 640, 360, True)
    whole = await probe(timeline, tools, ours=True)
    assert (whole.frames, whole.width, whole.height) == (60 + 120, 1280, 720)
    (early,) = await frame_pixels(timeline, tools, 20, [(640, 100)])
    (late,) = await frame_pixels(timeline, tools, 120, [(640, 100)])
    assert early[0] > 200 > 60 > early[1], early
    assert late[1] > 90 > 40 > late[0], late
    assert _processes_on(data_dir) == []


async def test_a_file_that_no_film_can_be_made_of_is_named_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# no film")
    process = await _demo(tmp_path / "demo", tmp_path / "notes.md")
    said = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
    assert process.returncode == 2
    assert f"{tmp_path / 'notes.md'}: the file is of no known media type" in said
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_that_is_stopped_while_it_starts_leaves_no_process(
    number: signal.Signals, media: MadeMedia, tmp_path: Path
) -> None:
    data_dir = tmp_path / "demo"
    process = await _demo(data_dir, await media.picture(color="green", size="64x36"))

    async def starting() -> bool:
        return (data_dir / "stack" / "postgres" / "postgres.log").exists()

    await until(starting, timeout_s=60)
    process.send_signal(number)
    said = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
    assert process.returncode != 0
    assert "Traceback" not in said

    async def gone() -> bool:
        return _processes_on(data_dir) == []

    await until(gone, timeout_s=60)


async def _demo(data_dir: Path, *files: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", "demo", "--data-dir", str(data_dir), *map(str, files)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"COLUMNS": "200"},
        preexec_fn=_hear_ctrl_c,
    )


def _hear_ctrl_c() -> None:
    """What a shell in the background has its children ignore, and they theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _processes_on(data_dir: Path) -> list[Path]:
    return [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and str(data_dir) in _command_line(pid)]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""

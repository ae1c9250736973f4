"""Encoders in hardware: found by trying, used only when set. There is no such device here: a fake FFmpeg stands for one.

It takes the very arguments that are meant for NVENC, notes them, and has x264 make the picture; any other hardware fails as it
does on a machine without. What a real device makes of them is not tested.
"""

import stat
import sys
from pathlib import Path

import msgspec
import pytest

from renderowl.domain.errors import CodecUnsupported
from renderowl.pipeline.hardware import equipped, working
from renderowl.pipeline.plan import Encoding
from renderowl.pipeline.probe import probe
from renderowl.pipeline.timeline import AudioClip, VideoContent
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.testing.films import Stage
from renderowl.testing.media import MadeMedia

FAKE = """#!{python}
import json, os, sys
argv = sys.argv[1:]
if "h264_nvenc" in argv:
    with open({noted!r}, "a") as noted:
        noted.write(json.dumps(argv) + "\\n")
    argv[argv.index("h264_nvenc")] = "libx264"
    for option, count in (("-rc", 2), ("-cq", 2), ("-b:v", 2), ("-forced-idr", 2), ("-no-scenecut", 2)):
        at = argv.index(option)
        del argv[at : at + count]
    argv[argv.index("-preset") + 1] = "ultrafast"
os.execv({real!r}, [{real!r}, *argv])
"""


@pytest.fixture
async def fake(tools: Toolchain, tmp_path: Path) -> Toolchain:
    path = tmp_path / "ffmpeg"
    path.write_text(FAKE.format(python=sys.executable, noted=str(tmp_path / "noted"), real=tools.ffmpeg))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return await discover(str(path))


def noted(folder: Path) -> list[list[str]]:
    """What the fake device was asked."""
    return [msgspec.json.decode(line) for line in (folder / "noted").read_bytes().splitlines()]


async def test_what_is_only_built_in_does_not_count(tools: Toolchain) -> None:
    assert tools.hardware_encoders
    assert await working(tools) == []
    assert (await equipped(tools, "auto")).hardware == ""
    with pytest.raises(CodecUnsupported, match="h264_nvenc does not work"):
        await equipped(tools, "nvenc")


async def test_hardware_is_used_when_it_is_set_and_its_films_have_keys_of_their_own(
    fake: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    assert await working(fake) == ["nvenc"]
    assert (await equipped(fake, "")).hardware == "", "never by itself"
    tools = await equipped(fake, "auto")
    assert tools == await equipped(fake, "nvenc")
    assert tools.fingerprint == f"{fake.fingerprint}/nvenc"

    (tmp_path / "noted").unlink()
    stage = Stage(tools, frames=30)
    stage.put(VideoContent(await stage.open(await media.video(colors=["red", "blue"], each_s=0.5))))
    stage.audio.append(AudioClip("tone", 0, 30, await stage.open(await media.tone())))
    film = await stage.film(tmp_path / "film.mp4", [10, 20], encoding=Encoding(crf=23, preset="slow"))
    found = await probe(film.path, tools, ours=True)
    assert (found.codec, found.frames, found.has_audio) == ("h264", 30, True)
    assert len(noted(tmp_path)) == 3
    for argv in noted(tmp_path):
        at = argv.index("-c:v")
        wanted = (
            "-c:v h264_nvenc -preset p5 -rc vbr -cq 23 -b:v 0 -forced-idr 1 -no-scenecut 1 -bf 0 -g 60 -flags +cgop"
        )
        assert " ".join(argv[at:]).startswith(f"{wanted} -pix_fmt yuv420p -color_range tv")


async def test_other_codecs_stay_in_software(fake: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    tools = await equipped(fake, "nvenc")
    (tmp_path / "noted").unlink()
    stage = Stage(tools, frames=10)
    stage.put(VideoContent(await stage.open(await media.video())))
    encoding = Encoding(format="webm", video_codec="vp9", audio_codec="opus", preset="ultrafast")
    assert (await stage.film(tmp_path / "film.webm", encoding=encoding)).frames == 10
    assert not (tmp_path / "noted").exists()

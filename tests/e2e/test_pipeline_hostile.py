"""Hostile and broken media: each is refused with its own error, and nothing else is read."""

from pathlib import Path

import pytest

from renderowl.domain.errors import MediaTooLarge, MediaTypeMismatch, MediaUnreadable, RenderOwlError
from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.plan import Preview
from renderowl.pipeline.probe import ProbeLimits, probe
from renderowl.pipeline.run import Silent
from renderowl.pipeline.timeline import ImageContent, Media, VideoContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import FAST, Stage
from renderowl.testing.media import MadeMedia, png_bomb

PLAYLISTS = {
    "concat.mp4": "ffconcat version 1.0\nfile secret.mp4\n",
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "drawing.png": '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "dash.mp4": "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
}


@pytest.mark.parametrize("name", PLAYLISTS)
async def test_a_playlist_in_disguise_is_refused(tools: Toolchain, media: MadeMedia, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.mp4").symlink_to(await media.video())
    hostile = tmp_path / name
    hostile.write_text(PLAYLISTS[name])
    with pytest.raises((MediaTypeMismatch, MediaUnreadable)):
        await probe(hostile, tools)
    with pytest.raises(RenderOwlError):
        await encode_blindly(tools, hostile, tmp_path)


async def encode_blindly(tools: Toolchain, path: Path, tmp_path: Path) -> None:
    """Encode a file as if a probe had liked it: the second line of defence stands alone."""
    stage = Stage(tools, frames=5)
    kind = "image" if path.suffix == ".png" else "video"
    stage.media["x"] = Media("x", kind, "x", 320, 180, 1.0, 30.0)
    stage.inputs["x"] = path
    stage.put(ImageContent("x") if kind == "image" else VideoContent("x"))
    segment = stage.plan().segments[0]
    work = tmp_path / "work"
    await encode_segment(
        segment, FAST, Preview(frames=False), stage.inputs, tmp_path / "out.nut", work, tools, Silent()
    )


async def test_a_picture_bomb_is_too_large(tools: Toolchain, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_bomb())
    with pytest.raises(MediaTooLarge, match="100000x100000"):
        await probe(bomb, tools)
    with pytest.raises((MediaTooLarge, MediaUnreadable)):
        await encode_blindly(tools, bomb, tmp_path)


async def test_a_truncated_video_is_unreadable(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    whole = (await media.video(colors=["red", "blue"])).read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaUnreadable, match="cannot be read"):
        await probe(broken, tools)


@pytest.mark.parametrize("content", [b"just some text\n" * 100, b"", b"\x00" * 5000, b"\x89PNG\r\n\x1a\n", b'{"a": 1}'])
async def test_what_is_no_media_is_unreadable(tools: Toolchain, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "thing.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaUnreadable):
        await probe(path, tools)


async def test_a_claim_must_be_kept(tools: Toolchain, media: MadeMedia) -> None:
    video = await media.video()
    assert (await probe(video, tools, claimed="video/quicktime")).content_type == "video/mp4"
    with pytest.raises(MediaTypeMismatch, match="claims to be image/png and is video/mp4"):
        await probe(video, tools, claimed="image/png")


async def test_limits_hold_for_sides_and_length(tools: Toolchain, media: MadeMedia) -> None:
    video = await media.video(colors=["red", "blue"], tone_hz=440)
    with pytest.raises(MediaTooLarge, match="320x180"):
        await probe(video, tools, limits=ProbeLimits(max_pixels=1000))
    with pytest.raises(MediaTooLarge, match="longer"):
        await probe(video, tools, limits=ProbeLimits(max_duration_s=1))


async def test_a_probe_tells_the_facts(tools: Toolchain, media: MadeMedia) -> None:
    found = await probe(await media.video(colors=["red", "blue"], tone_hz=440, fps="25"), tools)
    assert found.metadata == {
        "duration_s": 2.0,
        "width": 320,
        "height": 180,
        "fps": 25.0,
        "codec": "h264",
        "audio": {"codec": "aac", "sample_rate": 48000, "channels": 1},
    }
    assert (found.kind, found.frames, found.has_alpha) == ("video", 50, False)
    still = await probe(await media.picture(size="70x40"), tools)
    assert (still.kind, still.width, still.height, still.duration_s) == ("image", 70, 40, 0.0)
    sound = await probe(await media.tone(duration_s=2, suffix=".mp3"), tools)
    assert (sound.kind, sound.has_video, sound.has_audio, sound.content_type) == ("audio", False, True, "audio/mpeg")


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        (".webm", "video/webm"),
        (".mkv", "video/x-matroska"),
        (".avi", "video/x-msvideo"),
        (".ts", "video/mp2t"),
        (".mov", "video/quicktime"),
    ],
)
async def test_usual_containers_are_read_and_rendered(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, suffix: str, content_type: str
) -> None:
    path = await media.video(colors=["red"], suffix=suffix, options=["-pix_fmt", "yuv420p"])
    stage = Stage(tools, frames=10)
    src = await stage.open(path)
    assert (await probe(path, tools)).content_type == content_type
    stage.put(VideoContent(src))
    assert (await stage.film(tmp_path / "film.mp4")).frames == 10

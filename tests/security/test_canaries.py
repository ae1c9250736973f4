"""Files that point elsewhere: whatever a caller uploads or names by URL, nothing but what was named is ever asked for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from renderowl.domain.errors import RenderOwlError
from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.plan import Preview
from renderowl.pipeline.run import Silent
from renderowl.pipeline.timeline import ImageContent, Media, VideoContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.films import FAST, Stage
from renderowl.testing.origin import Origin, open_origin, page
from renderowl.testing.service import Service

CANARIES: Final = {
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}/hls.ts\n#EXT-X-ENDLIST\n",
    "hls-master.mp4": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}/master.m3u8\n",
    "hls-key.mp4": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}/key"\n#EXTINF:1,\n{url}/enc.ts\n#EXT-X-ENDLIST\n',
    "hls-map.mp4": '#EXTM3U\n#EXT-X-MAP:URI="{url}/init.mp4"\n#EXTINF:1,\n{url}/m.m4s\n#EXT-X-ENDLIST\n',
    "concat.mp4": "ffconcat version 1.0\nfile {url}/concat.mp4\n",
    "sdp.mp4": "v=0\no=- 0 0 IN IP4 {host}\ns=x\nc=IN IP4 {host}\nt=0 0\nm=video {port} RTP/AVP 96\n",
    "drawing.png": (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
        '<image width="9" height="9" xlink:href="{url}/svg.png"/><image href="{url}/svg2.png"/></svg>'
    ),
    "entities.png": (
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{url}/xxe">]>'
        '<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'
    ),
    "dash.mp4": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        "<BaseURL>{url}/dash/</BaseURL><AdaptationSet><Representation><BaseURL>x.mp4</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>"
    ),
    "pls.mp3": "[playlist]\nFile1={url}/pls.mp3\nNumberOfEntries=1\n",
    "rtsp.mp4": "RTSPtext\r\nrtsp://{host}:{port}/redirected\r\n",
    "asx.mp4": '<ASX version="3.0"><Entry><Ref href="{url}/asx.mp4"/></Entry></ASX>',
    "imf.mp4": '<?xml version="1.0"?><CompositionPlaylist><Id>{url}/imf</Id></CompositionPlaylist>',
    "script.mp4": 'import vapoursynth\nimport urllib.request\nurllib.request.urlopen("{url}/vpy")\n',
}
CLAIMS: Final = {".mp4": "video/mp4", ".png": "image/png", ".mp3": "audio/mpeg"}


@pytest.fixture
async def canary() -> AsyncIterator[Origin]:
    """What must never be asked."""
    async with open_origin() as opened:
        yield opened


def written(name: str, canary: Origin) -> bytes:
    """A file that points at the canary."""
    host, _, port = canary.url.removeprefix("http://").partition(":")
    return CANARIES[name].format(url=canary.url, host=host, port=port).encode()


async def test_the_canary_sings_where_nothing_guards(tools: Toolchain, canary: Origin, tmp_path: Path) -> None:
    """The trap is real: FFmpeg alone goes where such a file leads."""
    hostile = tmp_path / "list.m3u8"
    hostile.write_bytes(written("hls.mp4", canary))
    process = await asyncio.create_subprocess_exec(
        *(tools.ffmpeg, "-v", "quiet", "-nostdin", "-protocol_whitelist", "file,http,tcp", "-i", str(hostile)),
        *("-f", "null", "-"),
    )
    await process.wait()
    assert [asked.path for asked in canary.asked][:1] == ["/hls.ts"]


@pytest.mark.parametrize("name", CANARIES)
async def test_ffmpeg_goes_nowhere_even_where_no_probe_has_looked(
    tools: Toolchain, canary: Origin, tmp_path: Path, name: str
) -> None:
    hostile = tmp_path / name
    hostile.write_bytes(written(name, canary))
    stage = Stage(tools, frames=5)
    kind = "image" if name.endswith(".png") else "video"
    stage.media["x"] = Media("x", kind, "x", 320, 180, 1.0, 30.0)
    stage.inputs["x"] = hostile
    stage.put(ImageContent("x") if kind == "image" else VideoContent("x"))
    segment = stage.plan().segments[0]
    with pytest.raises(RenderOwlError):
        await encode_segment(
            segment,
            FAST,
            Preview(frames=False),
            stage.inputs,
            tmp_path / "out.nut",
            tmp_path / "work",
            tools,
            Silent(),
        )
    assert canary.asked == []


async def test_an_upload_that_points_elsewhere_fails_and_nothing_is_asked(service: Service, canary: Origin) -> None:
    project_id = await service.project()
    for name in CANARIES:
        claimed = CLAIMS[name[-4:]]
        asset = await service.upload(project_id, name, claimed, written(name, canary))
        assert asset["status"] == "failed", name
        assert asset["error"]["code"] in ("media_type_mismatch", "media_unreadable"), name
    assert canary.asked == []


@pytest.fixture
async def farm(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> AsyncIterator[Farm]:
    allowed = {"outbound_allow": ("127.0.0.1",), "outbound_plain_http": True}
    async with open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work", **allowed)) as opened:
        yield opened


async def test_a_source_from_the_web_that_points_elsewhere_fails_and_nothing_else_is_asked(
    farm: Farm, canary: Origin
) -> None:
    """Though the canary's own place may be asked: what the file says is not followed."""
    async with open_origin() as origin:
        headers = {"Content-Type": "video/mp4"}
        sources = [origin.put(f"/{name}", page(written(name, canary), headers=headers)) for name in CANARIES]
        clips = [{"type": "video", "src": src, "duration": 1} for src in sources]
        render_id = await farm.submit({"width": 320, "height": 180, "tracks": [{"clips": clips}]})
        render = await farm.ended(render_id)
        assert render.error is not None
        assert len(render.error["errors"]) == len(CANARIES)
        assert sorted(asked.path for asked in origin.asked) == sorted(f"/{name}" for name in CANARIES)
    assert canary.asked == []


async def test_the_texts_of_a_film_ask_for_nothing(farm: Farm, canary: Origin) -> None:
    hostile = [
        f"movie={canary.url}/movie.mp4[x]",
        f"',movie='{canary.url}/quoted.mp4",
        f"{{\\fn{canary.url}/font.ttf}}x",
        f"subtitles={canary.url}/subs.srt",
        f"%{{eif:{canary.url}}}",
        f"@{canary.url}/at",
    ]
    clips = [{"type": "text", "text": text, "duration": 0.2} for text in hostile]
    render_id = await farm.submit(
        {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}, {"preset": "ultrafast"}
    )
    await farm.completed(render_id)
    assert canary.asked == []

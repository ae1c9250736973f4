"""Preview pictures of a real stack: a film whose colour says the second, watched while it is rendered."""

import asyncio
import base64
import contextlib
import io
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from PIL import Image

from renderowl.client import Client, Render, RoomFilter

_TOKEN: Final = "a-token-of-the-test-of-enough-length"
_COLORS: Final = ("#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff", "#ffffff", "#000000")
_SECONDS: Final = 24
_ENDS: Final = ("render.completed", "render.failed", "render.cancelled")


@dataclass(frozen=True)
class Up:
    """A running `renderowl up` and its administrator's client."""

    data_dir: Path
    url: str
    client: Client


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    data_dir = tmp_path / "stack"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", "up", "--port", "0", "--data-dir", str(data_dir)),
        env=os.environ | {"RENDEROWL_AUTH_TOKEN": _TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        word, url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        assert word == "ready"
        async with Client(url, _TOKEN) as client:
            yield Up(data_dir, url, client)
    finally:
        process.terminate()
        await process.wait()


def film() -> dict[str, Any]:
    """A second of each colour, over and over; long enough to be cut into several segments."""
    clips = [{"type": "color", "color": _COLORS[second % len(_COLORS)], "duration": 1} for second in range(_SECONDS)]
    return {"width": 1280, "height": 720, "fps": 25, "tracks": [{"clips": clips}]}


@dataclass
class Heard:
    """What a room said of a render: the types in order, and what came with the previews."""

    types: list[str] = field(default_factory=list)
    previews: list[dict[str, Any]] = field(default_factory=list)

    def take(self, message: dict[str, Any]) -> bool:
        """Note a message; True at the render's end."""
        self.types.append(message["type"])
        if message["type"] == "render.preview":
            self.previews.append(message["data"])
        return message["type"] in _ENDS


async def over_socket(up: Up, project_id: str, *types: str) -> Heard:
    """The room over its socket until a render has ended, and a moment longer: what comes after must not be a preview."""
    heard, ended = Heard(), False
    async with contextlib.aclosing(aiter(up.client.room(project_id, filter=RoomFilter(types=list(types))))) as room:
        while True:
            try:
                message = await asyncio.wait_for(anext(room), 2 if ended else 120)
            except TimeoutError:
                assert ended, "the render did not end"
                return heard
            if message.render_id is not None:
                ended = heard.take(message.body) or ended


async def over_sse(up: Up, project_id: str) -> Heard:
    """The same over server-sent events."""
    heard = Heard()
    headers = {"authorization": f"Bearer {_TOKEN}"}
    address = f"{up.url}/projects/{project_id}/events?types=preview&types=state"
    async with httpx.AsyncClient(timeout=120) as http, http.stream("GET", address, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                message = msgspec.json.decode(line.removeprefix("data: "))
                if "render_id" in message and heard.take(message):
                    return heard
    raise AssertionError("the stream ended before the render did")


async def rendered(up: Up, project_id: str, preview: dict[str, Any]) -> Render:
    spec = {"composition_id": "timeline", "input_props": film(), "output_settings": {"preview": preview}}
    return await up.client.render(project_id, spec)


def second_of(picture: Image.Image) -> int:
    """Which colour of the film a picture shows."""
    pixel = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(pixel, tuple)
    wanted = [tuple(bytes.fromhex(color[1:])) for color in _COLORS]
    return min(range(len(wanted)), key=lambda n: sum((a - b) ** 2 for a, b in zip(pixel, wanted[n], strict=True)))


async def test_a_member_sees_the_right_picture_of_the_right_time(up: Up) -> None:
    project = await up.client.create_project("Previews")
    members = [
        asyncio.create_task(over_socket(up, project.id, "preview", "state")),
        asyncio.create_task(over_socket(up, project.id, "progress", "state")),
        asyncio.create_task(over_sse(up, project.id)),
    ]
    render = await rendered(up, project.id, {"interval_s": 0.4, "width": 160})
    with_preview, without, sse = await asyncio.gather(*members)

    for heard in (with_preview, sse):
        assert heard.previews, (with_preview.types, sse.types)
        for preview in heard.previews:
            picture = Image.open(io.BytesIO(base64.b64decode(preview["base64"])))
            assert (picture.format, picture.size) == ("JPEG", (160, 90))
            assert preview["time_s"] == preview["frame"] / 25
            assert second_of(picture) == int(preview["time_s"]) % len(_COLORS), preview["time_s"]
        frames = [preview["frame"] for preview in heard.previews]
        assert frames == sorted(set(frames)), "never back, never twice"
    assert with_preview.types[-1] == "render.completed", "nothing follows the end"
    assert without.previews == []
    assert "render.progress" in without.types

    newest = await _poll(up, project.id, render.id)
    assert newest.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(newest.content)).size == (160, 90)


async def test_a_render_without_previews_makes_none_and_the_same_film(up: Up, tmp_path: Path) -> None:
    project = await up.client.create_project("Previews")
    made = {}
    for on in (False, True):
        member = asyncio.create_task(over_socket(up, project.id, "preview", "state"))
        render = await rendered(up, project.id, {"frames": on})
        assert bool((await member).previews) == on
        assert (await _poll(up, project.id, render.id)).status_code == (200 if on else 204)
        assert render.cache == {"segments": render.cache["segments"], "reused": 0}, "made anew"
        made[on] = (await up.client.download(project.id, render.id, tmp_path / f"{on}.mp4")).read_bytes()
        shutil.rmtree(up.data_dir / "storage" / "objects" / "cache")
    assert made[False] == made[True]


async def _poll(up: Up, project_id: str, render_id: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {_TOKEN}"}
    async with httpx.AsyncClient() as http:
        return await http.get(f"{up.url}/projects/{project_id}/renders/{render_id}/preview", headers=headers)

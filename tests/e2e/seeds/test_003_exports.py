"""Source 003 as its user runs it: the checklist's requests, over HTTP, with real renders behind them."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from renderowl.domain.records import Scope
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.farm import farm_settings, open_farm
from renderowl.testing.media import MadeMedia
from renderowl.testing.serving import World, make_account, serve
from renderowl.testing.signals import until

SCOPES: list[Scope] = ["read", "write"]
HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "a/../../b",
    "%2e%2e%2fb",
    "%252e%252e/b",
    "a\x00b",
    "\uff0e\uff0e/b",
    "a\\..\\b",
]


@pytest.fixture
async def world(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> AsyncIterator[World]:
    """The API over a real socket, with a scheduler and a worker behind it."""
    async with (
        serve(database_url, redis_url, storage_dir) as world,
        open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")),
    ):
        yield world


def as_(world: World, key: str | None) -> httpx.AsyncClient:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=world.http_url, headers=headers, timeout=60)


async def upload(http: httpx.AsyncClient, key: str, path: Path) -> None:
    """As the document has it: ask for a URL, send the file there, and that is all."""
    told = await http.post("/api/storage/upload-url", json={"key": key, "content_type": "video/mp4"})
    assert told.status_code == 200, told.text
    assert told.json()["key"] == key
    sent = await httpx.AsyncClient(timeout=60).put(
        told.json()["url"], content=path.read_bytes(), headers={"content-type": "video/mp4"}
    )
    assert sent.status_code == 200, sent.text


async def exported(http: httpx.AsyncClient, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    started = await http.post(f"/api/export/{kind}/start", json=body)
    assert started.status_code == 202, started.text
    assert started.json()["status"] in ("pending", "processing")
    job_id = started.json()["job_id"]

    async def ended() -> dict[str, Any] | None:
        state: dict[str, Any] = (await http.get(f"/api/export/status/{job_id}")).json()
        assert state["status"] in ("pending", "processing", "complete", "error")
        return state if state["status"] in ("complete", "error") else None

    state = await until(ended, timeout_s=90)
    assert state["status"] == "complete", state
    assert state["progress"] == 100
    return state


async def test_the_checklist_runs_as_written(world: World, media: MadeMedia, tools: Toolchain, tmp_path: Path) -> None:
    clip = await media.video(colors=("red", "blue"), each_s=0.5, tone_hz=440)
    async with as_(world, world.key) as http:
        assert (await http.get("/health")).json()["status"] == "ok"
        await upload(http, "working_videos/test.mp4", clip)
        overlay = {"highlight_regions": [], "effect_type": "blur"}
        key = "working_videos/test.mp4"
        clips = [{"clip_index": 0, "end": 0.5}, {"clip_index": 1, "input_key": key, "start": 0.5}]
        framing = {"aspect_ratio": "9:16", "output_width": 90, "output_height": 160, "clips": clips}
        annotate = {"clips": [{"start_time": 0, "end_time": 0.4, "rating": 5, "tags": ["goal"], "notes": "far post"}]}
        for kind, params, size in (
            ("overlay", overlay, (320, 180)),
            ("framing", framing, (90, 160)),
            ("annotate", annotate, (320, 180)),
        ):
            state = await exported(http, kind, {"project_id": 1, "input_key": key, "params": params})
            assert state["output_key"] == f"final_videos/{kind}_{state['job_id']}.mp4"
            signed = await http.get("/api/storage/presigned-url", params={"key": state["output_key"]})
            assert signed.status_code == 200, signed.text
            film = tmp_path / f"{kind}.mp4"
            film.write_bytes((await httpx.AsyncClient().get(signed.json()["url"])).content)
            found = await probe(film, tools, ours=True)
            assert (found.width, found.height) == size
            assert found.frames == (12 if kind == "annotate" else 30)
        back = (await http.get("/api/storage/presigned-url", params={"key": key})).json()["url"]
        assert (await httpx.AsyncClient().get(back)).content == clip.read_bytes()


async def test_a_key_means_the_newest_file_that_has_come(world: World, media: MadeMedia) -> None:
    first, second = await media.video(each_s=0.2), await media.video(colors=("blue",), each_s=0.2)
    async with as_(world, world.key) as http:

        async def there() -> bytes:
            signed = await http.get("/api/storage/presigned-url", params={"key": "raw/a.mp4"})
            assert signed.status_code == 200, signed.text
            return (await httpx.AsyncClient().get(signed.json()["url"])).content

        await upload(http, "raw/a.mp4", first)
        assert await there() == first.read_bytes()
        for _ in range(7):  # nothing comes of these
            asked = {"key": "raw/a.mp4", "content_type": "video/mp4"}
            assert (await http.post("/api/storage/upload-url", json=asked)).status_code == 200
        assert await there() == first.read_bytes()
        await upload(http, "raw/a.mp4", second)
        assert await there() == second.read_bytes()
        await upload(http, "raw/a.mp4", Path(__file__))
        refused = await http.post("/api/export/overlay/start", json={"input_key": "raw/a.mp4"})
        assert (refused.status_code, refused.json()["code"]) == (422, "asset_not_ready")
        assert "failed" in refused.json()["errors"][0]["message"]


async def test_nobody_is_who_a_header_says_and_no_key_leads_to_somebody_else(world: World, media: MadeMedia) -> None:
    clip = await media.video(each_s=0.2)
    _, other = await make_account(world.ctx, SCOPES)
    async with as_(world, world.key) as ann, as_(world, other) as bob, as_(world, None) as nobody:
        await upload(ann, "raw/clip.mp4", clip)
        state = await exported(ann, "overlay", {"input_key": "raw/clip.mp4", "params": {}})
        for http, refused in ((nobody, 401), (bob, 404)):
            for key in ("raw/clip.mp4", state["output_key"], f"{world.principal.user_id}/raw/clip.mp4"):
                spoofed = {"x-user-id": world.principal.user_id}
                answer = await http.get("/api/storage/presigned-url", params={"key": key}, headers=spoofed)
                assert answer.status_code == refused, (key, answer.text)
            assert (await http.get(f"/api/export/status/{state['job_id']}")).status_code == refused
        stolen = await bob.post("/api/export/overlay/start", json={"input_key": "raw/clip.mp4", "params": {}})
        assert (stolen.status_code, stolen.json()["code"]) == (422, "asset_not_found")
        assert stolen.json()["errors"][0]["path"] == "/input_key"
        for key in HOSTILE:
            for answer in (
                await ann.get("/api/storage/presigned-url", params={"key": key}),
                await ann.post("/api/storage/upload-url", json={"key": key, "content_type": "video/mp4"}),
                await ann.post("/api/export/overlay/start", json={"input_key": key, "params": {}}),
            ):
                assert answer.status_code == 422, (key, answer.text)
                assert answer.json()["errors"], key
        taken = await ann.post(
            "/api/storage/upload-url", json={"key": state["output_key"], "content_type": "video/mp4"}
        )
        assert taken.status_code == 422


async def test_all_that_is_wrong_with_an_export_is_told_at_once(world: World) -> None:
    async with as_(world, world.key) as http:
        wrong = {"input_key": "not/there.mp4", "params": {"effect_type": "glow", "highlight_regions": [{"x": 1}]}}
        answer = await http.post("/api/export/overlay/start", json=wrong)
        told = {one["path"] for one in answer.json()["errors"]}
        assert {"/input_key", "/params/effect_type", "/params/highlight_regions/0/y"} <= told
        assert (await http.post("/api/export/dance/start", json=wrong)).status_code in (400, 404, 422)
        assert (await http.get("/api/export/status/rnd_none")).status_code == 404
        pending = await http.post("/api/storage/upload-url", json={"key": "a.mp4", "content_type": "video/mp4"})
        assert pending.status_code == 200
        early = await http.post("/api/export/overlay/start", json={"input_key": "a.mp4", "params": {}})
        assert (early.status_code, early.json()["code"]) == (422, "asset_not_ready")
        assert early.json()["errors"][0]["path"] == "/input_key"


async def test_the_editors_database_is_kept_in_storage_and_comes_back(world: World, tmp_path: Path) -> None:
    async with as_(world, world.key) as http:
        game = (await http.post("/library/games", json={"name": "Tigers against Lions"})).json()
        snapshot = (await http.post("/library/snapshots")).json()
        url = (await http.get(f"/library/snapshots/{snapshot['id']}/download")).json()["url"]
        file = tmp_path / "database.sqlite"
        file.write_bytes((await httpx.AsyncClient().get(url)).content)
        with sqlite3.connect(file) as db:
            assert db.execute("SELECT name, game_type FROM games").fetchall() == [("Tigers against Lions", "away")]
        assert (await http.delete(f"/library/games/{game['id']}")).status_code == 204
        assert (await http.post(f"/library/snapshots/{snapshot['id']}/restore")).status_code == 200
        assert (await http.get(f"/library/games/{game['id']}")).json() == game

"""The testing checklist of source 004, row by row, and the sessions and edit lists that it needs."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia
from renderowl.testing.signals import until

pytestmark = pytest.mark.xdist_group("seeds")

TAKES = [
    {"id": "t1", "startMs": 0, "endMs": 400, "camera": "A"},
    {"id": "t2", "startMs": 400, "endMs": 800, "camera": "B"},
]


@pytest.fixture
async def http(up: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with up.http() as client:
        yield client


@pytest.fixture
async def project(http: httpx.AsyncClient) -> str:
    return f"/projects/{(await http.post('/projects', json={'name': 'Recordings'})).json()['id']}"


async def upload(http: httpx.AsyncClient, project: str, path: Path) -> str:
    """The id of a video that is ready."""
    told = {"name": path.name, "content_type": "video/mp4", "size_bytes": path.stat().st_size}
    made = (await http.post(f"{project}/assets/upload", json=told)).json()
    async with httpx.AsyncClient() as anybody:
        await anybody.put(made["upload"]["url"], content=path.read_bytes(), headers=made["upload"]["headers"])
    asset_id: str = made["asset"]["id"]
    await http.post(f"{project}/assets/{asset_id}/upload-complete")

    async def ready() -> bool:
        asset = (await http.get(f"{project}/assets/{asset_id}")).json()
        assert asset["status"] != "failed", asset
        return bool(asset["status"] == "ready")

    await until(ready, timeout_s=60)
    return asset_id


@pytest.fixture
async def edl(http: httpx.AsyncClient, project: str, media: MadeMedia) -> dict[str, Any]:
    """Two cameras that are there, and a take of each."""
    made = [await media.video(colors=(color,), each_s=1.0, tone_hz=hz) for color, hz in (("red", 300), ("blue", 600))]
    wide, close = [await upload(http, project, path) for path in made]
    sources = {"A": {"assetId": wide, "offsetMs": 0}, "B": {"assetId": close}}
    return {"masterCamera": "A", "durationMs": 1000, "sources": sources, "tracks": {"program": TAKES}}


async def new_session(http: httpx.AsyncClient, project: str) -> str:
    """The id of a new session."""
    made = await http.post(f"{project}/sessions", json={"name": "Sunday"})
    assert made.status_code == 201, made.text
    session_id: str = made.json()["id"]
    return session_id


async def trigger(http: httpx.AsyncClient, session_id: str, **more: Any) -> httpx.Response:
    return await http.post("/api/render-jobs/trigger", json={"sessionId": session_id, **more})


def _is_over(answer: Any) -> bool:
    return answer["data"]["status"] in ("completed", "failed", "cancelled")


async def test_a_job_goes_from_trigger_to_artifacts(
    http: httpx.AsyncClient,
    project: str,
    edl: dict[str, Any],
    over: Callable[..., Any],
    tools: Toolchain,
    tmp_path: Path,
) -> None:
    session_id = await new_session(http, project)
    locked = f"{project}/sessions/{session_id}/edl"
    assert (await http.put(locked, json=edl)).json()["problems"] == []
    assert (await http.post(f"{locked}/lock")).json()["status"] == "locked"
    made = await trigger(http, session_id, format="clip_1_1", metadata={"createdBy": "ann"})
    assert made.status_code == 202, made.text
    data = made.json()["data"]
    expected = {"jobId": data["jobId"], "status": "queued", "format": "clip_1_1", "sessionId": session_id}
    assert made.json() == {"success": True, "data": expected}
    done = (await over(http, f"/api/render-jobs/{data['jobId']}", _is_over))["data"]
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100.0, None), done
    assert done["metadata"] == {"createdBy": "ann"}
    timing = done["timing"]
    assert timing["createdAt"] <= timing["renderStartedAt"] <= timing["renderCompletedAt"]
    assert timing["durationMs"] > 0
    [film] = [one for one in done["artifacts"] if one["kind"] == "video"]
    assert (film["resolution"], film["duration"]) == ("1080x1080", pytest.approx(0.8, abs=0.05))
    (tmp_path / "film.mp4").write_bytes((await httpx.AsyncClient().get(film["url"])).content)
    seen = (await probe(tmp_path / "film.mp4", tools)).metadata
    assert (seen["width"], seen["audio"] is not None) == (1080, True)
    listed = (await http.get(f"/api/render-jobs/session/{session_id}")).json()
    assert (listed["success"], [one["jobId"] for one in listed["data"]]) == (True, [data["jobId"]])
    for how in ("retry", "cancel"):
        refused = await http.post(f"/api/render-jobs/{data['jobId']}/{how}")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await http.delete(f"{locked}/lock")).json()["status"] == "draft"
    await http.put(locked, json=edl | {"durationMs": 2000})
    again = (await http.get(f"/api/render-jobs/{data['jobId']}")).json()["data"]
    assert again["edlHash"] == done["edlHash"]


async def test_only_a_locked_edit_list_is_rendered(http: httpx.AsyncClient, project: str, edl: dict[str, Any]) -> None:
    session_id = await new_session(http, project)
    at = f"{project}/sessions/{session_id}/edl"
    assert (await http.get(at)).status_code == 404
    assert (await trigger(http, session_id)).status_code == 409
    unfinished = (await http.put(at, json={"masterCamera": "C", "sources": edl["sources"], "trakcs": {}})).json()
    assert unfinished["status"] == "draft"
    assert unfinished["edl"]["trakcs"] == {}
    hindering = {problem["path"] for problem in unfinished["problems"]}
    assert {"/trakcs", "/duration_ms", "/tracks"} <= hindering
    refused = await http.post(f"{at}/lock")
    assert (refused.status_code, {error["path"] for error in refused.json()["errors"]}) == (422, hindering)
    saved = (await http.put(at, json=edl | {"status": "locked"})).json()
    assert (saved["version"], saved["status"]) == (2, "draft")
    assert (await trigger(http, session_id)).json()["detail"] == "the edit list is a draft: lock it"
    assert (await http.post(f"{at}/lock")).status_code == 200
    assert (await http.put(at, json=edl)).status_code == 409
    assert (await trigger(http, "ses_01kap3m0e8x9w2c6v4t7r5q1zn")).status_code == 404
    assert (await trigger(http, session_id, format="square")).status_code == 422


async def test_its_assets_must_be_there_and_ready(http: httpx.AsyncClient, project: str, edl: dict[str, Any]) -> None:
    session_id = await new_session(http, project)
    at = f"{project}/sessions/{session_id}/edl"
    told = {"name": "c.mp4", "content_type": "video/mp4", "size_bytes": 10}
    pending = (await http.post(f"{project}/assets/upload", json=told)).json()["asset"]["id"]
    for camera, code in ((pending, "asset_not_ready"), ("ast_01kap3m0e8x9w2c6v4t7r5q1zn", "asset_not_found")):
        await http.put(at, json=edl | {"sources": edl["sources"] | {"B": {"assetId": camera}}})
        await http.post(f"{at}/lock")
        refused = await trigger(http, session_id)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert [error["path"] for error in refused.json()["errors"]] == ["/edl/sources/B/asset_id"]
        await http.delete(f"{at}/lock")


async def test_a_job_is_cancelled_and_a_failed_one_retried(
    http: httpx.AsyncClient, project: str, edl: dict[str, Any], over: Callable[..., Any]
) -> None:
    """A failed one: where its mezzanine leads is only looked at when the render begins."""
    session_id = await new_session(http, project)
    at = f"{project}/sessions/{session_id}/edl"
    await http.put(at, json=edl)
    await http.post(f"{at}/lock")
    job_id = (await trigger(http, session_id)).json()["data"]["jobId"]
    cancelled = await http.post(f"/api/render-jobs/{job_id}/cancel")
    assert cancelled.json() == {"success": True, "data": {"jobId": job_id, "status": "cancelled"}}
    for how in ("retry", "cancel"):
        assert (await http.post(f"/api/render-jobs/{job_id}/{how}")).status_code == 409
    await http.delete(f"{at}/lock")
    away = {"A": edl["sources"]["A"], "B": {"mezzanineUrl": "https://localhost/b.mov"}}
    await http.put(at, json=edl | {"sources": away})
    await http.post(f"{at}/lock")
    job_id = (await trigger(http, session_id)).json()["data"]["jobId"]
    failed = (await over(http, f"/api/render-jobs/{job_id}", _is_over))["data"]
    assert (failed["status"], failed["attempts"]) == ("failed", 1), failed
    assert failed["error"]["code"] == "source_refused"
    retried = await http.post(f"/api/render-jobs/{job_id}/retry")
    assert retried.json() == {"success": True, "data": {"jobId": job_id, "status": "queued"}}
    assert (await http.get(f"/api/render-jobs/{job_id}")).json()["data"]["attempts"] == 2
    await http.post(f"/api/render-jobs/{job_id}/cancel")

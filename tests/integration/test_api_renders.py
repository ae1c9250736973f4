"""Renders over HTTP, up to the queue: what is accepted, what is refused, and what a caller sees of it."""

import asyncio
from typing import Any

import pytest

from renderowl.db import cache
from renderowl.domain.events import Picture
from renderowl.pipeline.estimate import Sample
from renderowl.services.segment_cache import Facts, object_key
from renderowl.testing.media import MadeMedia
from renderowl.testing.service import Service


@pytest.fixture
async def project_id(service: Service) -> str:
    return await service.project()


@pytest.fixture
async def video(service: Service, media: MadeMedia, project_id: str) -> str:
    data = (await media.video(colors=("red", "blue"), tone_hz=440)).read_bytes()
    asset = await service.upload(project_id, "clip.mp4", "video/mp4", data)
    assert asset["status"] == "ready", asset["error"]
    return f"asset://{asset['id']}"


def _timeline(src: str, **clip: Any) -> dict[str, Any]:
    return {
        "composition_id": "timeline",
        "input_props": {
            "width": 320,
            "height": 180,
            "tracks": [{"clips": [{"type": "video", "src": src, "duration": 1, **clip}]}],
        },
    }


async def test_an_accepted_render_has_the_documented_shape(service: Service, project_id: str, video: str) -> None:
    answer = await service.http.post(f"/projects/{project_id}/renders", json=_timeline(video))
    assert answer.status_code == 202, answer.text
    render = answer.json()
    assert render["id"].startswith("rnd_")
    assert answer.headers["location"] == f"/projects/{project_id}/renders/{render['id']}"
    assert (render["status"], render["priority"], render["attempt"]) == ("queued", "normal", 1)
    assert render["progress"].keys() == {
        "percent", "current_frame", "total_frames", "stage", "fps", "speed", "eta_s",
    }  # fmt: skip
    assert render["progress"]["total_frames"] == 30
    assert (render["output"], render["error"]) == (None, None)
    assert render["cache"] == {"segments": 0, "reused": 0}
    assert (await service.http.get(f"/projects/{project_id}")).json()["render_count"] == 1
    listed = (await service.http.get(f"/projects/{project_id}/renders", params={"status": "queued"})).json()["items"]
    assert [one["id"] for one in listed] == [render["id"]]


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"composition_id": "timelin"}, "unknown_composition", "/composition_id"),
        ({"priority": "soon"}, "validation_failed", "/priority"),
        ({"outputsettings": {}}, "validation_failed", "/outputsettings"),
        ({"output_settings": {"codec": "realvideo"}}, "validation_failed", "/output_settings/codec"),
        ({"output_settings": {"output_name": "../x.mp4"}}, "validation_failed", "/output_settings/output_name"),
        ({"webhook_url": "ftp://x"}, "validation_failed", "/webhook_url"),
        ({"metadata": {"x": "y" * 20_000}}, "validation_failed", "/metadata"),
    ],
)
async def test_a_wrong_request_names_its_field_and_stores_nothing(
    service: Service, project_id: str, video: str, change: dict[str, Any], code: str, path: str
) -> None:
    answer = await service.http.post(f"/projects/{project_id}/renders", json=_timeline(video) | change)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert path in [error["path"] for error in problem["errors"]]
    assert (await service.http.get(f"/projects/{project_id}/renders")).json()["items"] == []
    assert (await service.http.get(f"/projects/{project_id}")).json()["render_count"] == 0


@pytest.mark.parametrize("path", ["renders", "renders/plan"])
async def test_problems_of_the_body_and_of_the_spec_are_in_one_answer(
    service: Service, project_id: str, video: str, path: str
) -> None:
    wrong = {"priority": "soon", "supersedeKey": "", "outputSettings": {"crf": 99}, "webhook_url": "ftp://x"}
    answer = await service.http.post(f"/projects/{project_id}/{path}", json=_timeline(video, opacity=2) | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert {error["path"] for error in answer.json()["errors"]} == {
        "/priority", "/supersede_key", "/webhook_url", "/output_settings/crf", "/input_props/tracks/0/clips/0/opacity",
    }  # fmt: skip
    nobodys = await service.as_(None).post(f"/projects/{project_id}/{path}", json=wrong)
    assert nobodys.status_code == 401


@pytest.mark.parametrize(
    ("clip", "pointer"),
    [
        ({"trim": {"start": 5}}, "/input_props/tracks/0/clips/0/trim"),
        ({"fitt": "cover"}, "/input_props/tracks/0/clips/0/fitt"),
        ({"duration": 0}, "/input_props/tracks/0/clips/0/duration"),
        ({"opacity": 2}, "/input_props/tracks/0/clips/0/opacity"),
        ({"type": "image"}, "/input_props/tracks/0/clips/0/src"),
    ],
)
async def test_a_wrong_clip_is_named_by_its_json_pointer(
    service: Service, project_id: str, video: str, clip: dict[str, Any], pointer: str
) -> None:
    answer = await service.http.post(f"/projects/{project_id}/renders", json=_timeline(video, **clip))
    assert answer.status_code == 422
    assert any(error["path"].startswith(pointer) for error in answer.json()["errors"]), answer.json()["errors"]


async def test_missing_pending_and_others_assets_are_refused(
    service: Service, media: MadeMedia, project_id: str, video: str
) -> None:
    body = {"name": "later.mp4", "content_type": "video/mp4", "size_bytes": 10}
    pending = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()["asset"]["id"]
    failed = (await service.upload(project_id, "t.mp4", "video/mp4", b"only text"))["id"]
    cases = {
        "asset://ast_00000000000000000000000000": "asset_not_found",
        "asset://nonsense": "asset_not_found",
        f"asset://{pending}": "asset_not_ready",
        f"asset://{failed}": "asset_not_ready",
        "https://10.0.0.1/v.mp4": "source_refused",
        "http://example.org/v.mp4": "validation_failed",
        "/etc/passwd": "validation_failed",
        "file:///etc/passwd": "validation_failed",
    }
    for src, code in cases.items():
        answer = await service.http.post(f"/projects/{project_id}/renders", json=_timeline(src))
        assert (answer.status_code, answer.json()["code"]) == (422, code), (src, answer.json())
    other = await service.project(name="Other")
    elsewhere = await service.http.post(f"/projects/{other}/renders", json=_timeline(video))
    assert elsewhere.json()["code"] == "asset_not_found"


async def test_the_same_idempotency_key_gives_the_same_render(service: Service, project_id: str, video: str) -> None:
    path, body = f"/projects/{project_id}/renders", _timeline(video)
    headers = {"idempotency-key": "once"}
    answers = await asyncio.gather(*(service.http.post(path, json=body, headers=headers) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    other = await service.http.post(path, json=body | {"priority": "high"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len((await service.http.get(path)).json()["items"]) == 1


async def test_a_queued_render_can_be_cancelled_once_and_not_retried(
    service: Service, project_id: str, video: str
) -> None:
    path = f"/projects/{project_id}/renders"
    render = (await service.http.post(path, json=_timeline(video))).json()
    cancelled = await service.http.post(f"{path}/{render['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["completed_at"] is not None
    for action in ("cancel", "retry"):
        again = await service.http.post(f"{path}/{render['id']}/{action}")
        assert (again.status_code, again.json()["code"]) == (409, "conflict")
    output = await service.http.get(f"{path}/{render['id']}/output")
    assert (output.status_code, output.json()["code"]) == (409, "conflict")


async def test_a_newer_render_of_the_same_thing_cancels_the_older(
    service: Service, project_id: str, video: str
) -> None:
    path = f"/projects/{project_id}/renders"
    body = _timeline(video) | {"supersede_key": "draft"}
    first = (await service.http.post(path, json=body)).json()["id"]
    second = (await service.http.post(path, json=body)).json()["id"]
    statuses = {one["id"]: one["status"] for one in (await service.http.get(path)).json()["items"]}
    assert statuses == {first: "cancelled", second: "queued"}


async def test_polling_answers_304_until_something_changes(service: Service, project_id: str, video: str) -> None:
    path = f"/projects/{project_id}/renders"
    render = (await service.http.post(path, json=_timeline(video))).json()["id"]
    first = await service.http.get(f"{path}/{render}/progress")
    assert (first.status_code, first.json()["status"]) == (200, "queued")
    assert first.headers["retry-after"] == "1"
    same = await service.http.get(f"{path}/{render}/progress", headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await service.http.post(f"{path}/{render}/cancel")
    changed = await service.http.get(f"{path}/{render}/progress", headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["status"]) == (200, "cancelled")
    assert "retry-after" not in changed.headers


async def test_the_newest_preview_can_be_fetched_and_is_sent_once(
    service: Service, project_id: str, video: str
) -> None:
    render = (await service.http.post(f"/projects/{project_id}/renders", json=_timeline(video))).json()["id"]
    path = f"/projects/{project_id}/renders/{render}/preview"
    none = await service.http.get(path)
    assert (none.status_code, none.content, none.headers["retry-after"]) == (204, b"", "1")
    for n in range(2):
        await service.ctx.bus.publish_preview(project_id, render, 1, Picture(30 * n, float(n), b"\xff\xd8%d" % n))
    first = await service.http.get(path)
    assert (first.status_code, first.content, first.headers["content-type"]) == (200, b"\xff\xd81", "image/jpeg")
    assert first.headers["cache-control"] == "private, no-cache", "a proxy keeps nobody's picture for others"
    same = await service.http.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await service.ctx.bus.publish_preview(project_id, render, 2, Picture(0, 0.0, b"of an attempt that is not there"))
    assert (await service.http.get(path)).status_code == 204


async def test_a_long_poll_wakes_when_something_happens(service: Service, project_id: str, video: str) -> None:
    path = f"/projects/{project_id}/renders"
    render = (await service.http.post(path, json=_timeline(video))).json()["id"]
    cursor = (await service.http.get(f"{path}/{render}/progress", params={"after": ""})).json()["cursor"]
    waiting = asyncio.create_task(service.http.get(f"{path}/{render}/progress", params={"after": cursor, "wait": "20"}))
    await service.http.post(f"{path}/{render}/cancel")
    answer = (await asyncio.wait_for(waiting, 15)).json()
    assert [event["type"] for event in answer["events"]] == ["render.cancelled"]
    assert answer["cursor"] != cursor


async def test_deleting_a_project_cancels_its_renders_and_removes_its_objects(
    service: Service, project_id: str, video: str
) -> None:
    await service.http.post(f"/projects/{project_id}/renders", json=_timeline(video))
    assert (await service.http.delete(f"/projects/{project_id}")).status_code == 204
    assert [info.key async for info in service.ctx.storage.scan(f"projects/{project_id}/")] == []
    assert await service.ctx.db.fetch_value("SELECT count(*) FROM steps WHERE status = 'queued'") == 0


async def test_compositions_and_their_schemas_are_listed(service: Service) -> None:
    listed = (await service.http.get("/compositions")).json()["items"]
    assert {"timeline", "captioned_video"} <= {one["id"] for one in listed}
    schema = (await service.http.get("/compositions/CaptionedVideo/schema")).json()
    assert schema["$schema"].startswith("https://json-schema.org")
    assert (await service.http.get("/compositions/nothing/schema")).status_code == 404


async def test_a_plan_shows_everything_and_queues_nothing(service: Service, project_id: str, video: str) -> None:
    answer = await service.http.post(f"/projects/{project_id}/renders/plan", json=_timeline(video))
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert (plan["total_frames"], plan["duration_s"]) == (30, 1.0)
    assert [step["name"] for step in plan["steps"]] == ["segment-0", "audio"]
    assert plan["steps"][0]["argv"][0] == "ffmpeg"
    assert not any(step["cached"] for step in plan["steps"])
    assert plan["cost_left"] == plan["cost"] > 0
    assert (await service.http.get(f"/projects/{project_id}/renders")).json()["items"] == []
    wrong = await service.http.post(f"/projects/{project_id}/renders/plan", json={"composition_id": "timeline"})
    assert wrong.status_code == 422


async def test_a_plan_is_a_picture_for_who_asks_for_one(service: Service, project_id: str, video: str) -> None:
    path = f"/projects/{project_id}/renders/plan"
    answer = await service.http.post(path, json=_timeline(video), headers={"accept": "image/svg+xml"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.text.startswith("<svg")
    assert answer.text.count("to be rendered") == 3, "a segment, the sound and the legend"
    for accept in ("*/*", "application/json", "text/html, */*;q=0.1", "application/*"):
        told = await service.http.post(path, json=_timeline(video), headers={"accept": accept})
        assert told.headers["content-type"].startswith("application/json")
    neither = await service.http.post(path, json=_timeline(video), headers={"accept": "text/html"})
    assert (neither.status_code, neither.json()["code"]) == (406, "not_acceptable")
    wrong = await service.http.post(path, json={"composition_id": "timeline"}, headers={"accept": "image/svg+xml"})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"].startswith("application/problem+json")


async def test_a_plans_estimate_is_by_what_segments_took_here(service: Service, project_id: str, video: str) -> None:
    path = f"/projects/{project_id}/renders/plan"
    unknown = (await service.http.post(path, json=_timeline(video))).json()["estimate"]
    assert (unknown["seconds"], unknown["bytes"], unknown["samples"]) == (None, None, 0)
    for n, (seconds, size_bytes) in enumerate([(1.0, 50_000), (2.0, 100_000)]):
        facts = Facts(sample=Sample(10.0, seconds, 10.0, size_bytes, "h264", 18))
        await cache.insert(
            service.ctx.db, object_key("segments", f"other{n}", ".nut"), size_bytes=1, facts=facts, made_by="rnd/1"
        )
    known = (await service.http.post(path, json=_timeline(video))).json()["estimate"]
    assert known["samples"] == 2
    assert known["seconds"]["low"] < known["seconds"]["high"]
    assert 0 < known["bytes"]["low"] < known["bytes"]["high"]


async def test_of_many_renders_of_the_same_thing_at_once_the_newest_alone_is_left(
    service: Service, project_id: str, video: str
) -> None:
    path = f"/projects/{project_id}/renders"
    body = _timeline(video) | {"supersede_key": "draft"}
    made = await asyncio.gather(*(service.http.post(path, json=body) for _ in range(12)))
    assert {one.status_code for one in made} == {202}
    statuses = [one["status"] for one in (await service.http.get(path)).json()["items"]]
    assert sorted(statuses) == ["cancelled"] * 11 + ["queued"]
    events = await service.ctx.db.fetch(
        "SELECT type, render_id FROM events WHERE project_id = $1 ORDER BY seq", project_id
    )
    told = [(row["type"], row["render_id"]) for row in events if row["type"].startswith("render.")]
    live: set[str] = set()
    for type, render_id in told:
        live = live | {render_id} if type == "render.queued" else live - {render_id}
        assert len(live) <= 1, "the older is told to be cancelled before the newer is told to be queued"


async def test_an_older_render_that_is_tried_again_is_the_newest(service: Service, project_id: str, video: str) -> None:
    path = f"/projects/{project_id}/renders"
    body = _timeline(video) | {"supersede_key": "draft"}
    first = (await service.http.post(path, json=body)).json()["id"]
    await service.ctx.db.execute("UPDATE renders SET status = 'failed' WHERE id = $1", first)
    second = (await service.http.post(path, json=body)).json()["id"]
    assert (await service.http.post(f"{path}/{first}/retry")).status_code == 202
    statuses = {one["id"]: one["status"] for one in (await service.http.get(path)).json()["items"]}
    assert statuses == {first: "queued", second: "cancelled"}


async def test_a_render_knows_the_key_it_was_sent_with(service: Service, project_id: str, video: str) -> None:
    """Caps of keys count by it, for tokens made with a key too."""
    path = f"/projects/{project_id}/renders"
    key = (await service.http.post("/keys", json={"name": "cap", "scopes": ["read", "write"]})).json()
    made_with_key = service.as_(key["key"])
    body = {"project_id": project_id, "scopes": ["read", "write"], "ttl_s": 600}
    token = (await made_with_key.post("/auth/tokens", json=body)).json()["token"]
    for caller, expected in ((made_with_key, key["id"]), (service.as_(token), key["id"]), (service.http, None)):
        render = (await caller.post(path, json=_timeline(video))).json()
        found = await service.ctx.db.fetch_one(
            "SELECT renders.key_id AS of_render, steps.key_id AS of_step FROM renders"
            " JOIN steps ON steps.render_id = renders.id WHERE renders.id = $1",
            render["id"],
        )
        assert found is not None
        assert (found["of_render"], found["of_step"]) == (expected, expected)

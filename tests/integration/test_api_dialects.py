"""What the dialects rest on: handles, uploads that nobody confirms, and forms that are read from known callers only."""

import asyncio
from typing import Any

import pytest

from renderowl.services import assets
from renderowl.testing.service import Service

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
FILES = [("files", ("a.vtt", VTT))]


async def test_a_handle_is_made_once_and_free_again_after_its_project_is_deleted(service: Service) -> None:
    ann = await service.user()
    scenes = {"scenes": [{"images": ["a.jpg"]}]}
    answers = await asyncio.gather(*(ann.put("/v1/projects/p_1/scenes", json=scenes) for _ in range(5)))
    made = {answer.json()["projectId"] for answer in answers}
    assert len(made) == 1
    [project] = (await ann.get("/projects")).json()["items"]
    assert (project["id"], project["handle"]) == (*made, "p_1")
    assert (await ann.delete(f"/projects/{project['id']}")).status_code == 204
    assert (await ann.get("/v1/projects/p_1/outputs")).status_code == 404
    again = (await ann.put("/v1/projects/p_1/scenes", json=scenes)).json()
    assert again["projectId"] not in made
    assert again["id"] == "p_1"


async def test_a_projects_token_uses_its_project_and_makes_none(service: Service) -> None:
    ann = await service.user()
    project_id = await service.project(ann)
    asked = {"project_id": project_id, "scopes": ["read", "write"]}
    token = service.as_((await ann.post("/auth/tokens", json=asked)).json()["token"])
    signed = await token.post("/v1/assets/sign-upload", json={"fileName": "a.vtt"})
    assert (signed.status_code, signed.json()["projectId"]) == (201, project_id)
    refused = await token.put("/v1/projects/p_1/scenes", json={"scenes": [{"images": ["a.jpg"]}]})
    assert refused.status_code == 404
    assert len((await ann.get("/projects")).json()["items"]) == 1


async def test_the_sweep_takes_what_arrived_and_discards_what_did_not(service: Service) -> None:
    ann = await service.user()
    signed = [(await ann.post("/v1/assets/sign-upload", json={"fileName": "a.vtt"})).json() for _ in range(2)]
    sent = await service.as_(None).put(signed[0]["uploadUrl"], content=VTT, headers=signed[0]["uploadHeaders"])
    assert sent.status_code == 200
    ctx = service.ctx
    await ctx.db.execute("UPDATE assets SET upload_expires_at = now() - interval '2 hours'")
    assert await assets.sweep(ctx, service.tools) == 2
    path = f"/projects/{signed[0]['projectId']}/assets"
    [left] = (await ann.get(path)).json()["items"]
    assert (left["id"], left["status"], left["size_bytes"]) == (signed[0]["assetId"], "ready", len(VTT))


async def test_two_who_take_one_upload_at_once_both_find_it_ready(service: Service) -> None:
    ann = await service.user()
    signed = (await ann.post("/v1/assets/sign-upload", json={"fileName": "a.vtt"})).json()
    await service.as_(None).put(signed["uploadUrl"], content=VTT, headers=signed["uploadHeaders"])
    captions = {"type": "caption", "src": signed["publicUrl"], "duration": 1}
    spec = {"width": 320, "height": 180, "tracks": [{"clips": [captions]}]}
    answers = await asyncio.gather(*(ann.post("/v1/render", json=spec) for _ in range(3)))
    codes = {answer.status_code for answer in answers}
    assert codes <= {202, 422}, [answer.text for answer in answers]
    assert 202 in codes
    asset = (await ann.get(f"/projects/{signed['projectId']}/assets/{signed['assetId']}")).json()
    assert asset["status"] == "ready"
    assert (await ann.post("/v1/render", json=spec)).status_code == 202


async def test_nobodys_form_is_refused_before_it_is_read(service: Service) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    ann = await service.user()
    await ann.put("/v1/projects/p_1/scenes", json={"scenes": [{"images": ["a.jpg"]}]})
    for token in (None, "ro_live_wrong"):
        answer = await service.as_(token).post("/v1/projects/p_1/assets", content=b"--x\r\n" * 3, headers=headers)
        assert answer.status_code == 401
    sent = await ann.post("/v1/projects/p_1/assets", files=FILES, data={"subdir": "elsewhere"})
    assert (sent.status_code, sent.json()["code"]) == (422, "validation_failed")
    nothing = await ann.post("/v1/projects/p_1/assets", data={"subdir": "images"})
    assert nothing.status_code in (400, 415, 422)


async def test_a_files_name_is_never_a_path(service: Service) -> None:
    ann = await service.user()
    await ann.put("/v1/projects/p_1/scenes", json={"scenes": [{"images": ["a.jpg"]}]})
    names = ["../../etc/a.vtt", "..\\..\\b.vtt", "/c.vtt"]
    sent = await ann.post("/v1/projects/p_1/assets", files=[("files", (name, VTT)) for name in names])
    assert [file["path"] for file in sent.json()["files"]] == ["a.vtt", "b.vtt", "c.vtt"]


async def test_a_problem_is_told_in_the_dialects_own_words_wherever_it_is_told(service: Service) -> None:
    job = {"composition": "longform", "backgrounds": [{"src": "https://x.example/a.jpg"}], "audio": []}
    problem = (await service.http.post("/v1/render", json=job)).json()
    assert problem["code"] == "validation_failed"
    assert problem["detail"].startswith(problem["errors"][0]["path"] + " ")
    assert "/input_props" not in str(problem)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"projectId": 5}, {"/projectId"}),
        ({"composition": None}, {"/composition"}),
        ({"priority": "soon", "output": {"crf": 99}}, {"/priority", "/output/crf", "/tracks/0/clips/0/opacity"}),
        ({"webhookUrl": "ftp://x", "metadata": 1}, {"/webhookUrl", "/metadata", "/tracks/0/clips/0/opacity"}),
    ],
)
async def test_a_jobs_problems_are_told_with_its_specs(
    service: Service, change: dict[str, Any], told: set[str]
) -> None:
    spec = {"tracks": [{"clips": [{"type": "text", "text": "hello", "opacity": 2}]}]} if told - {"/composition"} else {}
    answer = await service.http.post("/v1/render", json=spec | {"composition": "timeline"} | change)
    assert answer.status_code == 422
    assert told <= {error["path"] for error in answer.json()["errors"]}, answer.json()
    assert answer.json()["code"] == ("validation_failed" if spec else "unknown_composition")


async def test_an_exports_problems_are_told_with_its_params(service: Service) -> None:
    params = {"effect_type": "glow", "highlight_regions": [{"x": 1}]}
    wrong = {"project_id": [], "input_key": "../up.mp4", "params": params, "parms": {}}
    answer = await service.http.post("/api/export/overlay/start", json=wrong)
    told = {error["path"] for error in answer.json()["errors"]}
    assert {"/project_id", "/input_key", "/parms", "/params/effect_type", "/params/highlight_regions/0/y"} <= told
    for params in ("all", ["all"]):
        answer = await service.http.post("/api/export/overlay/start", json={"params": params})
        assert [error["path"] for error in answer.json()["errors"]] == ["/params"]


async def test_an_upload_is_answered_with_nothing(service: Service) -> None:
    signed = await service.http.post("/v1/assets/sign-upload", json={"fileName": "a.vtt", "fileType": "text/vtt"})
    url = signed.json()["uploadUrl"]
    sent = await service.as_(None).put(url, content=b"WEBVTT\n", headers={"content-type": "text/vtt"})
    assert (sent.status_code, sent.content) == (200, b"")

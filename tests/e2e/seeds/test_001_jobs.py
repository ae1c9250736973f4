"""Source 001 by one who has read nothing else: register, make a key, sign an upload, render a spec, watch the dashboard."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia

pytestmark = pytest.mark.xdist_group("seeds")

QUICK = {"output_name": "talk.mp4", "preset": "ultrafast", "preview": {"frames": False}}
TEXT = {"type": "text", "text": "Hello", "duration": 1}
SPEC = {"width": 320, "height": 180, "fps": 10, "tracks": [{"clips": [TEXT]}], "output": {"preset": "ultrafast"}}


@pytest.fixture
async def dashboard(up: Any, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's client that is logged in by its cookie alone."""
    credentials = {"email": f"{abs(hash(request.node.name))}@jobs.example", "password": "correct horse battery"}
    async with httpx.AsyncClient(base_url=up.url, headers={"origin": up.url}) as http:
        assert (await http.post("/auth/register", json=credentials)).status_code == 201
        assert (await http.post("/auth/login", json=credentials)).status_code == 200
        yield http


@pytest.fixture
async def http(up: Any, dashboard: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A program's client, with a key from the dashboard."""
    made = await dashboard.post("/dashboard/api-keys", json={"name": "program"})
    assert made.status_code == 201, made.text
    async with up.http(made.json()["key"]) as client:
        yield client


def _is_over(job: Any) -> bool:
    return job["status"] not in ("QUEUED", "PROCESSING")


async def test_the_dashboard_knows_the_account_and_its_keys(up: Any, dashboard: httpx.AsyncClient) -> None:
    me = await dashboard.get("/me")
    assert (me.status_code, me.json()["email"].endswith("@jobs.example")) == (200, True)
    made = (await dashboard.post("/dashboard/api-keys", json={"name": "first"})).json()
    assert made["key"].endswith(made["lastFour"])
    [listed] = (await dashboard.get("/dashboard/api-keys")).json()["items"]
    assert (listed["id"], listed["name"], listed["active"], "key" in listed) == (made["id"], "first", True, False)
    async with up.http(made["key"]) as program:
        assert (await program.get("/v1/jobs")).json() == {"items": [], "next_cursor": None}
        assert (await dashboard.delete(f"/dashboard/api-keys/{made['id']}")).status_code == 204
        assert (await program.get("/v1/jobs")).status_code == 401
    [listed] = (await dashboard.get("/dashboard/api-keys")).json()["items"]
    assert not listed["active"]
    assert (await dashboard.post("/auth/logout")).status_code == 204
    assert (await dashboard.get("/me")).status_code == 401


async def test_uploads_are_shown_at_their_public_url_and_become_a_longform(
    http: httpx.AsyncClient,
    dashboard: httpx.AsyncClient,
    over: Callable[..., Any],
    media: MadeMedia,
    tools: Toolchain,
    tmp_path: Path,
) -> None:
    Image.new("RGB", (320, 180), "green").save(tmp_path / "cover.png")
    sources = {
        "image/png": tmp_path / "cover.png",
        "audio/wav": await media.tone(hz=400, duration_s=1.5),
    }
    urls = []
    for kind, path in sources.items():
        signed = await http.post("/v1/assets/sign-upload", json={"fileName": path.name, "fileType": kind})
        assert signed.status_code == 201, signed.text
        told = signed.json()
        async with httpx.AsyncClient() as anybody:
            assert (await anybody.get(told["publicUrl"])).status_code == 404
            sent = await anybody.put(told["uploadUrl"], content=path.read_bytes(), headers=told["uploadHeaders"])
            assert sent.status_code == 200, sent.text
            assert (await anybody.get(told["publicUrl"])).content == path.read_bytes()
        urls.append(told["publicUrl"])
    spec = {
        "canvas": {"width": 320, "height": 180, "fps": 10},
        "backgrounds": [{"type": "image", "src": urls[0]}],
        "audio": [{"src": urls[1], "fadeIn": 0.1, "fadeOut": 0.1}],
        "output": QUICK,
    }
    made = await http.post("/v1/render", json=spec)
    assert made.status_code == 202, made.text
    job_id = made.json()["jobId"]
    job = await over(http, f"/v1/jobs/{job_id}", _is_over)
    assert (job["status"], job["error"], job["progress"]) == ("SUCCEEDED", None, 1.0), job
    async with httpx.AsyncClient() as anybody:
        film = await anybody.get(job["outputUrl"])
    (tmp_path / "talk.mp4").write_bytes(film.content)
    seen = (await probe(tmp_path / "talk.mp4", tools)).metadata
    assert (seen["width"], seen["height"], seen["audio"] is not None) == (320, 180, True)
    assert seen["duration_s"] == pytest.approx(1.5, abs=0.15)
    [listed] = (await dashboard.get("/dashboard/jobs?status=SUCCEEDED")).json()["items"]
    assert (listed["jobId"], listed["outputUrl"] is not None) == (job_id, True)
    assert (await dashboard.get(f"/dashboard/jobs/{job_id}")).json()["status"] == "SUCCEEDED"


async def test_jobs_are_in_the_default_project_unless_the_body_names_another(http: httpx.AsyncClient) -> None:
    first = (await http.post("/v1/render", json=SPEC)).json()
    again = (await http.post("/v1/render", json=SPEC)).json()
    mine = (await http.post("/projects", json={"name": "Mine"})).json()["id"]
    other = (await http.post("/v1/render", json=SPEC | {"projectId": mine})).json()
    assert (first["projectId"] == again["projectId"], other["projectId"]) == (True, mine)
    assert (await http.get(f"/projects/{first['projectId']}")).json()["handle"] == "default"
    page = (await http.get("/v1/jobs?limit=2")).json()
    rest = (await http.get(f"/v1/jobs?limit=2&cursor={page['next_cursor']}")).json()
    assert [job["jobId"] for job in page["items"] + rest["items"]] == [
        other["jobId"],
        again["jobId"],
        first["jobId"],
    ]
    assert rest["next_cursor"] is None


async def test_a_job_is_made_once_for_one_idempotency_key(http: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "once"}
    made = [(await http.post("/v1/render", json=SPEC, headers=headers)).json()["jobId"] for _ in range(2)]
    assert made[0] == made[1]


async def test_all_that_is_wrong_with_a_spec_is_said_at_once(http: httpx.AsyncClient) -> None:
    wrong = {"width": 320, "height": 180, "tracks": [{"clips": [TEXT | {"durration": 1}]}], "priority": "now"}
    answer = await http.post("/v1/render", json=wrong)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == ["/priority", "/tracks/0/clips/0/durration"]
    nothing = await http.post("/v1/render", json={"hello": 1})
    assert (nothing.status_code, nothing.json()["errors"][0]["path"]) == (422, "/composition")
    output = await http.post("/v1/render", json=SPEC | {"output": {"crf": 99}})
    assert (output.status_code, output.json()["errors"][0]["path"]) == (422, "/output/crf")
    odd = await http.post("/v1/assets/sign-upload", json={"fileName": "a.exe", "fileType": "application/x-msdos"})
    assert (odd.status_code, odd.json()["errors"][0]["path"]) == (422, "/fileType")


async def test_an_upload_of_no_announced_length_is_bounded_all_the_same(http: httpx.AsyncClient) -> None:
    said = (await http.post("/v1/assets/sign-upload", json={"fileName": "a.png", "sizeBytes": 10})).json()
    async with httpx.AsyncClient() as anybody:
        longer = await anybody.put(said["uploadUrl"], content=b"x" * 11, headers=said["uploadHeaders"])
        assert longer.status_code == 422
    text = (await http.post("/v1/assets/sign-upload", json={"fileName": "a.vtt"})).json()
    async with httpx.AsyncClient() as anybody:
        taken = await anybody.put(text["uploadUrl"], content=b" " * (5 * 1024**2), headers=text["uploadHeaders"])
        assert taken.status_code == 200
    captions = {"type": "caption", "src": text["publicUrl"], "duration": 1}
    answer = await http.post("/v1/render", json=SPEC | {"tracks": [{"clips": [captions]}]})
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_mismatch")

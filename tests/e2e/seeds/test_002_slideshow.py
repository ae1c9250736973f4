"""The smoke test of source 002 as it is written there, and what else that document promises."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia

pytestmark = pytest.mark.xdist_group("seeds")

SCENES = {"scenes": [{"id": "s1", "images": ["images/sample.jpg"]}]}
OPTIONS = {
    "fps": 30,
    "minShot": 2.5,
    "maxShot": 8.0,
    "xfade": 0.5,
    "crf": 18,
    "preset": "medium",
    "tts": None,
    "voiceDir": "voiceovers",
    "music": None,
    "ducking": False,
}
QUICK = {"fps": 10, "minShot": 0.5, "xfade": 0.2, "preset": "ultrafast"}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.jpg"
    Image.new("RGB", (640, 360), "blue").save(path)
    return path


async def test_the_smoke_test_gives_a_film(up: Any, sample: Path, tmp_path: Path, tools: Toolchain) -> None:
    """Line by line; the download of the last line waits for the film, as the script does not."""
    project = "/v1/projects/p_example"
    async with up.http() as http:
        put = await http.put(f"{project}/scenes", json=SCENES)
        assert put.status_code == 200, put.text
        sent = await http.post(
            f"{project}/assets", files=[("files", ("sample.jpg", sample.read_bytes()))], data={"subdir": "images"}
        )
        assert sent.status_code == 201, sent.text
        assert [(file["path"], file["status"]) for file in sent.json()["files"]] == [("images/sample.jpg", "ready")]
        queued = await http.post(f"{project}/render", json={"outputName": "demo.mp4", "renderOptions": OPTIONS})
        assert queued.status_code == 202, queued.text
        job_id = queued.json()["jobId"]
        polled = (await http.get(f"/v1/jobs/{job_id}")).json()
        assert polled["status"] in ("QUEUED", "PROCESSING", "SUCCEEDED")
        assert 0 <= polled["progress"] <= 1
        assert {"stage", "error", "logs"} <= polled.keys()
        film = await http.get(f"{project}/outputs/video")
        assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
        done = (await http.get(f"/v1/jobs/{job_id}")).json()
        assert (done["status"], done["progress"], done["percent"], done["stage"]) == (
            "SUCCEEDED",
            1.0,
            100.0,
            "FINALIZE",
        )
        assert done["logs"]
        assert (await http.get(done["outputUrl"], headers={"authorization": ""})).content == film.content
        part = await http.get(f"{project}/outputs/video", headers={"range": "bytes=0-99"})
        assert (part.status_code, part.content) == (206, film.content[:100])
        listed = (await http.get(f"{project}/outputs")).json()["items"]
        assert [(one["name"], one["jobId"]) for one in listed if one["kind"] == "video"] == [("demo.mp4", job_id)]
    (tmp_path / "demo.mp4").write_bytes(film.content)
    seen = (await probe(tmp_path / "demo.mp4", tools)).metadata
    assert (seen["width"], seen["height"], seen["fps"]) == (1920, 1080, 30)
    assert seen["duration_s"] == pytest.approx(2.5, abs=0.1)


async def test_a_scene_lasts_as_long_as_its_voice(
    up: Any, over: Callable[..., Any], sample: Path, media: MadeMedia
) -> None:
    voice = (await media.tone(hz=500, duration_s=1.0)).read_bytes()
    project = "/v1/projects/narrated"
    scene = {"id": "s1", "images": ["sample.jpg", "images/sample.jpg"], "voiceover": "one.wav"}
    async with up.http() as http:
        await http.put(f"{project}/scenes", json={"scenes": [scene], "renderOptions": QUICK})
        files = [("files", ("one.wav", voice)), ("files", ("sample.jpg", sample.read_bytes(), "image/jpeg"))]
        sent = await http.post(f"{project}/assets", files=files)
        assert [file["path"] for file in sent.json()["files"]] == ["voiceovers/one.wav", "images/sample.jpg"]
        queued = await http.post(f"{project}/render", json={"outputName": "told.mp4"})
        assert queued.status_code == 202, queued.text
        path = f"/v1/jobs/{queued.json()['jobId']}"
        job = await over(http, path, lambda found: found["status"] not in ("QUEUED", "PROCESSING"))
        assert (job["status"], job["error"]) == ("SUCCEEDED", None), job
        [film] = (await http.get(f"{project}/outputs")).json()["items"]
        assert film["name"] == "told.mp4"


async def test_what_is_missing_is_said_where_it_is_named(up: Any) -> None:
    project = "/v1/projects/unfinished"
    scene = {"images": ["one.jpg", "images/two.jpg"], "voiceover": "three.mp3"}
    async with up.http() as http:
        assert (await http.get(f"{project}/outputs")).status_code == 404
        four = await http.put(f"{project}/scenes", json={"scenes": [{"images": ["a", "b", "c", "d"]}]})
        assert (four.status_code, _paths(four)) == (422, ["/scenes/0/images"])
        await http.put(f"{project}/scenes", json={"scenes": [scene]})
        missing = await http.post(f"{project}/render", json={})
        wrong = await http.post(f"{project}/render", json={"outputName": "a/b.mp4"})
        assert (missing.status_code, missing.json()["code"]) == (422, "asset_not_found")
        assert _paths(missing) == ["/scenes/0/images/0", "/scenes/0/images/1", "/scenes/0/voiceover"]
        assert wrong.status_code == 422
        odd = await http.post(f"{project}/assets", files=[("files", ("a.exe", b"MZ")), ("files", ("b.jpg", b""))])
        assert (odd.status_code, _paths(odd)) == (422, ["/files/0", "/files/1"])
        broken = await http.post(f"{project}/assets", files=[("files", ("c.jpg", b"no picture"))])
        assert [file["status"] for file in broken.json()["files"]] == ["failed"]
        assert (await http.get(f"{project}/outputs/video")).status_code == 404
        badly_named = await http.put("/v1/projects/%20x/scenes", json=SCENES)
        assert (badly_named.status_code, _paths(badly_named)) == (422, ["/project_id"])


async def test_two_callers_have_projects_of_one_name(up: Any) -> None:
    found = []
    for name in ("ann", "bob"):
        async with up.http(None) as http:
            credentials = {"email": f"{name}@slides.example", "password": "correct horse battery"}
            await http.post("/auth/register", json=credentials)
            token = (await http.post("/auth/login", json=credentials)).json()["access_token"]
        async with up.http(token) as http:
            found.append((await http.put("/v1/projects/p_example/scenes", json=SCENES)).json()["projectId"])
    assert found[0] != found[1]


def _paths(answer: httpx.Response) -> list[str]:
    return [error["path"] for error in answer.json()["errors"]]

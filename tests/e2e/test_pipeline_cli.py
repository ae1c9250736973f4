"""`renderowl render` and `renderowl plan` on a spec file, as a user runs them."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia
from renderowl.testing.origin import open_origin, page


async def renderowl(*arguments: str, cwd: Path, **settings: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from renderowl.cli.main import main; main()", *arguments),
        cwd=cwd,
        env=os.environ | {f"RENDEROWL_{name.upper()}": value for name, value in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def a_spec(media: MadeMedia, directory: Path, text: str = "Hello") -> Path:
    shutil.copy(await media.video(colors=["red"], tone_hz=440), directory / "clip.mp4")
    tracks = [
        {"clips": [{"type": "video", "src": "clip.mp4", "duration": 1}]},
        {"clips": [{"type": "text", "text": text, "start": 0, "duration": 0.5}]},
    ]
    spec = {
        "composition_id": "timeline",
        "input_props": {"width": 320, "height": 180, "fps": 30, "tracks": tracks},
        "output_settings": {"preset": "ultrafast"},
    }
    path = directory / "spec.json"
    path.write_text(json.dumps(spec))
    return path


async def test_a_spec_file_becomes_a_video_without_a_server(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    await a_spec(media, tmp_path)
    code, out, err = await renderowl("render", "spec.json", "-o", "out/film.mp4", "--json", cwd=tmp_path)
    assert code == 0, err
    assert json.loads(out)["outputs"][0]["frames"] == 30
    found = await probe(tmp_path / "out" / "film.mp4", tools, ours=True)
    assert (found.frames, found.width, found.has_audio) == (30, 320, True)


async def test_a_plan_tells_steps_keys_and_commands(media: MadeMedia, tmp_path: Path) -> None:
    await a_spec(media, tmp_path)
    code, out, err = await renderowl("plan", "spec.json", "--json", cwd=tmp_path)
    assert code == 0, err
    steps = json.loads(out)["steps"]
    assert [step["name"] for step in steps] == ["segment-0", "audio"]
    assert "graph.txt" in steps[0]["files"]
    code, out, _ = await renderowl("plan", "spec.json", "--commands", cwd=tmp_path)
    assert code == 0
    assert "libx264" in out


async def test_a_plan_is_a_picture_that_marks_what_is_cached_and_an_estimate_when_measured(
    media: MadeMedia, tmp_path: Path
) -> None:
    await a_spec(media, tmp_path)
    assert (await renderowl("render", "spec.json", "--cache-dir", "cache", "--json", cwd=tmp_path))[0] == 0
    options = ("--json", "--svg", "plan.svg", "--measure")
    code, out, err = await renderowl("plan", "spec.json", *options, cwd=tmp_path)
    assert code == 0, err
    measured = json.loads(out)["estimate"]
    assert measured["samples"] == 1
    assert 0 < measured["seconds"]["low"] <= measured["seconds"]["high"]
    assert 0 < measured["bytes"]["low"] < measured["bytes"]["high"]
    assert "to be rendered" in (tmp_path / "plan.svg").read_text()
    code, out, err = await renderowl(
        "plan", "spec.json", "--cache-dir", "cache", "--svg", "plan.svg", "--json", cwd=tmp_path
    )
    assert code == 0, err
    assert [step["cached"] for step in json.loads(out)["steps"]] == [True, True]
    assert (tmp_path / "plan.svg").read_text().count(": cached") == 2


async def test_a_letter_without_a_font_is_refused_with_its_name(media: MadeMedia, tmp_path: Path) -> None:
    await a_spec(media, tmp_path, text="owl \U00012000")
    code, _, err = await renderowl("render", "spec.json", cwd=tmp_path)
    assert code != 0
    assert "U+12000" in err


async def test_a_missing_file_is_named_where_the_spec_names_it(media: MadeMedia, tmp_path: Path) -> None:
    await a_spec(media, tmp_path)
    (tmp_path / "clip.mp4").unlink()
    code, _, err = await renderowl("render", "spec.json", cwd=tmp_path)
    assert code != 0
    assert "/input_props/tracks/0/clips/0/src" in err


async def test_a_spec_file_may_name_urls_within_the_same_bounds(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    path = await a_spec(media, tmp_path)
    spec = json.loads(path.read_text())
    async with open_origin() as origin:
        clip = spec["input_props"]["tracks"][0]["clips"][0]
        clip["src"] = origin.put("/clip.mp4", page((tmp_path / "clip.mp4").read_bytes()))
        path.write_text(json.dumps(spec))
        plain = {"outbound_plain_http": "true"}
        code, out, err = await renderowl("render", "spec.json", "-o", "film.mp4", cwd=tmp_path, **plain)
        assert code != 0
        assert "cannot be fetched" in out + err
        assert origin.asked == []
        allowed = plain | {"outbound_allow": "127.0.0.1"}
        code, _, err = await renderowl("render", "spec.json", "-o", "film.mp4", cwd=tmp_path, **allowed)
        assert code == 0, err
        assert (await probe(tmp_path / "film.mp4", tools, ours=True)).frames == 30
        clip["src"] = origin.url + "/gone.mp4"
        path.write_text(json.dumps(spec))
        code, out, err = await renderowl("plan", "spec.json", cwd=tmp_path, **allowed)
        assert code != 0
        assert "404" in out + err

"""Commands that talk to a server, against a real one with fake renders: `render --server`, `projects`, `listen`; completion."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from renderowl.cli.completion import script
from renderowl.cli.listen import _listen
from renderowl.cli.main import cli
from renderowl.cli.render import _Bar
from renderowl.cli.render_there import RenderThere, render_there
from renderowl.client import Client
from renderowl.domain.errors import ValidationFailed
from renderowl.domain.events import WEBHOOK_EVENTS
from renderowl.domain.ids import new_id
from renderowl.security import standard_webhooks
from renderowl.testing.media import MadeMedia
from renderowl.testing.origin import open_origin, page
from renderowl.testing.recorder import EventRecorder
from renderowl.testing.running import RunningService
from renderowl.testing.signals import until

FILM: dict[str, Any] = {
    "composition_id": "timeline",
    "input_props": {"tracks": [{"clips": [{"type": "image", "src": "a.png", "duration": 1}]}]},
}


@pytest.fixture
async def spec_file(media: MadeMedia, tmp_path: Path) -> Path:
    """A spec with a picture beside it."""
    (tmp_path / "a.png").write_bytes((await media.picture(color="red", size="64x36")).read_bytes())
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(FILM))
    return path


async def test_a_spec_is_rendered_by_a_server_and_its_files_are_uploaded_once(
    spec_file: Path, renderowl_service: RunningService, renderowl_key: str, renderowl_project: str
) -> None:
    place = spec_file.parent / "out" / "film.mp4"
    async with Client(renderowl_service.url, renderowl_key) as client:
        rendering = RenderThere(client, renderowl_project, spec_file, place)
        percents: list[float] = []
        assert await rendering.once(lambda now: percents.append(now.percent)) == place
        assert b"ftyp" in place.read_bytes()[:16]
        assert percents[-1] == 100
        first = dict(rendering._uploaded)
        await rendering.once(lambda _: None)
        assert rendering._uploaded == first
        assert set(rendering.stamp()) == {spec_file, spec_file.parent / "a.png"}


async def test_what_is_watched_is_rendered_again_when_it_changes(
    spec_file: Path,
    renderowl_service: RunningService,
    renderowl_key: str,
    renderowl_project: str,
    renderowl_events: EventRecorder,
) -> None:
    said: list[str] = []
    work = render_there(
        renderowl_service.url,
        renderowl_key,
        renderowl_project,
        spec_file,
        spec_file.parent / "film.mp4",
        watch=True,
        bar=lambda: _Bar(quiet=True),
        say=said.append,
    )
    watching = asyncio.ensure_future(work)

    async def told(count: int) -> bool:
        return len(said) == count

    try:
        await until(lambda: told(1), timeout_s=30)
        spec_file.write_text("{")
        await until(lambda: told(2), timeout_s=30)
        assert "spec.json is not JSON" in said[1]
        spec_file.unlink()  # as some editors do before they write anew
        await until(lambda: told(3), timeout_s=30)
        assert "No such file" in said[2]
        FILM["input_props"]["tracks"][0]["clips"][0]["duration"] = 2
        (spec_file.parent / "new").write_text(json.dumps(FILM))
        (spec_file.parent / "new").rename(spec_file)
        await until(lambda: told(4), timeout_s=30)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    assert said[3].endswith("film.mp4")
    assert renderowl_events.types().count("render.completed") == 2


async def test_no_project_is_made_for_a_spec_whose_files_are_not_there(
    spec_file: Path, renderowl_service: RunningService, renderowl_key: str
) -> None:
    (spec_file.parent / "a.png").unlink()
    said: list[str] = []
    url, bar = renderowl_service.url, lambda: _Bar(quiet=True)
    with pytest.raises(ValidationFailed) as refused:
        await render_there(url, renderowl_key, None, spec_file, None, watch=False, bar=bar, say=said.append)
    assert [error.path for error in refused.value.errors] == ["/input_props/tracks/0/clips/0/src"]
    assert said == []


async def test_events_reach_a_local_port_signed_as_webhooks_are(
    renderowl_service: RunningService, renderowl_key: str, renderowl_project: str
) -> None:
    said: list[str] = []
    async with open_origin() as origin, Client(renderowl_service.url, renderowl_key) as client:
        address = origin.put("/hook", page(status=204))
        listening = asyncio.ensure_future(
            _listen(renderowl_service.url, renderowl_key, renderowl_project, address, WEBHOOK_EVENTS, None, said.append)
        )

        async def ready() -> bool:
            return len(said) == 2

        async def arrived() -> bool:
            return len(said) == 3

        try:
            await until(ready, timeout_s=30)
            spec = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": []}]}}
            render = await client.render(renderowl_project, spec)
            await until(arrived, timeout_s=30)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        (asked,) = origin.asked
        secret = await client.webhook_secret(renderowl_project)
    assert said == [f"signed with {secret}", said[1], f"render.completed {render.id} -> 204"]
    body = json.loads(asked.body)
    assert (body["type"], body["render_id"], body["data"]["status"]) == ("render.completed", render.id, "completed")
    headers = {name.lower(): value for name, value in asked.headers.items()}
    key = standard_webhooks.key_of(secret)
    signed = standard_webhooks.headers([key], headers["webhook-id"], int(headers["webhook-timestamp"]), asked.body)
    assert headers["webhook-signature"] == signed["webhook-signature"]


def test_a_server_is_wanted_where_one_is_needed(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("{}")
    for argv, problem in (
        (["render", str(tmp_path / "spec.json"), "--watch"], "--watch wants a --server"),
        (["render", str(tmp_path / "spec.json"), "--server", "http://127.0.0.1:9"], "a key is needed"),
        (["listen", "3000"], "renderowl projects list"),
    ):
        done = CliRunner(env={"OWL_KEY": None}).invoke(cli, argv)
        assert done.exit_code == 2
        assert problem in done.output


async def test_what_a_server_refuses_is_told_in_a_sentence(
    spec_file: Path, renderowl_service: RunningService, renderowl_key: str
) -> None:
    spec = str(spec_file)
    for argv, problem in (
        (["render", spec, "--server", renderowl_service.url, "--key", "wrong"], "unauthenticated"),
        (["render", spec, "--server", "http://127.0.0.1:9", "--key", "any"], "cannot be reached"),
        (
            ["listen", "9", "--server", renderowl_service.url, "--key", renderowl_key, "--project", new_id("prj")],
            "not_found",
        ),
    ):
        done = await asyncio.to_thread(CliRunner().invoke, cli, argv)
        assert done.exit_code == 1
        assert problem in done.output


async def test_projects_are_made_listed_and_completed_with_their_names(
    renderowl_service: RunningService, renderowl_key: str, renderowl_project: str
) -> None:
    there = {**os.environ, "OWL_SERVER": renderowl_service.url, "OWL_KEY": renderowl_key}

    async def run(*argv: str) -> str:  # a process of its own: the service's log lines are written to this one's stdout
        command = [sys.executable, "-m", "renderowl", "projects", *argv]
        return (
            await asyncio.to_thread(subprocess.run, command, env=there, capture_output=True, check=True)
        ).stdout.decode()

    made = (await run("create", "--name", "Night walk")).strip()
    lines = (await run("list")).splitlines()
    assert [line.split()[0] for line in lines] == [made, renderowl_project]
    assert lines[0].endswith(" UTC  Night walk")
    told = json.loads(await run("list", "--json"))["projects"]
    assert [project["id"] for project in told] == [made, renderowl_project]

    def completed() -> list[tuple[str, str | None]]:
        completing = BashComplete(cli, {}, "renderowl", "_RENDEROWL_COMPLETE")
        server = ["--server", renderowl_service.url, "--key", renderowl_key]
        found = completing.get_completions(["listen", "3000", *server, "--project"], made)
        assert completing.get_completions(["listen", "3000", *server[:2], "--key", "wrong", "--project"], "") == []
        return [(one.value, one.help) for one in found]

    assert await asyncio.to_thread(completed) == [(made, "Night walk")]


async def test_every_page_of_projects_is_read(
    renderowl_service: RunningService, renderowl_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renderowl.client.http._PAGE", 2)
    async with Client(renderowl_service.url, renderowl_key) as client:
        made = [await client.create_project(f"Film {n}") for n in range(5)]
        assert [project async for project in client.projects()] == made[::-1]


def test_shells_complete_commands_and_options() -> None:
    completing = BashComplete(cli, {}, "renderowl", "_RENDEROWL_COMPLETE")
    assert {one.value for one in completing.get_completions([], "re")} >= {"render", "restore"}
    assert [one.value for one in completing.get_completions(["render"], "--w")] == ["--watch"]
    for shell in ("bash", "zsh", "fish"):
        printed = CliRunner().invoke(cli, ["completion", shell])
        assert printed.exit_code == 0
        assert "_RENDEROWL_COMPLETE" in printed.output


def test_scripts_mend_what_they_lack_in_their_shells() -> None:
    first, second, *_ = script("zsh").splitlines()
    assert first == "#compdef renderowl"
    assert "compinit" in second
    assert script("fish").count("string split --max 1") == 1

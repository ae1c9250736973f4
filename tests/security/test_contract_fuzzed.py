"""Schemathesis over the whole OpenAPI document against the served API: no 500, and no answer that is not described.

`make fuzz` does the same for longer and with another seed each time (FUZZ_SEED repeats one).
"""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import httpx
import pytest

from renderowl.testing.serving import World

MINUTES = int(os.environ.get("FUZZ_MINUTES", "0"))
SEED = int(os.environ.get("FUZZ_SEED", random.randrange(2**32) if MINUTES else "20261121"))
EXAMPLES = 200 if MINUTES else 2
"""Of each operation, in each phase."""

STREAM = "GET /projects/{project_id}/events"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method"
)
CONFIG = """
request-timeout = 30
hooks = "{hooks}"

[parameters]
"path.project_id" = "{project_id}"
"path.asset_id" = "{asset_id}"
"path.render_id" = "{render_id}"
"path.webhook_id" = "{webhook_id}"
"path.delivery_id" = "{delivery_id}"
"path.session_id" = "{session_id}"
"path.key_id" = "{key_id}"
"query.wait" = 0

# what is deleted is not there for the others
[[operations]]
include-method = "DELETE"
parameters = {{ "path.project_id" = "{other_id}" }}

# its example is a word in place of a file
[[operations]]
include-operation-id = "bringSnapshot"
phases.examples.enabled = false

# a stream has no end: the first event of it is judged
[[operations]]
include-operation-id = "hearRoom"
max-stream-events = 1
"""


async def things(http: httpx.AsyncClient, project_id: str) -> dict[str, str]:
    """One of each, so that more is reached than the answer that there is none."""

    async def made(path: str, body: dict[str, object]) -> dict[str, str]:
        answer = await http.post(path, json=body)
        assert answer.is_success, answer.text
        found: dict[str, str] = answer.json()
        return found

    project = f"/projects/{project_id}"
    upload = {"name": "a.vtt", "content_type": "text/vtt", "size_bytes": 9}
    film = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": []}]}}
    asset = (await http.post(f"{project}/assets/upload", json=upload)).json()["asset"]
    webhook = await made(f"{project}/webhooks", {"url": "https://hooks.example/"})
    return {
        "project_id": project_id,
        "other_id": (await made("/projects", {"name": "Other"}))["id"],
        "asset_id": asset["id"],
        "render_id": (await made(f"{project}/renders", film))["id"],
        "webhook_id": webhook["id"],
        "session_id": (await made(f"{project}/sessions", {"name": "Talk"}))["id"],
        "key_id": (await made("/keys", {"name": "other", "scopes": ["read"]}))["id"],
        "delivery_id": (await made(f"{project}/webhooks/{webhook['id']}/test", {}))["id"],
    }


async def library(http: httpx.AsyncClient, path: Path) -> None:
    """A library's file, as the service writes it."""
    game = await http.post("/library/games", json={"name": "Final"})
    clip = {"game_id": game.json()["id"], "video_path": "a.mp4", "start_time": 1, "end_time": 2, "rating": 5}
    assert (await http.post("/library/raw_clips", json=clip)).status_code == 201
    taken = (await http.post("/library/snapshots")).json()
    signed = (await http.get(f"/library/snapshots/{taken['id']}/download")).json()
    path.write_bytes((await http.get(signed["url"], headers={"authorization": ""})).content)


@pytest.mark.timeout(MINUTES * 60 + 180)
async def test_nothing_crashes_and_every_answer_is_described(world: World, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {world.key}"}
    async with httpx.AsyncClient(base_url=world.http_url, headers=headers, timeout=60) as http:
        ids = await things(http, world.project.id)
        await library(http, tmp_path / "library.sqlite")
        paths = (await http.get("/openapi.json")).json()["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(**ids, hooks=Path(__file__).with_name("fuzzing.py")))
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config)),
        *("run", f"{world.http_url}/openapi.json", "--checks", CHECKS, "--seed", str(SEED)),
        *("--header", f"Authorization: Bearer {world.key}", "--max-examples", str(EXAMPLES)),
        *("--phases", "examples,coverage,fuzzing" if MINUTES else "examples,fuzzing", "--no-color"),
        *(("--max-time", str(MINUTES * 60)) if MINUTES else ()),
        *("--generation-database", "none", "--suppress-health-check", "all"),
    ]
    asked = tmp_path / "asked"
    environment = os.environ | {"FUZZED_LIBRARY": str(tmp_path / "library.sqlite"), "FUZZED_ROUTES": str(asked)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, f"seed {SEED}\n{said.decode()}"

    answers = {tuple(json.loads(line)) for line in asked.read_text().splitlines()}
    assert {route for route, _, _ in answers} == routes, "all that is described is asked, and nothing else"
    assert {(STREAM, 200, "text/event-stream"), (STREAM, 200, "application/json")} <= answers

"""Automations on real servers: made over the API, triggered once each, executed once each, whatever dies in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.actors.automation_runner import AutomationRunner
from renderowl.actors.cron import Cron
from renderowl.actors.supervisor import Supervisor
from renderowl.actors.webhook_sender import WebhookSender
from renderowl.db import automations as rows
from renderowl.db import executions
from renderowl.domain.automations import MAX_CHAIN
from renderowl.security.webhooks import sign_webhook
from renderowl.services import actions, executing, triggering
from renderowl.testing.origin import Origin, open_origin, page
from renderowl.testing.service import Service, open_service
from renderowl.testing.signals import until

SPEC = {"duration": 1, "tracks": [{"clips": []}]}
RENDER = {"type": "create_render", "composition_id": "timeline", "input_props": SPEC}
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with open_origin() as opened:
        yield opened


@pytest.fixture
async def service(database_url: str, redis_url: str, storage_dir: Path) -> AsyncIterator[Service]:
    """An API that may send to this machine."""
    allowed = {"outbound_allow": ("127.0.0.1",), "outbound_plain_http": True}
    async with open_service(database_url, redis_url, storage_dir, **allowed) as opened:
        yield opened


@contextlib.asynccontextmanager
async def schedulers(service: Service, count: int = 1) -> AsyncIterator[None]:
    """So many schedulers' actors at work until the end of the block."""
    supervisor = Supervisor(
        [
            actor
            for _ in range(count)
            for actor in (Cron(service.ctx), AutomationRunner(service.ctx), WebhookSender(service.ctx))
        ]
    )
    running = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        supervisor.stop()
        await running


async def make(service: Service, project_id: str, trigger: dict[str, Any], *done: dict[str, Any]) -> dict[str, Any]:
    """A new automation."""
    body = {"name": "Rule", "trigger": trigger, "actions": list(done) or [RENDER]}
    made = await service.http.post(f"/projects/{project_id}/automations", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def told(service: Service, automation: dict[str, Any]) -> list[dict[str, Any]]:
    """Its executions, oldest first."""
    path = f"/projects/{automation['project_id']}/automations/{automation['id']}/executions"
    found: list[dict[str, Any]] = (await service.http.get(path, params={"limit": 100})).json()["items"]
    return found[::-1]


async def run_all(service: Service) -> None:
    """Do everything that waits, and what follows from it."""
    while claimed := await executing.claim(service.ctx, limit=50, per_project=50, busy=[]):
        for execution in claimed:
            await executing.execute(service.ctx, execution)


async def renders_of(service: Service, project_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await service.http.get(f"/projects/{project_id}/renders", params={"limit": 100})
    ).json()["items"]
    return found


async def end_renders(service: Service, project_id: str) -> None:
    """Have every active render of the project end."""
    for render in await renders_of(service, project_id):
        if render["status"] == "queued":
            await service.http.post(f"/projects/{project_id}/renders/{render['id']}/cancel")


async def test_an_automation_is_made_changed_listed_and_deleted(service: Service) -> None:
    project_id = await service.project()
    made = await make(service, project_id, {"type": "schedule", "cron": "0 9 * * MON", "timezone": "Europe/Paris"})
    path = f"/projects/{project_id}/automations/{made['id']}"
    assert made["trigger"] == {"type": "schedule", "cron": "0 9 * * MON", "timezone": "Europe/Paris"}
    assert made["next_due_at"] is not None
    assert made["secret"] is None
    found = (await service.http.get(path)).json()
    assert found == {name: value for name, value in made.items() if name != "secret"}
    off = (await service.http.patch(path, json={"enabled": False, "name": "Other"})).json()
    assert (off["enabled"], off["name"], off["next_due_at"]) == (False, "Other", None)
    on = (await service.http.patch(path, json={"enabled": True})).json()
    assert on["next_due_at"] == made["next_due_at"]
    changed = (await service.http.patch(path, json={"trigger": {"type": "manual"}})).json()
    assert (changed["trigger"], changed["next_due_at"]) == ({"type": "manual"}, None)
    other = await make(service, project_id, {"type": "manual"})
    listed = await service.http.get(f"/projects/{project_id}/automations", params={"limit": 1})
    assert [one["id"] for one in listed.json()["items"]] == [other["id"]]
    rest = await service.http.get(
        f"/projects/{project_id}/automations", params={"cursor": listed.json()["next_cursor"]}
    )
    assert [one["id"] for one in rest.json()["items"]] == [made["id"]]
    assert (await service.http.delete(path)).status_code == 204
    assert (await service.http.get(path)).status_code == 404


async def test_everything_that_is_wrong_with_an_automation_is_said_at_once(service: Service) -> None:
    project_id = await service.project()
    film = {"tracks": [{"clips": [{"type": "video", "src": "{{trigger.video_url}}", "length": "{{trigger.s}}"}]}]}
    body = {
        "name": "x",
        "trigger": {"type": "schedule", "cron": "*/2 * * * *"},
        "actions": [
            {**RENDER, "input_props": {**film, "duration": -1}, "metadata": {"a": "{{os.environ}}"}},
            {"type": "call_webhook", "url": "https://169.254.169.254/", "body": {"a": "{{trigger.{{trigger.b}}}}"}},
            {"type": "call_webhook", "url": "https://hooks.example/{{trigger.x}}"},
        ],
    }
    answer = await service.http.post(f"/projects/{project_id}/automations", json=body)
    assert answer.status_code == 422
    paths = [error["path"] for error in answer.json()["errors"]]
    assert "/trigger/cron" in paths
    assert "/actions/0/input_props/duration" in paths
    assert "/actions/0/metadata/a" in paths
    assert "/actions/1/url" in paths
    assert "/actions/1/body/a" in paths
    assert "/actions/2/url" in paths
    assert not [path for path in paths if path.endswith("/src")]
    bad = [("cron", "61 * * * *"), ("cron", "0 0 31 2 *"), ("cron", "0 0 * * * *"), ("timezone", "../etc/passwd")]
    for name, value in bad:
        trigger = {"type": "schedule", "cron": "0 9 * * *", name: value}
        answer = await service.http.post(f"/projects/{project_id}/automations", json={**body, "trigger": trigger})
        assert f"/trigger/{name}" in [error["path"] for error in answer.json()["errors"]], value


async def test_an_account_has_no_more_automations_than_allowed(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with open_service(database_url, redis_url, storage_dir, automations_per_account=3) as service:
        projects = [await service.project(), await service.project()]
        body = {"name": "x", "trigger": {"type": "manual"}, "actions": [RENDER]}
        answers = await asyncio.gather(
            *(service.http.post(f"/projects/{projects[n % 2]}/automations", json=body) for n in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5


async def test_a_manual_trigger_makes_the_render_that_its_templates_say(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    film = {
        "duration": 1,
        "variables": {"headline": "{{trigger.headline}}"},
        "tracks": [{"clips": [{"type": "text", "text": "{{headline}}", "duration": "{{trigger.seconds}}"}]}],
    }
    render = {**RENDER, "input_props": film, "metadata": {"by": "{{automation.id}} of {{trigger.who}}"}}
    hook = {"type": "call_webhook", "url": origin.put("/hook", page(b"thanks")), "body": {"n": "{{trigger.seconds}}"}}
    automation = await make(service, project_id, {"type": "manual"}, render, hook)
    path = f"/projects/{project_id}/automations/{automation['id']}/trigger"
    given = {"input": {"headline": '"}], "x', "seconds": 0.5, "who": "Ann"}}
    answers = [await service.http.post(path, json=given, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    async with schedulers(service):

        async def answered() -> dict[str, Any] | None:
            (execution,) = await told(service, automation)
            came = execution["results"][-1].get("answer") if execution["results"] else None
            return execution if came and came["status"] == "delivered" else None

        execution = await until(answered, timeout_s=60)
    assert execution["status"] == "completed", execution
    assert execution["input"] == given["input"]
    made, called = execution["results"]
    (found,) = await renders_of(service, project_id)
    assert found["id"] == made["render_id"]
    assert found["metadata"] == {"by": f"{automation['id']} of Ann"}
    assert found["input_props"]["variables"] == {"headline": given["input"]["headline"]}
    assert found["input_props"]["tracks"][0]["clips"][0]["duration"] == 0.5
    assert made["sent"]["metadata"] == found["metadata"]
    assert (called["answer"]["response_status"], called["answer"]["response_body"]) == (200, "thanks")
    (asked,) = origin.asked
    assert msgspec.json.decode(asked.body) == {"n": 0.5} == called["sent"]["body"]
    assert "webhook-signature" in asked.headers
    (event,) = await service.ctx.db.fetch("SELECT data FROM events WHERE type = 'automation.executed'")
    assert msgspec.json.decode(event["data"])["render_ids"] == [found["id"]]

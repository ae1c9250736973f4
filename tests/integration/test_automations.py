"""Automations on real servers: made over the API, triggered once each, executed once each, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.client.reports import sign_report
from renderowl.db import executions
from renderowl.services import executing, triggering
from renderowl.testing.automating import RENDER, SPEC, end_renders, make, renders_of, run_all, schedulers, told
from renderowl.testing.origin import Origin, page
from renderowl.testing.service import Service, open_service
from renderowl.testing.signals import until

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"


@pytest.fixture
async def service(database_url: str, redis_url: str, storage_dir: Path) -> AsyncIterator[Service]:
    """An API that may send to this machine."""
    allowed = {"outbound_allow": ("127.0.0.1",), "outbound_plain_http": True}
    async with open_service(database_url, redis_url, storage_dir, **allowed) as opened:
        yield opened


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


async def test_wrong_fields_around_them_hide_no_problem_of_the_actions(service: Service) -> None:
    project_id = await service.project()
    film = {"tracks": [{"clips": [{"type": "video", "src": "{{trigger.video_url}}", "lenght": 1}]}]}
    body = {
        "name": "",
        "triger": {"type": "manual"},
        "trigger": {"type": "schedule", "cron": "*/2 * * * *"},
        "actions": [
            {
                "type": "create_render",
                "compositionId": "timeline",
                "inputProps": {**film, "duration": -1},
                "priority": 7,
            },
            {"type": "create_render", "input_props": [], "output_settings": {"crf": 99}, "metadata": {"a": "{{os.x}}"}},
            {"type": "call_webhook", "url": "https://169.254.169.254/", "body": []},
            {"type": "call_nobody"},
            "cancel_render",
        ],
    }
    wrong = {
        "/name",
        "/triger",
        "/trigger/cron",
        "/actions/0/priority",
        "/actions/0/input_props/duration",
        "/actions/0/input_props/tracks/0/clips/0/lenght",
        "/actions/1/composition_id",
        "/actions/1/input_props",
        "/actions/1/output_settings/crf",
        "/actions/1/metadata/a",
        "/actions/2/url",
        "/actions/2/body",
        "/actions/3/type",
        "/actions/4",
    }
    made = await make(service, project_id, {"type": "manual"})
    new = await service.http.post(f"/projects/{project_id}/automations", json=body)
    changed = await service.http.patch(f"/projects/{project_id}/automations/{made['id']}", json=body)
    for answer in (new, changed):
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        paths = [error["path"] for error in answer.json()["errors"]]
        assert sorted(paths) == sorted(wrong)
    assert (await service.http.get(f"/projects/{project_id}/automations/{made['id']}")).json()["name"] == made["name"]


@pytest.mark.parametrize("body", [[], "x", None, {"actions": {}}, {"actions": [{"type": []}]}, {"actions": [None] * 9}])
async def test_what_is_no_automation_at_all_is_told_what_it_must_be(service: Service, body: object) -> None:
    path = f"/projects/{await service.project()}/automations"
    answer = await service.http.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"]


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
    other = await service.http.post(path, json={"input": {}}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
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


async def test_an_uploaded_asset_and_a_finished_render_trigger_what_waits_for_them(service: Service) -> None:
    project_id = await service.project()
    hook = {"type": "cancel_render", "render_id": "{{trigger.render_id}}"}
    named = {**RENDER, "metadata": {"of": "{{trigger.asset_url}}", "as": "{{trigger.subtitle_url}}"}}
    uploads = await make(service, project_id, {"type": "asset_upload", "asset_types": ["subtitle"]}, named)
    images = await make(service, project_id, {"type": "asset_upload", "asset_types": ["image"]})
    ends = await make(service, project_id, {"type": "render_finished", "statuses": ["cancelled"]}, hook)
    asset = await service.upload(project_id, "a.vtt", "text/vtt", VTT)
    await run_all(service)
    (uploaded,) = await told(service, uploads)
    assert (uploaded["status"], uploaded["trigger_type"]) == ("completed", "asset_upload")
    (render,) = await renders_of(service, project_id)
    url = f"asset://{asset['id']}"
    assert render["metadata"] == {"of": url, "as": url}
    await end_renders(service, project_id)
    await run_all(service)
    (ended,) = await told(service, ends)
    assert ended["chain"] == [uploads["id"], ends["id"]]
    assert ended["results"] == [
        {"type": "cancel_render", "sent": {"render_id": render["id"]}, "render_id": render["id"]}
    ]
    assert await told(service, images) == []


@pytest.mark.parametrize(("name", "most"), [("MAX_CHAIN", 2), ("MAX_FOLLOWING", 2)])
async def test_no_automation_follows_from_itself_and_what_follows_from_one_is_limited(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(triggering, name, most)
    project_id = await service.project()
    for _ in range(3):
        await make(service, project_id, {"type": "render_finished", "statuses": ["cancelled"]})
    film = {"composition_id": "timeline", "input_props": SPEC}
    assert (await service.http.post(f"/projects/{project_id}/renders", json=film)).status_code == 202
    for _ in range(10):
        await end_renders(service, project_id)
        await run_all(service)
    assert not [render for render in await renders_of(service, project_id) if render["status"] == "queued"]
    runs = await service.ctx.db.fetch("SELECT chain, root_id, status, error->>'message' AS why FROM executions")
    done = [run for run in runs if run["status"] == "completed"]
    assert len(done) == len(runs) - sum(run["status"] == "skipped" for run in runs)
    assert all(len(set(run["chain"])) == len(run["chain"]) for run in done)
    roots = [run["root_id"] for run in done]
    assert len(set(roots)) == 3
    if name == "MAX_CHAIN":
        assert max(len(run["chain"]) for run in done) == most
        assert {roots.count(root) for root in roots} == {3}
    else:
        assert max(roots.count(root) for root in roots) <= most
    assert {why.split(" ")[0] for why in (run["why"] for run in runs) if why} == {"an", "at"}


async def test_a_runner_that_dies_at_any_line_leaves_no_action_undone_and_none_done_twice(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = await service.project()
    hook = {"type": "call_webhook", "url": "http://127.0.0.1:9/"}
    automation = await make(service, project_id, {"type": "manual"}, RENDER, hook, RENDER)
    await service.http.post(f"/projects/{project_id}/automations/{automation['id']}/trigger", json={})

    class Killed(BaseException):
        """A process is gone: nothing after this runs in it."""

    kept = {name: getattr(executions, name) for name in ("set_results", "finish")}
    for survived in (0, 1, 1, 1):  # dies before the first result is noted, the second, the third, and the end
        (execution,) = await executing.claim(service.ctx, limit=9, per_project=9, busy=[])
        assert await executing.claim(service.ctx, limit=9, per_project=9, busy=[]) == []
        left = survived

        async def dying(name: str, *args: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return await kept[name](*args)

        for name in kept:
            monkeypatch.setattr(executions, name, lambda *args, name=name: dying(name, *args))
        with pytest.raises(Killed):
            await executing.execute(service.ctx, execution)
        monkeypatch.undo()
        await service.ctx.db.execute("UPDATE executions SET next_attempt_at = now()")  # its lease has run out
    await run_all(service)
    (done,) = await told(service, automation)
    assert done["status"] == "completed", done
    made = [result.get("render_id") or result.get("delivery_id") for result in done["results"]]
    assert len(set(made)) == 3
    assert {render["id"] for render in await renders_of(service, project_id)} == {made[0], made[2]}
    sent = (await service.http.get(f"/projects/{project_id}/deliveries")).json()["items"]
    assert [one["id"] for one in sent] == [made[1]]
    told_once = await service.ctx.db.fetch_value("SELECT count(*) FROM events WHERE type = 'automation.executed'")
    assert told_once == 1


async def test_an_execution_that_ends_its_runner_every_time_is_given_up(service: Service) -> None:
    project_id = await service.project()
    automation = await make(service, project_id, {"type": "manual"})
    await service.http.post(f"/projects/{project_id}/automations/{automation['id']}/trigger", json={})
    for _ in range(executing.MAX_ATTEMPTS):
        (lost,) = await executing.claim(service.ctx, limit=9, per_project=9, busy=[])
        await service.ctx.db.execute("UPDATE executions SET next_attempt_at = now()")
    await run_all(service)
    (failed,) = await told(service, automation)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "worker_lost")
    await executing.execute(service.ctx, lost)  # a runner that was only asleep: it has lost its turn
    assert (await told(service, automation))[0]["results"] == []
    assert (await told(service, automation))[0]["status"] == "failed"


async def test_what_a_template_cannot_be_filled_with_fails_the_execution_and_names_the_field(service: Service) -> None:
    project_id = await service.project()
    named = {**RENDER, "metadata": {"a": "{{trigger.a}}", "b": "x {{trigger.b}}", "c": "{{trigger.c.__class__}}"}}
    automation = await make(service, project_id, {"type": "manual"}, named)
    path = f"/projects/{project_id}/automations/{automation['id']}"
    await service.http.post(f"{path}/trigger", json={"input": {"a": {"deep": 1}, "b": None, "c": "text"}})
    await run_all(service)
    (failed,) = await told(service, automation)
    assert failed["status"] == "failed"
    assert [error["path"] for error in failed["error"]["errors"]] == [f"/actions/0/metadata/{name}" for name in "abc"]
    assert await renders_of(service, project_id) == []


async def test_what_waits_is_dropped_when_an_automation_is_switched_off_and_old_executions_are_forgotten(
    service: Service,
) -> None:
    project_id = await service.project()
    automation = await make(service, project_id, {"type": "manual"})
    path = f"/projects/{project_id}/automations/{automation['id']}"
    await service.http.post(f"{path}/trigger", json={})
    await service.http.patch(path, json={"enabled": False})
    assert (await service.http.post(f"{path}/trigger", json={})).status_code == 409
    await run_all(service)
    (skipped,) = await told(service, automation)
    assert skipped["status"] == "skipped"
    assert await renders_of(service, project_id) == []
    assert await executing.forget(service.ctx) == 0
    await service.ctx.db.execute("UPDATE executions SET created_at = now() - interval '31 days'")
    assert await executing.forget(service.ctx) == 1
    assert (await service.http.get(f"{path}/executions/{skipped['id']}")).status_code == 404


async def test_a_signed_request_triggers_its_automation(service: Service) -> None:
    project_id = await service.project()
    automation = await make(service, project_id, {"type": "webhook"}, {**RENDER, "metadata": {"n": "{{trigger.n}}"}})
    body = b'{"n": 7}'
    signature = sign_report(automation["secret"], body)
    path = automation["url"].removeprefix("http://testserver")
    answer = await service.as_(None).post(path, content=body, headers={"RenderOwl-Signature": signature})
    assert answer.status_code == 202, answer.text
    await run_all(service)
    (done,) = await told(service, automation)
    assert done["id"] == answer.json()["execution_id"]
    assert (await renders_of(service, project_id))[0]["metadata"] == {"n": 7}

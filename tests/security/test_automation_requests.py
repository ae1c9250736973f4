"""Requests to an automation's URL: only those signed with its secret within five minutes, each once."""

from typing import Any

import httpx
import pytest

from renderowl.client.reports import sign_report
from renderowl.domain.ids import new_id
from renderowl.security.webhooks import WINDOW_S
from renderowl.services import executing
from renderowl.testing.service import Service

HEADER = "RenderOwl-Signature"
BODY = b'{"video_url": "https://media.example/a.mp4"}'
ACTION = {
    "type": "create_render",
    "composition_id": "timeline",
    "input_props": {"duration": 1, "tracks": [{"clips": []}]},
    "metadata": {"of": "{{trigger.video_url}}"},
}


class Door:
    """An automation's URL, and what has come of it."""

    def __init__(self, service: Service, project_id: str, made: dict[str, Any]) -> None:
        self.service = service
        self.path = f"/projects/{project_id}/automations/{made['id']}"
        self.url = f"/webhooks/automation/{made['id']}"
        self.secret: str = made["secret"]

    async def knock(self, body: bytes = BODY, signature: str | None = None, url: str = "") -> httpx.Response:
        headers = {} if signature is None else {HEADER: signature}
        return await self.service.as_(None).post(url or self.url, content=body, headers=headers)

    async def count(self) -> int:
        """How many executions there are."""
        return len((await self.service.http.get(f"{self.path}/executions")).json()["items"])


@pytest.fixture
async def door(service: Service) -> Door:
    project_id = await service.project()
    body = {"name": "x", "trigger": {"type": "webhook"}, "actions": [ACTION]}
    made = await service.http.post(f"/projects/{project_id}/automations", json=body)
    assert made.status_code == 201, made.text
    return Door(service, project_id, made.json())


def signed(secret: str, body: bytes = BODY, **at: float) -> str:
    return sign_report(secret, body, **at)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "x", "t=1", "v1=" + "0" * 64, "t=,v1=", "t=1,v1=", "t=1,t=2,v1=ab", "t=-1,v1=ab", "t=1e9,v1=ab"),
        *("t=9999999999999999999,v1=ab", "t=" + "1" * 6000 + ",v1=ab", "t=1,v1=\xe9", "t=\xb2,v1=ab", "," * 600),
    ],
)
async def test_a_malformed_header_is_401_and_nothing_else(door: Door, header: str | None) -> None:
    headers = [] if header is None else [(HEADER.encode(), header.encode("latin-1"))]
    answer = await door.service.as_(None).post(door.url, content=BODY, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert await door.count() == 0


async def test_a_tampered_or_late_request_and_one_for_another_automation_are_refused(door: Door) -> None:
    good = signed(door.secret)
    stamp = int(good[2:].partition(",")[0])
    attempts = [
        await door.knock(BODY + b" ", good),
        await door.knock(BODY.replace(b"a.mp4", b"b.mp4"), good),
        await door.knock(BODY, good.replace(f"t={stamp}", f"t={stamp + 1}")),
        await door.knock(BODY, good[:-1] + ("0" if good[-1] != "0" else "1")),
        await door.knock(BODY, signed(door.secret, now=stamp - WINDOW_S - 5)),
        await door.knock(BODY, signed(door.secret, now=stamp + WINDOW_S + 60)),
        await door.knock(BODY, good, url=f"/webhooks/automation/{new_id('aut')}"),
        await door.knock(BODY, good, url="/webhooks/automation/aut_%00"),
        await door.knock(BODY, signed("")),
    ]
    assert [answer.status_code for answer in attempts] == [401] * len(attempts)
    assert await door.count() == 0


async def test_a_replayed_request_and_one_that_comes_many_times_at_once_make_one_execution(door: Door) -> None:
    good = signed(door.secret)
    twice = good + ",v1=" + "0" * 64  # the same request with other words around its signature
    answers = [await door.knock(signature=one) for one in (good, good, twice, good)]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json()["execution_id"] for answer in answers}) == 1
    assert await door.count() == 1
    for execution in await executing.claim(door.service.ctx, limit=9, per_project=9, busy=[]):
        await executing.execute(door.service.ctx, execution)
    assert (await door.knock(signature=good)).json() == answers[0].json()
    assert await executing.claim(door.service.ctx, limit=9, per_project=9, busy=[]) == []


async def test_what_is_read_is_what_was_signed_byte_for_byte(door: Door) -> None:
    for body in (b'{ "a" :1}', '{"a": "ü"}'.encode(), b'{"a":"\\u00fc"}'):
        assert (await door.knock(body, signed(door.secret, body))).status_code == 202
    assert await door.count() == 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 60_000, 400), (b"[]", 422), (b'"x"', 422)),
        *((b'{"a": "\\u0000"}', 422), (b'{"a":' * 100 + b"1" + b"}" * 100, 422), (b" " * 70_000, 413)),
    ],
)
async def test_a_signed_body_that_is_no_good_object_is_refused_by_name(door: Door, body: bytes, status: int) -> None:
    answer = await door.knock(body, signed(door.secret, body))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await door.count() == 0


async def test_a_rotated_secret_is_good_for_a_day_and_a_secret_is_told_once(door: Door) -> None:
    rotated = (await door.service.http.post(f"{door.path}/secret/rotate")).json()
    assert rotated["secret"] != door.secret
    assert (await door.knock(b'{"n":1}', signed(door.secret, b'{"n":1}'))).status_code == 202
    assert (await door.knock(b'{"n":2}', signed(rotated["secret"], b'{"n":2}'))).status_code == 202
    await door.service.ctx.db.execute("UPDATE webhook_secrets SET rotated_at = now() - interval '25 hours'")
    assert (await door.knock(b'{"n":3}', signed(door.secret, b'{"n":3}'))).status_code == 401
    assert (await door.knock(b'{"n":4}', signed(rotated["secret"], b'{"n":4}'))).status_code == 202
    for path in (door.path, door.path.rpartition("/")[0], f"{door.path}/executions"):
        said = (await door.service.http.get(path)).text
        assert rotated["secret"] not in said
        assert door.secret not in said


async def test_an_automation_that_is_off_or_gone_or_waits_for_something_else_takes_no_request(door: Door) -> None:
    http = door.service.http
    await http.patch(door.path, json={"enabled": False})
    assert (await door.knock(signature=signed(door.secret))).status_code == 409
    await http.patch(door.path, json={"enabled": True, "trigger": {"type": "manual"}})
    assert (await door.knock(signature=signed(door.secret))).status_code == 409
    await http.delete(door.path)
    assert (await door.knock(signature=signed(door.secret))).status_code == 404


async def test_what_a_request_says_stays_text_within_the_render_and_reaches_nothing_else(door: Door) -> None:
    hostile = '"}, "priority": "urgent", "x": "{{execution.id}} {{trigger.__class__}} ${env} %s'
    body = b'{"video_url": %b, "priority": "urgent"}' % httpx.Request("POST", "http://x", json=hostile).read()
    assert (await door.knock(body, signed(door.secret, body))).status_code == 202
    for execution in await executing.claim(door.service.ctx, limit=9, per_project=9, busy=[]):
        await executing.execute(door.service.ctx, execution)
    project = door.path.partition("/automations")[0]
    (render,) = (await door.service.http.get(f"{project}/renders")).json()["items"]
    assert render["metadata"] == {"of": hostile}
    assert render["priority"] == "normal"

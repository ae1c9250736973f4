"""Outgoing webhooks: made over the API, written with what they tell, sent signed, retried, listed and replayed."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.actors.supervisor import Supervisor
from renderowl.actors.webhook_sender import WebhookSender
from renderowl.security.standard_webhooks import headers
from renderowl.services import delivering
from renderowl.services.webhooks import MAX_WEBHOOKS
from renderowl.testing.origin import Asked, Origin, endless, open_origin, page, redirect, silent
from renderowl.testing.service import Service, open_service
from renderowl.testing.signals import until

FILM = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": []}]}}


@pytest.fixture
async def service(database_url: str, redis_url: str, storage_dir: Path) -> AsyncIterator[Service]:
    """An API that may send to this machine."""
    allowed = {"outbound_allow": ("127.0.0.1",), "outbound_plain_http": True}
    async with open_service(database_url, redis_url, storage_dir, **allowed) as opened:
        yield opened


@contextlib.asynccontextmanager
async def sending(service: Service) -> AsyncIterator[None]:
    """A sender at work until the end of the block."""
    supervisor = Supervisor([WebhookSender(service.ctx)])
    running = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        supervisor.stop()
        await running


async def listed(service: Service, project_id: str, **query: str) -> list[dict[str, Any]]:
    """The project's deliveries, newest first."""
    found: list[dict[str, Any]] = (await service.http.get(f"/projects/{project_id}/deliveries", params=query)).json()[
        "items"
    ]
    return found


async def settled(service: Service, project_id: str, status: str) -> dict[str, Any]:
    """The newest delivery, once it has this status; each next try is made due at once."""

    async def there() -> dict[str, Any] | None:
        await service.ctx.db.execute("UPDATE deliveries SET next_attempt_at = now() WHERE error IS NOT NULL")
        newest = (await listed(service, project_id))[0]
        return newest if newest["status"] == status else None

    return await until(there, timeout_s=60)


async def cancelled_render(service: Service, project_id: str, **more: Any) -> str:
    """A render that has ended, so that there is something to tell."""
    made = await service.http.post(f"/projects/{project_id}/renders", json={**FILM, **more})
    assert made.status_code == 202, made.text
    ended = await service.http.post(f"/projects/{project_id}/renders/{made.json()['id']}/cancel")
    assert ended.status_code == 200, ended.text
    render_id: str = made.json()["id"]
    return render_id


def is_signed(asked: Asked, secret: str) -> bool:
    """Whether a request carries the signature of this secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = headers([key], asked.headers["webhook-id"], int(asked.headers["webhook-timestamp"]), asked.body)
    return made["webhook-signature"] in asked.headers["webhook-signature"].split(" ")


async def test_the_end_of_a_render_reaches_its_webhook_url_and_the_projects_webhooks_signed(
    service: Service, origin: Origin
) -> None:
    project_id = await service.project()
    here, there = origin.put("/here", page(b"thanks")), origin.put("/there", page(status=204))
    made = await service.http.post(f"/projects/{project_id}/webhooks", json={"url": there})
    assert made.status_code == 201, made.text
    other = {"url": there, "events": ["render.completed"]}
    assert (await service.http.post(f"/projects/{project_id}/webhooks", json=other)).status_code == 201
    render_id = await cancelled_render(service, project_id, webhook_url=here)
    async with sending(service):
        await until(lambda: _are_delivered(service, project_id, 2), timeout_s=30)
    secrets = {
        "/here": (await service.http.get(f"/projects/{project_id}/webhook-secret")).json(),
        "/there": (await service.http.get(f"/projects/{project_id}/webhooks/{made.json()['id']}/secret")).json(),
    }
    assert sorted(asked.path for asked in origin.asked) == ["/here", "/there"]
    for asked in origin.asked:
        assert is_signed(asked, secrets[asked.path]["secret"])
        told = msgspec.json.decode(asked.body)
        assert (told["type"], told["render_id"], told["project_id"]) == ("render.cancelled", render_id, project_id)
        assert told["data"]["status"] == "cancelled"
        assert told["timestamp"].endswith("Z")
    by_path = {one["url"].rpartition("/")[2]: one for one in await listed(service, project_id)}
    assert (by_path["here"]["response_status"], by_path["here"]["response_body"]) == (200, "thanks")
    assert (by_path["there"]["response_status"], by_path["there"]["webhook_id"]) == (204, made.json()["id"])
    assert {one["attempts"] for one in by_path.values()} == {1}
    assert len(await listed(service, project_id, webhook_id=made.json()["id"])) == 1
    assert len(await listed(service, project_id, render_id=render_id, status="delivered")) == 2


async def test_a_receiver_that_is_down_is_tried_again_with_the_same_id_until_it_is_up(
    service: Service, origin: Origin
) -> None:
    project_id = await service.project()
    url = origin.put("/hook", page(status=500))
    await cancelled_render(service, project_id, webhook_url=url)
    async with sending(service):
        await until(lambda: _asked(origin, 1), timeout_s=30)

        async def noted() -> bool:
            return (await listed(service, project_id))[0]["error"] is not None

        await until(noted, timeout_s=30)
        (waiting,) = await listed(service, project_id)
        assert (waiting["status"], waiting["response_status"]) == ("pending", 500)
        assert waiting["next_attempt_at"] > waiting["last_attempt_at"]
        origin.put("/hook", page())
        done = await settled(service, project_id, "delivered")
    assert done["attempts"] == len(origin.asked) > 1
    assert {asked.headers["webhook-id"] for asked in origin.asked} == {done["id"]}
    assert len({asked.body for asked in origin.asked}) == 1


async def test_a_delivery_that_failed_for_a_day_is_listed_and_can_be_replayed(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    url = origin.put("/hook", page(b"no", status=503))
    await cancelled_render(service, project_id, webhook_url=url)
    async with sending(service):
        await until(lambda: _error(service, project_id), timeout_s=30)
        await service.ctx.db.execute("UPDATE deliveries SET attempts = $1", len(delivering.BACKOFF_S))
        given_up = await settled(service, project_id, "failed")
        assert given_up["attempts"] == len(delivering.BACKOFF_S) + 1 == 11
        assert (given_up["response_status"], given_up["response_body"]) == (503, "no")
        assert "503" in given_up["error"]
        origin.put("/hook", page())
        again = await service.http.post(f"/projects/{project_id}/deliveries/{given_up['id']}/replay")
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        done = await settled(service, project_id, "delivered")
        assert (done["id"], done["attempts"]) == (given_up["id"], 1)
        await service.http.post(f"/projects/{project_id}/deliveries/{done['id']}/replay")
        await until(lambda: _asked(origin, 4), timeout_s=30)


def test_a_delivery_is_tried_for_nearly_a_day() -> None:
    assert 23 * 3600 < sum(delivering.BACKOFF_S) < 24 * 3600


async def test_a_test_event_is_sent_even_to_a_webhook_that_is_off(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    made = (
        await service.http.post(f"/projects/{project_id}/webhooks", json={"url": origin.put("/hook", page())})
    ).json()
    path = f"/projects/{project_id}/webhooks/{made['id']}"
    off = await service.http.patch(path, json={"enabled": False})
    assert off.json()["enabled"] is False
    await cancelled_render(service, project_id)
    assert await listed(service, project_id) == []
    sent = await service.http.post(f"{path}/test")
    assert (sent.status_code, sent.json()["event_type"]) == (202, "webhook.test")
    async with sending(service):
        done = await settled(service, project_id, "delivered")
    told = (await service.http.get(f"/projects/{project_id}/deliveries/{done['id']}")).json()
    assert told["payload"]["data"] == {"webhook_id": made["id"]}


async def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    made = (
        await service.http.post(f"/projects/{project_id}/webhooks", json={"url": origin.put("/hook", page())})
    ).json()
    path = f"/projects/{project_id}/webhooks/{made['id']}"
    before = (await service.http.get(f"{path}/secret")).json()
    after = (await service.http.post(f"{path}/secret/rotate")).json()
    assert before["previous"] is None
    assert after["previous"] == before["secret"] != after["secret"]
    assert (await service.http.get(f"/projects/{project_id}/webhook-secret")).json()["secret"] not in after.values()
    await service.http.post(f"{path}/test")
    async with sending(service):
        await settled(service, project_id, "delivered")
        await service.ctx.db.execute("UPDATE webhook_secrets SET rotated_at = now() - interval '25 hours'")
        await service.http.post(f"{path}/test")
        await settled(service, project_id, "delivered")
    first, second = origin.asked
    assert is_signed(first, before["secret"])
    assert is_signed(first, after["secret"])
    assert is_signed(second, after["secret"])
    assert not is_signed(second, before["secret"])
    assert (await service.http.get(f"{path}/secret")).json()["previous"] is None


async def test_a_webhook_that_fails_for_five_days_is_disabled_with_a_word_and_can_be_enabled_again(
    service: Service, origin: Origin
) -> None:
    project_id = await service.project()
    url = origin.put("/hook", page(status=500))
    made = (await service.http.post(f"/projects/{project_id}/webhooks", json={"url": url})).json()
    path = f"/projects/{project_id}/webhooks/{made['id']}"

    async def disabled() -> dict[str, Any] | None:
        found: dict[str, Any] = (await service.http.get(path)).json()
        return None if found["enabled"] else found

    await service.http.post(f"{path}/test")
    async with sending(service):
        await until(lambda: _is_failing(service, path), timeout_s=30)
        assert (await service.http.get(path)).json()["enabled"] is True
        await service.ctx.db.execute("UPDATE webhooks SET failing_since = now() - interval '5 days 1 minute'")
        await service.http.post(f"{path}/test")
        found = await until(disabled, timeout_s=30)
    assert "five days" in found["disabled_reason"]
    assert {one["status"] for one in await listed(service, project_id)} == {"failed"}
    (event,) = await service.ctx.db.fetch("SELECT data FROM events WHERE type = 'webhook.disabled'")
    assert msgspec.json.decode(event["data"])["webhook_id"] == made["id"]
    on = (await service.http.patch(path, json={"enabled": True})).json()
    assert (on["enabled"], on["disabled_reason"], on["failing_since"]) == (True, None, None)


async def test_a_receiver_that_says_gone_is_disabled_at_once(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    url = origin.put("/hook", page(status=410))
    made = (await service.http.post(f"/projects/{project_id}/webhooks", json={"url": url})).json()
    await cancelled_render(service, project_id)
    async with sending(service):
        given_up = await settled(service, project_id, "failed")
    assert given_up["attempts"] == 1
    found = (await service.http.get(f"/projects/{project_id}/webhooks/{made['id']}")).json()
    assert (found["enabled"], found["disabled_reason"]) == (False, "the receiver answered 410 Gone")


async def test_a_slow_receiver_does_not_hold_up_another_project(service: Service, origin: Origin) -> None:
    slow, quick = await service.project(), await service.project()
    for _ in range(12):
        await cancelled_render(service, slow, webhook_url=origin.put("/slow", silent()))
    await cancelled_render(service, quick, webhook_url=origin.put("/quick", page()))
    async with sending(service):
        await settled(service, quick, "delivered")
        assert {one["status"] for one in await listed(service, slow)} == {"pending"}


async def test_a_sender_that_dies_in_between_leaves_its_deliveries_to_the_next(
    service: Service, origin: Origin
) -> None:
    project_id = await service.project()
    await cancelled_render(service, project_id, webhook_url=origin.put("/hook", page()))
    (claimed,) = await delivering.claim(service.ctx, limit=10, per_project=10, busy=[])
    assert await delivering.claim(service.ctx, limit=10, per_project=10, busy=[]) == []
    await service.ctx.db.execute("UPDATE deliveries SET next_attempt_at = now()")  # its lease has run out
    async with sending(service):
        done = await settled(service, project_id, "delivered")
    assert (done["id"], done["attempts"]) == (claimed.id, 2)
    assert await delivering.deliver(service.ctx, claimed)  # the dead one comes back: what is settled stays so
    assert (await listed(service, project_id))[0]["attempts"] == 2


async def test_no_delivery_goes_where_it_may_not_or_is_led_there(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    for url in (
        "https://10.0.0.1/x",
        "ftp://hooks.example/x",
        "https://u:p@hooks.example/",
        "https://169.254.169.254/",
    ):
        refused = await service.http.post(f"/projects/{project_id}/webhooks", json={"url": url})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/url")
        refused = await service.http.post(f"/projects/{project_id}/renders", json={**FILM, "webhook_url": url})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/webhook_url")
    async with open_origin() as inside:
        away = origin.put("/away", redirect(inside.url + "/x"))
        await cancelled_render(service, project_id, webhook_url=away)
        async with sending(service):
            await until(lambda: _asked(origin, 1), timeout_s=30)
            noted = await until(lambda: _error(service, project_id), timeout_s=30)
        assert "302" in noted
        assert inside.asked == []


async def test_a_2xx_is_a_delivery_whatever_follows_it(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    answers = {
        "/long": page(b"\x00 thanks" * 50_000),
        "/endless": endless(b"thanks"),
        "/short": page(b"than", headers={"Content-Length": "600"}),
    }
    for path, say in answers.items():
        await cancelled_render(service, project_id, webhook_url=origin.put(path, say))
    async with sending(service):
        await until(lambda: _are_delivered(service, project_id, 3), timeout_s=30)
    assert sorted(asked.path for asked in origin.asked) == sorted(answers)
    told = await listed(service, project_id)
    assert all(len(one["response_body"]) <= 1024 and "than" in one["response_body"] for one in told)


async def test_bad_bodies_are_told_with_every_problem(service: Service) -> None:
    project_id = await service.project()
    bad = {"url": "", "events": ["render.exploded"], "secret": "mine"}
    refused = await service.http.post(f"/projects/{project_id}/webhooks", json=bad)
    assert refused.status_code == 422
    assert {one["path"] for one in refused.json()["errors"]} == {"/url", "/events/0", "/secret"}


async def test_a_project_has_a_bounded_number_of_webhooks(service: Service) -> None:
    project_id = await service.project()
    for _ in range(20):
        made = await service.http.post(f"/projects/{project_id}/webhooks", json={"url": "https://hooks.example/"})
        assert made.status_code == 201
    one_more = await service.http.post(f"/projects/{project_id}/webhooks", json={"url": "https://hooks.example/"})
    assert one_more.status_code == 409
    listing = (await service.http.get(f"/projects/{project_id}/webhooks", params={"limit": 15})).json()
    assert len(listing["items"]) == 15
    for one in listing["items"]:
        assert (await service.http.delete(f"/projects/{project_id}/webhooks/{one['id']}")).status_code == 204
    rest = (await service.http.get(f"/projects/{project_id}/webhooks")).json()
    assert len(rest["items"]) == 5


async def test_the_log_of_deliveries_is_kept_for_30_days(service: Service, origin: Origin) -> None:
    project_id = await service.project()
    await cancelled_render(service, project_id, webhook_url=origin.put("/hook", page()))
    async with sending(service):
        await settled(service, project_id, "delivered")
    assert await delivering.forget(service.ctx) == 0
    await service.ctx.db.execute("UPDATE deliveries SET created_at = now() - interval '31 days'")
    assert await delivering.forget(service.ctx) == 1


async def _are_delivered(service: Service, project_id: str, count: int) -> bool:
    return len(await listed(service, project_id, status="delivered")) == count


async def _asked(origin: Origin, count: int) -> bool:
    return len(origin.asked) >= count


async def _error(service: Service, project_id: str) -> str | None:
    error: str | None = (await listed(service, project_id))[0]["error"]
    return error


async def _is_failing(service: Service, path: str) -> bool:
    return (await service.http.get(path)).json()["failing_since"] is not None


async def test_of_many_at_once_exactly_as_many_are_made_as_may_be(service: Service) -> None:
    project_id = await service.project()
    answers = await asyncio.gather(
        *(
            service.http.post(f"/projects/{project_id}/webhooks", json={"url": f"https://example.com/{n}"})
            for n in range(MAX_WEBHOOKS + 10)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * MAX_WEBHOOKS + [409] * 10

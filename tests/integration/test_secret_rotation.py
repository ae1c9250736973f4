"""A new RENDEROWL_SECRET_KEY: what the one before has signed is good as long as that one is listed, and no longer."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import msgspec
import pytest

from renderowl.client.reports import sign_report
from renderowl.db import deliveries
from renderowl.domain.errors import Unauthenticated
from renderowl.domain.ids import new_id
from renderowl.security.keyring import Keyring
from renderowl.security.standard_webhooks import told_secret
from renderowl.services import accounts, callers, errands, playing, reports, webhooks
from renderowl.testing.service import Service, open_service

OLD: Final = "the secret of before, long enough, with a comma"
NEW: Final = "the secret of now, which is long enough as well"
ANN: Final = {"email": "ann@example.org", "password": "correct horse battery"}
STEP: Final = "stp_00000000000000000000000001"

Opened = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def opened(database_url: str, redis_url: str, storage_dir: Path) -> Opened:
    """A function that starts the API under this secret, with others that are accepted beside it."""

    def start(secret: str, *others: str) -> AbstractAsyncContextManager[Service]:
        return open_service(database_url, redis_url, storage_dir, secret_key=secret, other_secret_keys=others)

    return start


class Signed(msgspec.Struct, frozen=True):
    """One of everything that is signed for callers, receivers and workers."""

    project_id: str
    session: str
    token: str
    upload: dict[str, Any]
    download: str
    play: str
    automation: str
    automation_secret: str
    webhook_secret: str
    report_key: str
    errand_id: str
    callback: str


async def sign_all(service: Service, project_id: str) -> Signed:
    """What the API signs now."""
    ctx, http = service.ctx, service.http
    session = (await service.as_(None).post("/auth/login", json=ANN)).json()["access_token"]
    token = (await http.post("/auth/tokens", json={"project_id": project_id})).json()["token"]
    announced = {"name": f"{new_id('ast')}.png", "content_type": "image/png", "size_bytes": 4}
    asset = (await http.post(f"/projects/{project_id}/assets/upload", json=announced)).json()
    stored = await ctx.storage.put_bytes("a.txt", b"text", content_type="text/plain")
    rule = {
        "name": "x",
        "trigger": {"type": "webhook"},
        "actions": [{"type": "call_webhook", "url": "https://a.example"}],
    }
    made = await http.post(f"/projects/{project_id}/automations", json=rule)
    assert made.status_code == 201, made.text
    errand_id = new_id("ern")
    return Signed(
        project_id,
        session,
        token,
        asset["upload"],
        (await ctx.storage.sign_get(stored.key, ttl_s=600)).url,
        playing.sign_play(ctx, new_id("rnd"), playing.PREVIEW).url,
        made.json()["url"],
        made.json()["secret"],
        (await http.get(f"/projects/{project_id}/webhook-secret")).json()["secret"],
        reports.report_key(ctx, STEP, 1),
        errand_id,
        urlsplit(errands.callback_url(ctx, errand_id)).query.partition("=")[2],
    )


async def good(service: Service, signed: Signed) -> dict[str, bool]:
    """Which of it this API takes."""
    ctx, nobody = service.ctx, service.as_(None)
    upload = await nobody.put(signed.upload["url"], content=b"\x89PNG", headers=signed.upload["headers"])
    trigger = sign_report(signed.automation_secret, b"{}")
    answers = {
        "session": await service.as_(signed.session).get("/me"),
        "cookie": await nobody.get("/me", headers={"cookie": f"renderowl_session={signed.session}"}),
        "token": await service.as_(signed.token).get(f"/projects/{signed.project_id}"),
        "upload": upload,
        "download": await nobody.get(signed.download),
        "automation": await nobody.post(signed.automation, content=b"{}", headers={"RenderOwl-Signature": trigger}),
    }
    taken = {name: answer.status_code in (200, 202) for name, answer in answers.items()}
    assert all(answers[name].status_code in (401, 403) for name, fine in taken.items() if not fine)
    # there is no such render: who may not ask is told 403
    taken["play"] = (await nobody.get(signed.play)).status_code == 404
    for name, told in (
        ("report", lambda: _verify_report(service, signed.report_key)),
        ("callback", lambda: asyncio.to_thread(errands.verify_callback, ctx, signed.errand_id, signed.callback)),
    ):
        try:
            await told()
            taken[name] = True
        except Unauthenticated:
            taken[name] = False
    taken["webhook"] = signed.webhook_secret in await _signing(service, signed.project_id)
    return taken


async def _verify_report(service: Service, key: str) -> None:
    body = msgspec.json.encode({"step_id": STEP, "attempt": 1})
    reports.verify(service.ctx, sign_report(key, body), body)


async def _signing(service: Service, project_id: str) -> list[str]:
    """The secrets under which a delivery to the `webhook_url` of a render of this project would be signed."""
    delivery_id = await deliveries.insert(service.ctx.db, project_id, "webhook.test", "https://a.example", {})
    delivery = await deliveries.get(service.ctx.db, project_id, delivery_id)
    assert delivery is not None
    return [told_secret(key) for key in await webhooks.signing_keys(service.ctx, delivery)]


def kid_of(secret: str) -> str:
    return next(iter(Keyring([secret]).named_keys("tokens")))


async def test_what_was_signed_before_a_rotation_is_good_until_the_earlier_secret_is_dropped(opened: Opened) -> None:
    async with opened(OLD) as service:
        await service.user(ANN["email"])
        project_id = await service.project()
        early, late = [await sign_all(service, project_id) for _ in range(2)]
        assert jwt.get_unverified_header(early.session)["kid"] == kid_of(OLD)
    async with opened(NEW, OLD) as service:
        taken = await good(service, early)
        assert taken == dict.fromkeys(taken, True)
        fresh = await sign_all(service, project_id)
        assert [jwt.get_unverified_header(one)["kid"] for one in (fresh.session, fresh.token)] == [kid_of(NEW)] * 2
        # the receiver is told the new secret, and may verify with either
        assert await _signing(service, project_id) == [fresh.webhook_secret, early.webhook_secret]
        assert fresh.webhook_secret != early.webhook_secret
    async with opened(NEW) as service:
        taken = await good(service, late)
        assert taken == dict.fromkeys(taken, False)
        taken = await good(service, fresh)
        assert taken == dict.fromkeys(taken, True)


async def test_an_api_that_still_signs_with_the_old_secret_takes_what_the_next_one_signs(opened: Opened) -> None:
    """While processes are restarted one after another: first all of them accept the next secret, then it is put in front."""
    async with opened(OLD, NEW) as before, opened(NEW, OLD) as after:
        await before.user(ANN["email"])
        project_id = await before.project()
        taken = await good(before, await sign_all(after, project_id))
        assert taken == dict.fromkeys(taken, True)
        signed = await sign_all(before, project_id)
        taken = await good(after, signed)
        assert taken == dict.fromkeys(taken, True)
        principal = await callers.authenticate(before.ctx, signed.token)
        for asked, opening in ((before, after), (after, before)):  # a ticket lives for 30 s only
            ticket = (await accounts.issue_ticket(asked.ctx, principal, project_id, None)).ticket
            member = await accounts.redeem_ticket(opening.ctx, ticket, project_id=project_id, origin=None)
            assert member == principal


async def test_a_webhook_secret_that_was_rotated_by_its_owner_counts_on_under_a_new_secret(opened: Opened) -> None:
    async with opened(OLD) as service:
        project_id = await service.project()
        first = (await service.http.get(f"/projects/{project_id}/webhook-secret")).json()["secret"]
        second = (await service.http.post(f"/projects/{project_id}/webhook-secret/rotate")).json()["secret"]
    async with opened(NEW, OLD) as service:
        told = (await service.http.get(f"/projects/{project_id}/webhook-secret")).json()
        signing = await _signing(service, project_id)
        assert signing == [told["secret"], second, told["previous"], first]
        await service.ctx.db.execute("UPDATE webhook_secrets SET rotated_at = now() - interval '25 hours'")
        assert await _signing(service, project_id) == [told["secret"], second]

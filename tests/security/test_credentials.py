"""What a credential is worth, and that it is worth nothing once it is taken back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from renderowl.domain.errors import Unauthenticated
from renderowl.services import accounts, callers, projects
from renderowl.testing.service import BASE_URL, Service
from renderowl.testing.serving import ORIGIN, World, make_account
from renderowl.testing.signals import until

CAPTION = {"type": "caption", "text": "a", "start": 0, "duration": 1}


async def made_key(http: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await http.post("/keys", json={"name": "k", **body})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


async def test_a_project_token_mints_no_other_token_so_it_cannot_live_for_ever(service: Service) -> None:
    ann = await service.user()
    project_id = await service.project(ann)
    asked = {"project_id": project_id, "scopes": ["read", "write"], "ttl_s": 10}
    browser = service.as_((await ann.post("/auth/tokens", json=asked)).json()["token"])
    again = await browser.post("/auth/tokens", json={**asked, "ttl_s": 86_400})
    assert (again.status_code, again.json()["code"]) == (403, "forbidden")


async def test_logging_out_ends_the_tokens_the_session_minted(service: Service) -> None:
    ann = await service.user()
    project_id = await service.project(ann)
    token = (await ann.post("/auth/tokens", json={"project_id": project_id})).json()["token"]
    assert (await service.as_(token).get(f"/projects/{project_id}")).status_code == 200
    await ann.post("/auth/logout")
    assert (await service.as_(token).get(f"/projects/{project_id}")).status_code == 401


async def test_a_key_made_by_a_key_does_not_outlive_it(service: Service) -> None:
    ann = await service.user()
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    short = await made_key(ann, expires_at=ends)
    heir = await made_key(service.as_(short["key"]))
    assert heir["expires_at"] is not None
    assert datetime.fromisoformat(heir["expires_at"]) <= datetime.fromisoformat(ends)


async def test_a_key_neither_ends_nor_rotates_one_with_more_scopes(service: Service) -> None:
    admin = await made_key(service.http, scopes=["admin"])
    writer = service.as_((await made_key(service.http, scopes=["write"]))["key"])
    assert (await writer.post(f"/keys/{admin['id']}/rotate")).status_code == 403
    assert (await writer.delete(f"/keys/{admin['id']}")).status_code == 403
    kept = next(key for key in (await service.http.get("/keys")).json()["items"] if key["id"] == admin["id"])
    assert "revoked_at" not in kept


async def test_rotating_brings_no_revoked_key_back(service: Service) -> None:
    ann = await service.user()
    key = await made_key(ann)
    await ann.delete(f"/keys/{key['id']}")
    assert (await ann.post(f"/keys/{key['id']}/rotate")).status_code == 409
    assert (await service.as_(key["key"]).get("/projects")).status_code == 401


async def test_a_login_from_a_foreign_page_sets_no_cookie(service: Service) -> None:
    await service.user("ann@example.org")
    body = b'{"email": "ann@example.org", "password": "correct horse battery"}'
    for origin, cookie in (("https://evil.example", False), ("null", False), (BASE_URL, True)):
        headers = {"content-type": "text/plain", "origin": origin}
        answer = await service.as_(None).post("/auth/login", content=body, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, cookie), origin


@pytest.mark.parametrize("start", [0, 6])
async def test_nearly_the_bootstrap_token_is_not_the_bootstrap_token(service: Service, start: int) -> None:
    token = str(service.http.headers["authorization"]).partition(" ")[2]
    for near in (token[start:-1], token + "x", token.upper(), token + "\xe9"):
        headers = {"authorization": f"Bearer {near}".encode()}
        assert (await service.as_(None).get("/me", headers=headers)).status_code == 401


async def test_a_ticket_dies_with_the_key_that_asked_for_it(world: World) -> None:
    ticket = await accounts.issue_ticket(world.ctx, world.principal, world.project.id, None)
    await revoke(world)
    async with world.room(key=None, query=f"?ticket={ticket.ticket}") as socket:
        assert "unauthenticated" in str(await socket.recv())


async def test_a_ticket_is_good_for_its_project_and_origin_alone(world: World) -> None:
    other = await projects.create(world.ctx, world.principal, name="Other", description=None, settings={})
    for project_id, origin, good in (
        (world.project.id, ORIGIN, True),
        (other.id, ORIGIN, False),
        (world.project.id, None, False),
        (world.project.id, world.http_url, False),
    ):
        ticket = (await accounts.issue_ticket(world.ctx, world.principal, world.project.id, ORIGIN)).ticket
        async with world.room(project_id, key=None, query=f"?ticket={ticket}", origin=origin) as socket:
            await socket.send('{"type":"hello"}')
            assert ('"type":"welcome"' in str(await socket.recv())) is good, (project_id, origin)


async def test_a_token_of_one_project_opens_no_other_room_of_its_owner(world: World) -> None:
    other = await projects.create(world.ctx, world.principal, name="Other", description=None, settings={})
    token, _ = await accounts.mint_token(world.ctx, world.principal, other.id, scopes=["read"], ttl_s=600)
    async with world.room(key=token) as socket:
        await socket.wait_closed()
        assert socket.close_code == 4404
    async with world.room(other.id, key=token) as socket:
        await socket.send('{"type":"hello"}')
        assert '"type":"welcome"' in str(await socket.recv())


async def test_who_can_write_to_redis_makes_no_ticket(world: World) -> None:
    """Neither one of their own nor, with what a real one stands for, another."""
    real = await accounts.issue_ticket(world.ctx, world.principal, world.project.id, None)
    kept = await world.ctx.bus.take_ticket(real.ticket)
    assert kept is not None
    boss = kept["value"].replace('"is_admin":false', '"is_admin":true')
    assert boss != kept["value"]
    forged = {
        "another": kept,
        real.ticket: {**kept, "value": boss},
        "unsigned": {"value": boss, "signature": ""},
    }
    for ticket, value in forged.items():
        await world.ctx.bus.put_ticket(ticket, value, 30)
        with pytest.raises(Unauthenticated):
            await accounts.redeem_ticket(world.ctx, ticket, project_id=world.project.id, origin=None)
    await world.ctx.bus.put_ticket(real.ticket, kept, 30)
    found = await accounts.redeem_ticket(world.ctx, real.ticket, project_id=world.project.id, origin=None)
    assert found == world.principal


@pytest.mark.parametrize("mint", [False, True], ids=["key", "token-made-by-the-key"])
async def test_somebody_who_only_listens_is_sent_away_when_the_key_is_revoked(world: World, mint: bool) -> None:
    world.hub.guests.recheck_s = 0.05
    credential = world.key
    if mint:
        credential, _ = await accounts.mint_token(
            world.ctx, world.principal, world.project.id, scopes=["read"], ttl_s=600
        )
    async with world.room(key=credential, subprotocols=(), origin=ORIGIN) as socket:
        await world.members(1)
        await revoke(world)
        await socket.wait_closed()
        assert socket.close_code == 4403
    await world.members(0)


async def test_a_stream_of_events_ends_when_the_key_is_revoked(world: World) -> None:
    world.hub.guests.recheck_s = 0.05
    headers = {"authorization": f"Bearer {world.key}"}
    url = f"{world.http_url}/projects/{world.project.id}/events"
    async with httpx.AsyncClient(headers=headers, timeout=10) as http, http.stream("GET", url) as answer:
        await world.members(1)
        await revoke(world)
        async for _ in answer.aiter_bytes():
            pass
    await world.members(0)


async def test_a_stream_of_events_ends_with_its_token(world: World) -> None:
    token, _ = await accounts.mint_token(world.ctx, world.principal, world.project.id, scopes=["read"], ttl_s=2)
    url = f"{world.http_url}/projects/{world.project.id}/events"
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=10) as http, http.stream("GET", url) as answer:
        assert answer.status_code == 200
        async for _ in answer.aiter_bytes():
            pass
    await world.members(0)


@pytest.mark.parametrize("about", ["room", "render"])
async def test_a_long_poll_ends_when_the_key_is_revoked(world: World, about: str) -> None:
    world.hub.guests.recheck_s = 0.05
    body = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": [CAPTION]}]}}
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {world.key}"}, timeout=30) as http:
        project = f"{world.http_url}/projects/{world.project.id}"
        render_id = (await http.post(f"{project}/renders", json=body)).json()["id"]
        path = "events" if about == "room" else f"renders/{render_id}/progress"
        query = {"after": f"{world.project.event_epoch}.1", "wait": "25"}
        waiting = asyncio.create_task(http.get(f"{project}/{path}", params=query))
        await world.members(1)
        await revoke(world)
        assert (await waiting).status_code == 401
    await world.members(0)


@pytest.mark.parametrize("about", ["room", "render"])
async def test_a_long_poll_waits_no_longer_than_its_token_is_good_for(world: World, about: str) -> None:
    body = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": [CAPTION]}]}}
    project = f"{world.http_url}/projects/{world.project.id}"
    token, _ = await accounts.mint_token(
        world.ctx, world.principal, world.project.id, scopes=["read", "write"], ttl_s=3
    )
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http:
        render_id = (await http.post(f"{project}/renders", json=body)).json()["id"]
        path = "events" if about == "room" else f"renders/{render_id}/progress"
        query = {"after": f"{world.project.event_epoch}.1", "wait": "25"}
        answer = await http.get(f"{project}/{path}", params=query)
        assert answer.status_code == 200  # what there was to say until the end: nothing
        waited_s = answer.elapsed.total_seconds()
        assert (await http.get(f"{project}/{path}", params=query)).status_code == 401
    assert waited_s < 20, "it went on waiting when its token had ended"


async def test_the_end_of_a_key_is_no_revocation_and_may_be_refreshed_in_time(world: World) -> None:
    """4403 tells a client to stop; 4401, after some grace, to come with a newer credential."""
    await world.ctx.db.execute("UPDATE api_keys SET expires_at = now() - interval '1 second'")
    assert not await callers.is_revoked(world.ctx, world.principal)
    with pytest.raises(Unauthenticated):
        await callers.authenticate(world.ctx, world.key)
    await world.ctx.db.execute("UPDATE api_keys SET revoked_at = now()")
    assert await callers.is_revoked(world.ctx, world.principal)


async def test_a_socket_cannot_be_refreshed_into_another_users(world: World) -> None:
    _, other = await make_account(world.ctx, ["read"])
    async with world.room(subprotocols=()) as socket:
        await world.members(1)
        await socket.send(f'{{"type": "auth.refresh", "token": "{other}"}}')
        await socket.wait_closed()
        assert socket.close_code in (4401, 4403, 4404)


async def revoke(world: World) -> None:
    """Revoke the world's key and see that it is."""
    await accounts.revoke_key(world.ctx, world.principal, world.principal.credential_id)

    async def refused() -> bool:
        return await callers.is_revoked(world.ctx, world.principal)

    await until(refused)

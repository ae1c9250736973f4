"""Accounts over HTTP: sessions, keys, tokens, tickets."""

import asyncio

import httpx
import pytest

from renderowl.testing.service import BASE_URL, Service


async def test_register_login_me_logout(service: Service) -> None:
    ann = await service.user("Ann@Example.org")
    assert (await ann.get("/me")).json()["email"] == "Ann@Example.org"
    assert (await ann.post("/auth/logout")).status_code == 204
    refused = await ann.get("/me")
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated"


async def test_an_address_is_taken_once_in_any_case(service: Service) -> None:
    await service.user("ann@example.org")
    again = await service.http.post("/auth/register", json={"email": "ANN@example.org", "password": "x" * 12})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_registration_names_every_wrong_field(service: Service) -> None:
    answer = await service.http.post("/auth/register", json={"email": "nobody", "password": "short"})
    assert answer.status_code == 422
    assert {error["path"] for error in answer.json()["errors"]} == {"/email", "/password"}


@pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
async def test_a_wrong_login_does_not_tell_whether_the_address_is_known(service: Service, email: str) -> None:
    await service.user("ann@example.org")
    answer = await service.http.post("/auth/login", json={"email": email, "password": "not the password"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "address or password is wrong")


async def test_the_session_cookie_reads_anywhere_but_writes_only_from_an_allowed_origin(service: Service) -> None:
    await service.user("ann@example.org")
    login = await service.http.post(
        "/auth/login", json={"email": "ann@example.org", "password": "correct horse battery"}
    )
    assert "HttpOnly" in login.headers["set-cookie"]
    assert "SameSite=lax" in login.headers["set-cookie"]
    cookie = {"cookie": login.headers["set-cookie"].partition(";")[0]}
    browser = service.as_(None)
    assert (await browser.get("/me", headers=cookie)).status_code == 200
    body = {"name": "From a page"}
    for origin, status in [(None, 403), ("https://evil.example", 403), (BASE_URL, 201)]:
        headers = cookie if origin is None else {**cookie, "origin": origin}
        assert (await browser.post("/projects", json=body, headers=headers)).status_code == status


async def test_a_keys_plaintext_is_shown_once_and_works_until_it_is_revoked(service: Service) -> None:
    ann = await service.user()
    made = (await ann.post("/keys", json={"name": "ci", "scopes": ["read"]})).json()
    assert made["key"].startswith("ro_live_")
    assert made["last_four"] == made["key"][-4:]
    listed = (await ann.get("/keys")).json()["items"]
    assert [key["id"] for key in listed] == [made["id"]]
    assert "key" not in listed[0]
    assert (await service.as_(made["key"]).get("/projects")).status_code == 200
    assert (await ann.delete(f"/keys/{made['id']}")).status_code == 204
    assert (await service.as_(made["key"]).get("/projects")).status_code == 401


async def test_a_read_key_cannot_write_and_nobody_makes_a_key_above_their_scopes(service: Service) -> None:
    ann = await service.user()
    read = service.as_((await ann.post("/keys", json={"name": "r", "scopes": ["read"]})).json()["key"])
    refused = await read.post("/projects", json={"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    above = await ann.post("/keys", json={"name": "a", "scopes": ["admin"]})
    assert above.status_code == 403


async def test_a_rotated_key_lives_on_beside_the_new_one(service: Service) -> None:
    ann = await service.user()
    old = (await ann.post("/keys", json={"name": "k"})).json()
    new = (await ann.post(f"/keys/{old['id']}/rotate")).json()
    assert new["key"] != old["key"]
    for key in (old["key"], new["key"]):
        assert (await service.as_(key).get("/projects")).status_code == 200


async def test_a_project_token_sees_its_project_and_nothing_else(service: Service) -> None:
    ann = await service.user()
    mine, other = await service.project(ann), await service.project(ann, "Other")
    token = (await ann.post("/auth/tokens", json={"project_id": mine, "scopes": ["read"], "ttl_s": 60})).json()
    browser = service.as_(token["token"])
    assert (await browser.get(f"/projects/{mine}")).status_code == 200
    assert (await browser.get(f"/projects/{other}")).status_code == 404
    assert [one["id"] for one in (await browser.get("/projects")).json()["items"]] == [mine]
    assert (await browser.post("/projects", json={"name": "x"})).status_code == 403
    assert (await browser.get("/keys")).status_code == 403
    assert (await browser.get("/me")).json()["email"] is None


async def test_revoking_a_key_ends_the_tokens_it_made(service: Service) -> None:
    ann = await service.user()
    project_id = await service.project(ann)
    key = (await ann.post("/keys", json={"name": "backend"})).json()
    backend = service.as_(key["key"])
    token = (await backend.post("/auth/tokens", json={"project_id": project_id})).json()["token"]
    assert (await service.as_(token).get(f"/projects/{project_id}")).status_code == 200
    await ann.delete(f"/keys/{key['id']}")
    assert (await service.as_(token).get(f"/projects/{project_id}")).status_code == 401


async def test_a_ticket_is_given_for_ones_own_project_only(service: Service) -> None:
    ann, bob = await service.user("ann@example.org"), await service.user("bob@example.org")
    project_id = await service.project(ann)
    assert "ticket" in (await ann.post("/ws/tickets", json={"project_id": project_id})).json()
    assert (await bob.post("/ws/tickets", json={"project_id": project_id})).status_code == 404


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Basic YTpi", "Bearer ro_live_nonsense", "Bearer a.b.c", "Bearer \x00", ""],
)
async def test_a_bad_credential_is_401_and_never_500(service: Service, header: str) -> None:
    http: httpx.AsyncClient = service.as_(None)
    answer = await http.get("/projects", headers={"authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_first_requests_of_the_bootstrap_token_may_come_at_once(service: Service) -> None:
    """As the first processes of an installation may: each of them makes the administrator."""
    answers = await asyncio.gather(*(service.http.get("/me") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}

"""What administrators see of users, and what owners see of their keys' use."""

from datetime import UTC, datetime, timedelta

import pytest

from renderowl.actors.usage_writer import UsageWriter
from renderowl.domain.errors import Unavailable
from renderowl.testing.service import Service


async def test_an_administrator_lists_and_finds_users(service: Service) -> None:
    for name in ("ann", "bob", "zoe"):
        await service.user(f"{name}@example.org")
    first = (await service.http.get("/users", params={"limit": 2})).json()
    rest = (await service.http.get("/users", params={"cursor": first["next_cursor"]})).json()
    emails = [user["email"] for user in first["items"] + rest["items"]]
    assert emails[:2] == ["zoe@example.org", "bob@example.org"]
    assert emails[2] == "ann@example.org"
    [found] = (await service.http.get("/users", params={"email": "BOB@"})).json()["items"]
    assert found == (await service.http.get(f"/users/{found['id']}")).json()
    assert found["tier"] == "free"
    assert "password_hash" not in found
    nobody = await service.http.get("/users", params={"email": "%", "tier": "pro"})
    assert nobody.json() == {"items": [], "next_cursor": None}


async def test_an_administrator_sets_a_tier_and_nothing_else(service: Service) -> None:
    ann = await service.user()
    user_id = (await ann.get("/me")).json()["id"]
    changed = await service.http.patch(f"/users/{user_id}", json={"tier": "pro"})
    assert (changed.status_code, changed.json()["tier"]) == (200, "pro")
    assert (await ann.get("/me")).json()["tier"] == "pro"
    for body, path in (({"tier": "gold"}, "/tier"), ({"tier": "pro", "role": "admin"}, "/role"), ({}, "/tier")):
        refused = await service.http.patch(f"/users/{user_id}", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, path)
    assert (await service.http.get("/users/usr_none")).status_code == 404


async def test_an_administrators_key_needs_the_scope_too(service: Service) -> None:
    keys = {
        scope: (await service.http.post("/keys", json={"name": "k", "scopes": [scope]})).json()["key"]
        for scope in ("admin", "write")
    }
    assert (await service.as_(keys["admin"]).get("/users")).status_code == 200
    assert (await service.as_(keys["write"]).get("/users")).status_code == 403


async def test_a_keys_use_is_told_by_day_and_route(service: Service) -> None:
    ann = await service.user()
    project_id = await service.project(ann)
    key = (await ann.post("/keys", json={"name": "ci"})).json()
    ci = service.as_(key["key"])
    for path in ("/projects", "/projects", f"/projects/{project_id}", "/projects/prj_none"):
        await ci.get(path)
    token = (await ci.post("/auth/tokens", json={"project_id": project_id})).json()["token"]
    await service.as_(token).get(f"/projects/{project_id}")
    await UsageWriter(service.ctx, service.tally).tick()
    await ci.get("/projects")
    await UsageWriter(service.ctx, service.tally).tick()

    told = (await ann.get(f"/keys/{key['id']}/usage", params={"days": 7})).json()
    assert (told["key_id"], told["requests"], told["errors"]) == (key["id"], 7, 1)
    today = datetime.now(UTC).date()
    assert [day["day"] for day in told["days"]] == [(today - timedelta(days=n)).isoformat() for n in range(6, -1, -1)]
    assert all(day["routes"] == [] and day["requests"] == 0 for day in told["days"][:-1])
    assert told["days"][-1]["routes"] == [
        {"route": "GET /projects", "requests": 3, "errors": 0},
        {"route": "GET /projects/{project_id}", "requests": 3, "errors": 1},
        {"route": "POST /auth/tokens", "requests": 1, "errors": 0},
    ]


async def test_no_request_writes_what_it_is_counted_as(service: Service) -> None:
    ann = await service.user()
    key = (await ann.post("/keys", json={"name": "ci"})).json()["key"]
    ci = service.as_(key)
    await ci.get("/projects")  # notes that the key was used, once a minute
    before = service.ctx.db.statements
    await ci.get("/projects")
    assert service.ctx.db.statements - before == 2  # the key and the projects
    assert await service.ctx.db.fetch_value("SELECT count(*) FROM key_usage") == 0


async def test_counts_wait_for_postgres(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await service.user()
    key = (await ann.post("/keys", json={"name": "ci"})).json()
    await service.as_(key["key"]).get("/projects")
    writer = UsageWriter(service.ctx, service.tally)

    async def away(*_: object) -> int:
        raise Unavailable("Postgres is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(service.ctx.db), "execute", away)
        await writer.tick()
    await service.as_(key["key"]).get("/projects")
    await writer.tick()
    assert (await ann.get(f"/keys/{key['id']}/usage")).json()["requests"] == 2


@pytest.mark.parametrize("days", ["0", "401", "x"])
async def test_use_is_told_of_days_that_are_kept(service: Service, days: str) -> None:
    ann = await service.user()
    key = (await ann.post("/keys", json={"name": "ci"})).json()
    answer = await ann.get(f"/keys/{key['id']}/usage", params={"days": days})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/days")


async def test_what_no_address_contains_is_named(service: Service) -> None:
    answer = await service.http.get("/users", params={"email": "a\x00b"})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/email")

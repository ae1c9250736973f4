"""Rate limits over HTTP: who is counted how, and what each answer says of it."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from renderowl.embedded.process import free_port
from renderowl.testing.service import Service, open_service
from renderowl.testing.serving import World, make_account, serve
from renderowl.ws import frames

FILM = {"composition_id": "timeline", "input_props": {"duration": 1, "tracks": [{"clips": []}]}}
Opened = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def opened(database_url: str, redis_url: str, storage_dir: Path) -> Opened:
    """A function that opens the API with these limits."""
    return lambda **limits: open_service(database_url, redis_url, storage_dir, **limits)


async def set_tier(service: Service, tier: str, email: str = "ann@example.org") -> None:
    [user] = (await service.http.get("/users", params={"email": email})).json()["items"]
    changed = await service.http.patch(f"/users/{user['id']}", json={"tier": tier})
    assert (changed.status_code, changed.json()["tier"]) == (200, tier)


async def test_every_answer_says_where_its_caller_stands(opened: Opened) -> None:
    async with opened(requests_per_minute_free=5) as service:
        ann = await service.user()
        for expected, path, status in ((4, "/projects", 200), (3, "/projects/prj_none", 404), (2, "/keys", 200)):
            answer = await ann.get(path)
            assert answer.status_code == status
            assert answer.headers["x-ratelimit-limit"] == "5"
            assert answer.headers["x-ratelimit-remaining"] == str(expected)
            assert answer.headers["ratelimit-policy"] == '"requests";q=5;w=60'
            policy, remaining, reset = answer.headers["ratelimit"].split(";")
            assert (policy, remaining) == ('"requests"', f"r={expected}")
            assert 0 < int(reset.removeprefix("t=")) <= 60
        malformed = await ann.post("/projects", content=b"{")
        assert (malformed.status_code, malformed.headers["x-ratelimit-remaining"]) == (400, "1")


async def test_one_too_many_is_a_problem_that_says_when_to_come_back(opened: Opened) -> None:
    async with opened(requests_per_minute_free=3) as service:
        ann = await service.user()
        answers = [await ann.get("/projects") for _ in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
        spent = answers[-1].json()["quota"]
        assert (spent["name"], spent["tier"], spent["limit"], spent["used"]) == ("requests_per_minute", "free", 3, 3)
        assert "the tier free" in answers[-1].json()["detail"]
        refused = answers[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "rate_limited"
        assert "3 requests" in refused.json()["detail"]
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-ratelimit-remaining"] == "0"


async def test_an_account_has_one_window_for_all_its_credentials(opened: Opened) -> None:
    """Keys cost nothing to make: one window for each would be no limit."""
    async with opened(requests_per_minute_free=6) as service:
        ann = await service.user()
        project_id = await service.project(ann)  # 1
        keys = [(await ann.post("/keys", json={"name": "k"})).json()["key"] for _ in range(2)]  # 3
        token = (await ann.post("/auth/tokens", json={"project_id": project_id})).json()["token"]  # 4
        left = [
            (await service.as_(credential).get(f"/projects/{project_id}")).headers["x-ratelimit-remaining"]
            for credential in (*keys, token)
        ]
        assert left == ["1", "0", "0"]
        assert (await service.as_(token).get(f"/projects/{project_id}")).status_code == 429
        bob = await service.user("bob@example.org")
        assert (await bob.get("/projects")).headers["x-ratelimit-remaining"] == "5"


async def test_a_tier_is_worth_its_limit_from_the_next_request_on(opened: Opened) -> None:
    limits = {"requests_per_minute_free": 2, "requests_per_minute_pro": 4, "requests_per_minute_enterprise": 0}
    async with opened(**limits) as service:
        ann = await service.user()
        assert (await ann.get("/projects")).headers["x-ratelimit-limit"] == "2"
        await set_tier(service, "pro")
        assert (await ann.get("/projects")).headers["x-ratelimit-limit"] == "4"
        await set_tier(service, "enterprise")
        answer = await ann.get("/projects")
        assert "x-ratelimit-limit" not in answer.headers
        assert "ratelimit" not in answer.headers


async def test_without_a_good_credential_an_address_is_counted(opened: Opened) -> None:
    async with opened(requests_per_minute_anonymous=4) as service:
        nobody, wrong = service.as_(None), service.as_("ro_live_nonsense")
        answers = [await nobody.get("/compositions"), await nobody.get("/projects"), await wrong.get("/projects")]
        assert [one.status_code for one in answers] == [200, 401, 401]
        assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["3", "2", "1"]
        assert answers[-1].headers["ratelimit-policy"].startswith('"anonymous"')
        assert (await wrong.get("/compositions")).status_code == 200
        assert [(await one.get("/compositions")).status_code for one in (nobody, wrong)] == [429, 429]
        assert (await service.http.get("/compositions")).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "forwarded", "remaining"),
    [
        ("", ["198.51.100.1", "198.51.100.2"], ["1", "0"]),
        ("127.0.0.1", ["198.51.100.1", "198.51.100.2"], ["1", "1"]),
        ("127.0.0.1", ["203.0.113.9, 198.51.100.1", "203.0.113.8, 198.51.100.1"], ["1", "0"]),
        ("127.0.0.0/8,10.0.0.0/8", ["198.51.100.1, 10.1.2.3", "198.51.100.1, 10.9.9.9"], ["1", "0"]),
        ("127.0.0.1", ["2001:db8:1:2::3", "2001:db8:1:2:4:5:6:7"], ["1", "0"]),
        ("127.0.0.1", ["2001:db8:1:2::3", "2001:db8:1:3::3"], ["1", "1"]),
    ],
    ids=["nobody-is-trusted", "a-proxy", "what-a-caller-adds", "two-proxies", "one-subscriber", "another-subscriber"],
)
async def test_an_address_is_believed_of_trusted_proxies_alone(
    opened: Opened, trusted: str, forwarded: list[str], remaining: list[str]
) -> None:
    proxies = tuple(trusted.split(",")) if trusted else ()
    async with opened(requests_per_minute_anonymous=2, trusted_proxies=proxies) as service:
        found = [
            await service.as_(None).get("/compositions", headers={"x-forwarded-for": address}) for address in forwarded
        ]
        assert [one.headers["x-ratelimit-remaining"] for one in found] == remaining


async def test_the_operators_token_health_metrics_and_signed_urls_are_not_counted(opened: Opened) -> None:
    async with opened(requests_per_minute_anonymous=1, requests_per_minute_enterprise=1) as service:
        nobody = service.as_(None)
        for _ in range(2):
            answers = [
                await service.http.get("/projects"),
                *[await nobody.get(path) for path in ("/health", "/readyz", "/metrics", "/storage/none")],
            ]
            assert [one.status_code for one in answers] == [200, 200, 200, 200, 403]
            assert not any("x-ratelimit-limit" in one.headers for one in answers)


async def test_a_long_poll_counts_once(opened: Opened) -> None:
    async with opened(requests_per_minute_free=3) as service:
        ann = await service.user()
        project_id = await service.project(ann)
        query = {"after": "", "wait": "0.2"}
        first = await ann.get(f"/projects/{project_id}/events", params=query)
        again = await ann.get(f"/projects/{project_id}/events", params=query | {"after": first.json()["cursor"]})
        assert [one.headers["x-ratelimit-remaining"] for one in (first, again)] == ["1", "0"]


@pytest.mark.parametrize(("choice", "status"), [("open", 200), ("closed", 503)])
async def test_without_redis_it_is_open_or_closed_as_the_settings_say(
    database_url: str, storage_dir: Path, choice: str, status: int
) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    limits = {"requests_per_minute_free": 2, "limits_without_redis": choice}
    async with open_service(database_url, nowhere, storage_dir, **limits) as service:
        _, key = await make_account(service.ctx, ["read"])
        ann = service.as_(key)
        answers = [await ann.get("/projects") for _ in range(3)]
        assert [one.status_code for one in answers] == [status] * 3
        assert not any("x-ratelimit-limit" in one.headers for one in answers)
        if status == 503:
            assert answers[0].headers["retry-after"] == "1"
        assert (await service.http.get("/projects")).status_code == 200


async def test_of_a_hundred_renders_at_once_exactly_the_days_are_accepted(opened: Opened) -> None:
    async with opened(renders_per_day_free=10) as service:
        ann = await service.user()
        projects = [await service.project(ann, name) for name in ("One", "Two")]
        answers = await asyncio.gather(
            *(ann.post(f"/projects/{projects[n % 2]}/renders", json=FILM) for n in range(100))
        )
        assert sorted(one.status_code for one in answers) == [202] * 10 + [429] * 90
        refused = next(one for one in answers if one.status_code == 429)
        assert refused.json()["code"] == "rate_limited"
        told, today = refused.json(), datetime.now(UTC).date()
        assert "the tier free allows 10 renders a day" in told["detail"]
        renews_at = datetime.fromisoformat(told["quota"].pop("renews_at"))
        assert told["quota"] == {"name": "renders_per_day", "tier": "free", "limit": 10, "used": 10}
        assert f"{renews_at:%Y-%m-%d %H:%M} UTC" in told["detail"]
        assert (renews_at.time(), renews_at.utcoffset()) == (time(), timedelta(0))
        assert renews_at.date() in (today, today + timedelta(days=1))
        assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
        made = [len((await ann.get(f"/projects/{id}/renders")).json()["items"]) for id in projects]
        assert sum(made) == 10
        assert (await ann.get("/me")).json()["limits"]["renders_today"] == 10
        bob = await service.user("bob@example.org")
        path = f"/projects/{await service.project(bob)}/renders"
        assert (await bob.post(path, json=FILM)).status_code == 202


async def test_a_render_that_is_given_again_or_refused_costs_nothing(opened: Opened) -> None:
    async with opened(renders_per_day_free=2) as service:
        ann = await service.user()
        path = f"/projects/{await service.project(ann)}/renders"
        headers = {"idempotency-key": "the-same"}
        answers = await asyncio.gather(*(ann.post(path, json=FILM, headers=headers) for _ in range(10)))
        assert {one.status_code for one in answers} == {202}
        assert (await ann.post(path, json=FILM | {"composition_id": "none"})).status_code == 422
        assert (await ann.post(path, json=FILM)).status_code == 202
        assert (await ann.post(path, json=FILM)).status_code == 429
        assert (await ann.post(path, json=FILM, headers=headers)).status_code == 202


async def test_a_socket_is_told_that_the_day_is_full_and_goes_on(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    async with serve(database_url, redis_url, storage_dir, renders_per_day_free=1) as world, world.room() as socket:
        await socket.send('{"type": "hello"}')
        for ref, expected in (("k1", "ack"), ("k2", "error"), ("k3", "error")):
            await socket.send(json.dumps({"type": "render.create", "ref": ref, "data": FILM}))
            told: dict[str, Any] = {}
            while told.get("ref") != ref:
                told = json.loads(await socket.recv())
            assert told["type"] == expected, told
        assert told["code"] == "rate_limited"


async def test_a_message_that_is_far_too_long_is_not_read(world: World) -> None:
    async with world.room() as socket:
        await socket.send('{"type": "hello"}')
        await world.members(1)
        await socket.send("x" * (frames.MAX_READ_BYTES + 1))
        await socket.wait_closed()
        assert socket.close_code == 1009
    await world.members(0)


async def test_yesterdays_renders_do_not_count_today(opened: Opened) -> None:
    async with opened(renders_per_day_free=1) as service:
        ann = await service.user()
        path = f"/projects/{await service.project(ann)}/renders"
        assert [(await ann.post(path, json=FILM)).status_code for _ in range(2)] == [202, 429]
        await service.ctx.db.execute("UPDATE render_days SET day = day - 1, id = user_id || ':yesterday'")
        assert (await ann.post(path, json=FILM)).status_code == 202


async def test_an_account_is_told_its_limits(opened: Opened) -> None:
    limits: dict[str, Any] = {"requests_per_minute_free": 60, "renders_per_day_free": 10}
    async with opened(**limits) as service:
        told = (await (await service.user()).get("/me")).json()["limits"]
        assert told == {"requests_per_minute": 60, "renders_per_day": 10, "renders_today": 0}
        told = (await service.http.get("/me")).json()["limits"]
        assert told == {"requests_per_minute": None, "renders_per_day": None, "renders_today": None}

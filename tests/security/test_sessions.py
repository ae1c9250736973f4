"""Sessions in browsers: whose they are, where they come from, how they end; and how passwords are tried."""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio
from argon2 import PasswordHasher
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from renderowl.security import passwords
from renderowl.testing.service import BASE_URL, Service, open_service
from renderowl.testing.serving import ORIGIN, World

ANN = {"email": "ann@example.org", "password": "correct horse battery"}
Opened = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def opened(database_url: str, redis_url: str, storage_dir: Path) -> Opened:
    """A function that opens the API with these settings."""
    return lambda **settings: open_service(database_url, redis_url, storage_dir, **settings)


@pytest.fixture(autouse=True)
def light_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are tried by the dozen here; argon2 at its full price would say nothing more."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


async def logged_in(service: Service, cookie: str = "") -> str:
    """Ann logs in with this cookie in her browser; the cookie she has then."""
    headers = {"cookie": cookie} if cookie else {}
    answer = await service.as_(None).post("/auth/login", json=ANN, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


async def status(service: Service, cookie: str) -> int:
    return (await service.as_(None).get("/me", headers={"cookie": cookie})).status_code


async def test_logging_in_gives_a_new_session_and_ends_the_one_the_browser_had(service: Service) -> None:
    await service.user(ANN["email"])
    planted = await logged_in(service)
    fresh = await logged_in(service, planted)
    assert fresh != planted
    assert (await status(service, planted), await status(service, fresh)) == (401, 200)


async def test_a_session_that_somebody_planted_is_worth_nothing_after_the_login(service: Service) -> None:
    """Fixation: Eve leaves her session in Ann's browser and waits; what Ann then does is not in Eve's account."""
    await service.user(ANN["email"])
    eve = await service.user("eve@example.org")
    planted = f"renderowl_session={str(eve.headers['authorization']).removeprefix('Bearer ')}"
    anns = await logged_in(service, planted)
    assert (await service.as_(None).get("/me", headers={"cookie": anns})).json()["email"] == ANN["email"]
    assert await status(service, planted) == 401


async def test_logging_out_ends_the_session_and_takes_the_cookie_back(service: Service) -> None:
    await service.user(ANN["email"])
    cookie = await logged_in(service)
    headers = {"cookie": cookie, "origin": BASE_URL}
    answer = await service.as_(None).post("/auth/logout", headers=headers)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await status(service, cookie) == 401


async def test_under_https_the_cookie_is_secure_and_of_this_host_alone(opened: Opened) -> None:
    async with opened(public_url="https://render.example") as service:
        await service.user(ANN["email"])
        answer = await service.as_(None).post("/auth/login", json=ANN)
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-renderowl_session=")
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(attributes)
        assert not any(attribute.lower().startswith("domain") for attribute in attributes)
        assert await status(service, name) == 200
        assert await status(service, name.removeprefix("__Host-")) == 401


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", f"{BASE_URL}.evil.example", "http://sub.testserver"]
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/projects", {"name": "x"}),
        ("POST", "/keys", {"name": "x"}),
        ("POST", "/ws/tickets", {"project_id": "prj_1"}),
        ("POST", "/auth/logout", None),
        ("DELETE", "/projects/prj_1", None),
    ],
)
async def test_another_sites_page_writes_nothing_with_the_cookie(
    service: Service, origin: str | None, method: str, path: str, body: Any
) -> None:
    await service.user(ANN["email"])
    cookie = await logged_in(service)
    headers = {"cookie": cookie, "content-type": "text/plain"} | ({} if origin is None else {"origin": origin})
    answer = await service.as_(None).request(method, path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await status(service, cookie) == 200


async def test_a_login_takes_the_same_work_whether_or_not_the_address_is_known(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: argon2 is all but a thousandth of a login's time."""
    await service.user(ANN["email"])
    work: list[str] = []
    real = passwords._hasher

    class Counting:
        check_needs_rehash = staticmethod(real.check_needs_rehash)

        def hash(self, password: bytes) -> str:
            work.append("argon2")
            return real.hash(password)

        def verify(self, stored: str, password: bytes) -> bool:
            work.append("argon2")
            return bool(real.verify(stored, password))

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for email in (ANN["email"], "nobody@example.org"):
        work.clear()
        answer = await service.as_(None).post("/auth/login", json={"email": email, "password": "wrong wrong"})
        assert (answer.status_code, work) == (401, ["argon2"])


async def tried(service: Service, email: str, count: int, **headers: str) -> list[httpx.Response]:
    body = {"email": email, "password": "not the password"}
    return list(
        await asyncio.gather(*(service.as_(None).post("/auth/login", json=body, headers=headers) for _ in range(count)))
    )


@pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org"])
async def test_an_account_is_tried_so_often_from_wherever_and_then_not_even_with_the_right_password(
    opened: Opened, email: str
) -> None:
    async with opened(logins_per_account=5, trusted_proxies=("127.0.0.1",)) as service:
        await service.user(ANN["email"])
        answers = [
            (await tried(service, email.upper() if n % 2 else email, 1, **{"x-forwarded-for": f"198.51.100.{n}"}))[0]
            for n in range(8)
        ]
        assert [one.status_code for one in answers] == [401] * 5 + [429] * 3
        assert answers[-1].json()["code"] == "rate_limited"
        assert 0 < int(answers[-1].headers["retry-after"]) <= 300
        right = await service.as_(None).post("/auth/login", json=ANN | {"email": email})
        assert right.status_code == 429


async def test_attempts_at_once_are_counted_one_by_one(opened: Opened) -> None:
    async with opened(logins_per_account=5) as service:
        await service.user(ANN["email"])
        answers = await tried(service, ANN["email"], 20)
        assert sorted(one.status_code for one in answers) == [401] * 5 + [429] * 15


async def test_whoever_comes_in_begins_anew(opened: Opened) -> None:
    async with opened(logins_per_account=3) as service:
        await service.user(ANN["email"])
        for _ in range(3):
            assert [one.status_code for one in await tried(service, ANN["email"], 2)] == [401, 401]
            await logged_in(service)


async def test_an_address_tries_so_many_accounts(opened: Opened) -> None:
    async with opened(logins_per_address=5) as service:
        answers = [(await tried(service, f"user{n}@example.org", 1))[0] for n in range(7)]
        assert [one.status_code for one in answers] == [401] * 5 + [429] * 2


async def test_an_address_registers_so_many(opened: Opened) -> None:
    async with opened(registrations_per_address=3) as service:
        made = [
            await service.as_(None).post("/auth/register", json=ANN | {"email": f"{n}@example.org"}) for n in range(5)
        ]
        assert [one.status_code for one in made] == [201] * 3 + [429] * 2


async def test_redis_is_told_no_address_of_a_person(opened: Opened, redis_url: str) -> None:
    async with opened(logins_per_account=5) as service, redis.asyncio.Redis.from_url(redis_url) as server:
        await tried(service, ANN["email"], 1)
        keys = [key.decode() for key in await server.keys("renderowl:limits:*")]
        assert keys
        assert not any("ann" in key or "@" in key for key in keys)


@pytest.mark.parametrize("origin", [None, ORIGIN, "https://evil.example"])
async def test_a_cookie_opens_no_socket(world: World, origin: str | None) -> None:
    """Browsers send it with every handshake, whoever's page asks: a page of ours gets a ticket instead."""
    token, _ = world.ctx.tokens.mint(world.principal.user_id, ["read", "write"], ttl_s=3600)
    headers = {"Cookie": f"renderowl_session={token}"}
    url = f"ws{world.http_url.removeprefix('http')}/ws/projects/{world.project.id}/renders"
    async with connect(
        url,
        additional_headers=headers,
        subprotocols=[Subprotocol("renderowl.v1")],
        origin=None if origin is None else Origin(origin),
    ) as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.send('{"type": "hello"}')
        await socket.wait_closed()
        assert socket.close_code == (4403 if origin == "https://evil.example" else 4401)
    async with httpx.AsyncClient(base_url=world.http_url, headers=headers) as http:
        assert (await http.get("/me")).status_code == 200

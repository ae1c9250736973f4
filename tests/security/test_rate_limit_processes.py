"""One key against several API processes: together they let in exactly what one may, and count all that was asked."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from renderowl.services import usage
from renderowl.testing.deployment import Deployment, open_deployment
from renderowl.testing.serving import make_account

LIMIT = 60
PROCESSES = 4
ASKED = 200


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as deployment:
        yield deployment


async def test_four_processes_let_in_exactly_the_limit_of_one_key(deployment: Deployment) -> None:
    principal, key = await make_account(deployment.ctx, ["read", "write"])
    started = await asyncio.gather(*(deployment.api(requests_per_minute_free=LIMIT) for _ in range(PROCESSES)))
    ports = [port for _, port in started]
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, limits=httpx.Limits(max_connections=32)) as http:

        async def ask(number: int) -> tuple[float, httpx.Response]:
            answer = await http.get(f"http://127.0.0.1:{ports[number % PROCESSES]}/projects")
            return time.monotonic(), answer

        began = time.monotonic()
        answers = await asyncio.gather(*(ask(number) for number in range(ASKED)))
    assert {answer.status_code for _, answer in answers} == {200, 429}
    within = [answer for at, answer in answers if at < began + 60]
    admitted = [answer for answer in within if answer.status_code == 200]
    assert len(within) > LIMIT, "this machine cannot ask often enough within the window"
    assert len(admitted) == LIMIT
    assert sorted(int(one.headers["x-ratelimit-remaining"]) for one in admitted)[0] == 0
    assert {answer.url.port for answer in admitted} == set(ports)

    for program, _ in started:
        program.send(signal.SIGTERM)
    await asyncio.gather(*(program.ended() for program, _ in started))
    used = await usage.of_key(deployment.ctx, principal, principal.credential_id, days=2)
    refused = sum(answer.status_code == 429 for _, answer in answers)
    assert (used.requests, used.errors) == (ASKED, refused)

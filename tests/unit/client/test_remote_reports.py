"""A remote worker's reports: signed as the server verifies them, numbered upwards, given up on without harm."""

from collections.abc import Callable

import httpx
import msgspec
import pytest

from renderowl.api.reports import SIGNATURE_HEADER
from renderowl.client.problem import Problem
from renderowl.client.reports import PATH, RemoteReporter, sign_report
from renderowl.security.webhooks import verify_webhook

KEY = "5f" * 32


def reporter(answer: Callable[[httpx.Request], httpx.Response]) -> RemoteReporter:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://testserver")
    return RemoteReporter(http, key=KEY, step_id="stp_1", attempt=2)


def test_the_worker_signs_as_the_server_verifies() -> None:
    header = sign_report(KEY, b"{}", now=1_700_000_000.9)
    assert verify_webhook([KEY.encode()], header, b"{}", now=1_700_000_000) == 1_700_000_000


async def test_a_report_is_signed_and_each_has_a_higher_number() -> None:
    said = []

    def take(request: httpx.Request) -> httpx.Response:
        assert request.url.path == PATH
        verify_webhook([KEY.encode()], request.headers[SIGNATURE_HEADER], request.content)
        said.append(msgspec.json.decode(request.content))
        return httpx.Response(200, json={"accepted": True})

    remote = reporter(take)
    assert [await remote.report(done, frames=3) for done in (0.1, 0.2, 0.3)] == [True] * 3
    assert said[0] == {"step_id": "stp_1", "attempt": 2, "n": said[0]["n"], "done": 0.1, "frames": 3}
    assert said[0]["n"] < said[1]["n"] < said[2]["n"] <= 2**53


async def test_a_server_that_is_away_costs_a_report_and_no_more() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    assert await reporter(away).report(0.1) is False
    assert await reporter(lambda _: httpx.Response(503)).report(0.1) is False


async def test_a_lost_claim_is_told() -> None:
    problem = {"status": 409, "code": "conflict", "detail": "this claim does not hold any more"}
    with pytest.raises(Problem, match="does not hold"):
        await reporter(lambda _: httpx.Response(409, json=problem)).report(0.1)

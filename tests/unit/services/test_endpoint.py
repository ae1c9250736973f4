"""A RunPod-shaped endpoint: what its answers mean, and that its key goes nowhere else."""

from typing import Any

import msgspec
import pytest

from renderowl import settings
from renderowl.services.endpoint import Endpoint, EndpointForgot, EndpointRefused, EndpointSilent, Look, in_short
from renderowl.testing.origin import Origin, open_origin, page, redirect


def endpoint(origin: Origin) -> Endpoint:
    return Endpoint(settings.load({}, remote_endpoint=origin.url + "/v2/abc/", remote_api_key="rpa_key"))


def told(**said: Any) -> Any:
    return page(msgspec.json.encode(said))


async def run(origin: Origin) -> str:
    return await endpoint(origin).run({"order_url": "x"}, webhook="w", execution_timeout_s=60, lifetime_s=90)


async def test_a_submission_is_asked_for_as_runpod_has_it(origin: Origin) -> None:
    origin.put("/v2/abc/run", told(id="eaebd6e7-u1", status="IN_QUEUE"))
    assert await run(origin) == "eaebd6e7-u1"
    (asked,) = origin.asked
    assert asked.method == "POST"
    assert asked.headers["authorization"] == "Bearer rpa_key"
    assert msgspec.json.decode(asked.body) == {
        "input": {"order_url": "x"},
        "webhook": "w",
        "policy": {"executionTimeout": 60_000, "ttl": 90_000},
    }


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429])
async def test_what_was_refused_was_not_submitted(origin: Origin, status: int) -> None:
    origin.put("/v2/abc/run", page(b"{}", status=status))
    with pytest.raises(EndpointRefused):
        await run(origin)
    assert len(origin.asked) == 1


@pytest.mark.parametrize(
    "say",
    [
        page(b"{}", status=500),
        page(b"{}", status=502),
        page(b"{}", status=408),
        page(b"no JSON"),
        page(b"[]"),
        told(status="IN_QUEUE"),
        told(id="../../purge-queue"),
        told(id=".."),
        redirect("/elsewhere"),
    ],
)
async def test_after_any_other_answer_nobody_knows_and_nothing_is_repeated(origin: Origin, say: Any) -> None:
    origin.put("/v2/abc/run", say)
    with pytest.raises(EndpointSilent):
        await run(origin)
    assert len(origin.asked) == 1


async def test_nobody_listening_is_an_unknown_too(origin: Origin) -> None:
    absent = Endpoint(settings.load({}, remote_endpoint="http://127.0.0.1:1"))
    with pytest.raises(EndpointSilent):
        await absent.status("a")


async def test_a_redirect_does_not_carry_the_key_away(origin: Origin) -> None:
    async with open_origin() as other:
        other.put("/", told(id="a", status="COMPLETED"))
        origin.put("/v2/abc/status/a", redirect(other.url + "/"))
        with pytest.raises(EndpointSilent):
            await endpoint(origin).status("a")
        assert other.asked == []


@pytest.mark.parametrize(
    ("status", "state", "over"),
    [
        ("IN_QUEUE", "waiting", False),
        ("IN_PROGRESS", "executing", False),
        ("COMPLETED", "completed", True),
        ("FAILED", "failed", True),
        ("CANCELLED", "cancelled", True),
        ("TIMED_OUT", "timed_out", True),
        ("SOMETHING_NEW", "unknown", False),
    ],
)
async def test_every_status_has_its_meaning(origin: Origin, status: str, state: str, over: bool) -> None:
    origin.put("/v2/abc/status/a", told(id="a", status=status, delayTime=1500, executionTime=2250, output={"x": 1}))
    look = await endpoint(origin).status("a")
    assert look == Look(state, {"x": 1}, None, 1.5, 2.25)  # type: ignore[arg-type]  # mypy sees a str
    assert look.over is over


async def test_what_is_not_there_any_more_is_forgotten(origin: Origin) -> None:
    with pytest.raises(EndpointForgot):
        await endpoint(origin).status("a")


@pytest.mark.parametrize("remote_id", ["../run", "a/b", "", "a?b"])
async def test_no_id_leads_to_another_operation(origin: Origin, remote_id: str) -> None:
    with pytest.raises(EndpointForgot):
        await endpoint(origin).status(remote_id)
    assert origin.asked == []


def test_what_handlers_say_is_shown_in_short() -> None:
    assert in_short("a\n  b\x00c") == "a b c"
    assert in_short({"error_type": "X"}) == '{"error_type":"X"}'
    assert len(in_short("x" * 10_000)) == 500

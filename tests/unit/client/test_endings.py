"""What the end of a connection makes a client do, on every transport alike."""

import ssl

import pytest

from renderowl.client.endings import SaidError, of_answer, of_close, of_failure
from renderowl.client.ladder import Fault

PROBLEM = {"content-type": "application/problem+json"}


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (4400, Fault.REFUSED),
        (4401, Fault.EXPIRED),
        (4403, Fault.REFUSED),
        (4404, Fault.REFUSED),
        (4408, Fault.TOLD),
        (4429, Fault.TOLD),
        (1012, Fault.TOLD),
        (1013, Fault.TOLD),
        (1000, Fault.BROKEN),
        (1001, Fault.BROKEN),
        (4999, Fault.BROKEN),
        (None, Fault.BROKEN),
    ],
)
def test_a_close_code_says_what_to_do(code: int | None, fault: Fault) -> None:
    end = of_close(code, "", None)
    assert (end.fault, end.deploying) == (fault, code == 1012)
    assert (end.problem is not None) == (fault in (Fault.REFUSED, Fault.EXPIRED))


def test_what_was_said_before_a_close_is_the_problem() -> None:
    end = of_close(4403, "reason", SaidError("forbidden", "lacks read"))
    assert end.problem is not None
    assert (end.problem.status, end.problem.code, end.problem.detail) == (403, "forbidden", "lacks read")


def test_too_many_waits_as_long_as_it_is_told() -> None:
    assert of_close(4429, "", SaidError("rate_limited", "", retry_after_s=7.5)).least_s == 7.5
    assert of_close(4429, "", None).least_s == 1.0
    assert of_answer(429, {"retry-after": "3"}, b"").least_s == 3


@pytest.mark.parametrize(
    ("status", "headers", "fault"),
    [
        (401, PROBLEM, Fault.EXPIRED),
        (403, PROBLEM, Fault.REFUSED),
        (404, PROBLEM, Fault.REFUSED),
        (422, PROBLEM, Fault.REFUSED),
        (429, PROBLEM, Fault.TOLD),
        (500, PROBLEM, Fault.AWAY),
        (503, PROBLEM, Fault.AWAY),
        (502, {}, Fault.AWAY),
        (403, {"content-type": "text/html"}, Fault.UNFIT),
        (407, {}, Fault.UNFIT),
        (426, {}, Fault.UNFIT),
        (200, {"content-type": "text/html"}, Fault.UNFIT),
    ],
)
def test_only_a_problem_document_is_the_servers_word(status: int, headers: dict[str, str], fault: Fault) -> None:
    end = of_answer(status, headers, b'{"code":"not_found"}')
    assert end.fault is fault
    assert (end.problem is not None) == (fault in (Fault.REFUSED, Fault.EXPIRED))


def test_a_server_says_when_it_will_be_back() -> None:
    assert of_answer(503, {"retry-after": "4"}, b"").least_s == 4
    assert of_answer(503, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, b"").least_s == 0


def test_a_certificate_that_is_not_trusted_is_not_asked_again() -> None:
    assert of_failure(ConnectionRefusedError()).fault is Fault.AWAY
    wrapped = ConnectionError()
    wrapped.__cause__ = ssl.SSLCertVerificationError("self-signed")
    assert of_failure(wrapped).fault is Fault.REFUSED

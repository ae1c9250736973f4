"""What the end of a connection means: close codes and HTTP statuses to the one vocabulary of `ladder.End`."""

import ssl
from collections.abc import Mapping
from typing import Final

import msgspec

from renderowl.client.ladder import End, Fault
from renderowl.client.problem import Problem

CLOSE_FAULTS: Final[Mapping[int, Fault]] = {
    4400: Fault.REFUSED,
    4401: Fault.EXPIRED,
    4403: Fault.REFUSED,
    4404: Fault.REFUSED,
    4408: Fault.TOLD,
    4429: Fault.TOLD,
    1012: Fault.TOLD,
    1013: Fault.TOLD,
}
"""The server's own close codes; every other is a break."""

_DEPLOYING: Final = 1012
_PAUSE_S: Final = 1.0
_AWAY: Final = frozenset({500, 502, 503, 504})


class SaidError(msgspec.Struct, frozen=True):
    """An `error` message, which says why a close follows."""

    code: str = "closed"
    message: str = ""
    retryable: bool = False
    retry_after_s: float | None = None
    errors: list[dict[str, str]] = []


def of_close(code: int | None, reason: str, said: SaidError | None) -> End:
    """The end of a socket; `code` is None when it just broke."""
    fault = CLOSE_FAULTS.get(code or 0, Fault.BROKEN)
    why = f"{code} {reason if said is None else said.message}".rstrip()
    if fault is Fault.BROKEN:
        return End(fault, why)
    document = {"status": (code or 0) % 1000, **msgspec.to_builtins(said or SaidError(message=reason))}
    if fault is not Fault.TOLD:
        return End(fault, why, Problem(document))
    least_s = (said.retry_after_s if said is not None else None) or (_PAUSE_S if code == 4429 else 0.0)
    return End(fault, why, least_s=least_s, deploying=code == _DEPLOYING)


def of_answer(status: int, headers: Mapping[str, str], body: bytes) -> End:
    """An HTTP answer that is not what was asked for. Only a problem document is the server's own word."""
    why = f"HTTP {status}"
    least_s = _seconds(headers.get("retry-after", ""))
    if status in _AWAY:
        return End(Fault.AWAY, why, least_s=least_s)
    if status == 429:
        return End(Fault.TOLD, why, least_s=least_s or _PAUSE_S)
    if not headers.get("content-type", "").startswith("application/problem+json"):
        return End(Fault.UNFIT, why)
    problem = Problem.of(status, body)
    return End(Fault.EXPIRED if status == 401 else Fault.REFUSED, f"{why} {problem}", problem)


def of_failure(error: BaseException) -> End:
    """A connection that could not be made. A server whose certificate is not trusted is not asked again."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            problem = Problem({"code": "untrusted_certificate", "detail": str(cause)})
            return End(Fault.REFUSED, str(cause), problem)
        cause = cause.__cause__ or cause.__context__
    return End(Fault.AWAY, f"{type(error).__name__}: {error}".rstrip(": "))


def _seconds(retry_after: str) -> float:
    """`Retry-After` in seconds; a date is left to backing off."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0

"""A RunPod-shaped endpoint: work is submitted, asked after and called back over HTTP.

Its operations are those of RunPod's queue-based serverless endpoints: `POST /run`, `GET /status/{id}`, `POST
/cancel/{id}` with a bearer token. What is worth knowing of them: an id is told once, in the answer to `/run`, and there
is no list of what was submitted; results are kept for 30 minutes; a webhook is told once more or less, if at all.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import httpx
import msgspec

from renderowl.security.addresses import Places, Refused
from renderowl.security.outbound import Bounds, Outbound, TooLarge, Unreachable
from renderowl.settings import Settings

State = Literal["waiting", "executing", "completed", "failed", "cancelled", "timed_out", "unknown"]

_STATES: Final[Mapping[str, State]] = {
    "IN_QUEUE": "waiting",
    "IN_PROGRESS": "executing",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "TIMED_OUT": "timed_out",
}
_REMOTE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_BOUNDS: Final = Bounds(max_bytes=4 * 1024**2, total_s=10.0, redirects=0)
"""Redirects are not followed: the API key would go with them."""
_MOST_TOLD: Final = 500
_SURELY_NOT: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""Answers to a submission after which nothing was submitted. After any other it may have been."""


class EndpointRefused(Exception):
    """The endpoint answered that it does not do this."""


class EndpointSilent(Exception):
    """There is no answer that says anything: what was asked may have been done or not."""


class EndpointForgot(Exception):
    """The endpoint knows nothing of this id, or nothing any more."""


class Look(msgspec.Struct, frozen=True):
    """What the endpoint says of a submission. `output` and `error` are the handler's own words."""

    state: State
    output: Any = None
    error: Any = None
    delay_s: float = 0.0
    execution_s: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in ("waiting", "executing", "unknown")


class _Told(msgspec.Struct, rename={"delay_ms": "delayTime", "execution_ms": "executionTime"}):
    id: str = ""
    status: str = ""
    output: Any = None
    error: Any = None
    delay_ms: float | None = None
    execution_ms: float | None = None


_told: Final = msgspec.json.Decoder(_Told)


class Endpoint:
    """The operations of one endpoint. Connections go to its host and to no other; nothing is asked twice by itself."""

    def __init__(self, settings: Settings) -> None:
        settings.require("remote_endpoint")
        self._url = settings.remote_endpoint.rstrip("/")
        host = httpx.URL(self._url).raw_host.decode("ascii").lower().removesuffix(".")
        self._outbound = Outbound(Places(allow=(host,), ports=(), plain=True))
        self._headers = {"Content-Type": "application/json"}
        if settings.remote_api_key:
            self._headers["Authorization"] = f"Bearer {settings.remote_api_key}"

    async def run(
        self, input: Mapping[str, Any], *, webhook: str, execution_timeout_s: float, lifetime_s: float
    ) -> str:
        """Submit work and return the endpoint's id of it.

        Raises EndpointRefused when it surely was not submitted, EndpointSilent when nobody knows.
        """
        policy = {"executionTimeout": round(execution_timeout_s * 1000), "ttl": round(lifetime_s * 1000)}
        status, body = await self._ask("POST", "/run", {"input": input, "webhook": webhook, "policy": policy})
        if status in _SURELY_NOT:
            raise EndpointRefused(f"the endpoint answered {status}")
        told = _read(status, body)
        if not _REMOTE_ID.fullmatch(told.id):
            raise EndpointSilent("the endpoint told no id")
        return told.id

    async def status(self, remote_id: str) -> Look:
        """How a submission is. Raises EndpointForgot, EndpointSilent."""
        status, body = await self._ask("GET", f"/status/{checked_id(remote_id)}")
        if status in (404, 410):
            raise EndpointForgot("the endpoint does not know it any more")
        told = _read(status, body)
        return Look(
            _STATES.get(told.status, "unknown"),
            told.output,
            told.error,
            max(0.0, told.delay_ms or 0.0) / 1000,
            max(0.0, told.execution_ms or 0.0) / 1000,
        )

    async def cancel(self, remote_id: str) -> None:
        """Ask that a submission be stopped; one that is over stays as it is. Raises EndpointSilent."""
        status, _ = await self._ask("POST", f"/cancel/{checked_id(remote_id)}")
        if status >= 500:
            raise EndpointSilent(f"the endpoint answered {status}")

    async def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        content = b"" if body is None else msgspec.json.encode(body)
        try:
            async with self._outbound.open(
                method, self._url + path, _BOUNDS, headers=self._headers, content=content
            ) as answer:
                return answer.status, b"".join([chunk async for chunk in answer.body])
        except (Refused, Unreachable, TooLarge) as problem:
            raise EndpointSilent(f"the endpoint cannot be asked: {problem}") from None


def checked_id(remote_id: str) -> str:
    """An id as it may stand in a path. Raises EndpointForgot for what is none."""
    if not _REMOTE_ID.fullmatch(remote_id):
        raise EndpointForgot("that is no id of the endpoint's")
    return remote_id


def is_remote_id(text: str) -> bool:
    """Whether this looks like an id that an endpoint gives."""
    return _REMOTE_ID.fullmatch(text) is not None


def in_short(told: Any) -> str:
    """What a handler or an endpoint says of an error, as far as it is shown."""
    text = told if isinstance(told, str) else msgspec.json.encode(told).decode()
    return " ".join(text.replace("\x00", " ").split())[:_MOST_TOLD]


def _read(status: int, body: bytes) -> _Told:
    if not 200 <= status < 300:
        raise EndpointSilent(f"the endpoint answered {status}")
    try:
        return _told.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise EndpointSilent("the endpoint's answer cannot be read") from None

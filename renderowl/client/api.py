"""Requests to the API: the credential, problem documents, and asking again what may be asked again."""

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import httpx
import msgspec

from renderowl.client.credential import Bearer, Credential, TokenSource
from renderowl.client.problem import Problem

_BACKOFF_S: Final = (0.1, 5.0)
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})

Answer = TypeVar("Answer")


class Api:
    """One server, one credential, one pool of connections."""

    def __init__(self, base_url: str, source: TokenSource, *, timeout_s: float) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"the server's address must begin with http:// or https://, not {base_url!r}")
        self.base_url: Final = base_url.rstrip("/")
        self.credential: Final = Credential(source)
        self.http: Final = httpx.AsyncClient(
            base_url=self.base_url,
            auth=Bearer(self.credential),
            timeout=timeout_s,
            transport=httpx.AsyncHTTPTransport(retries=2),
        )

    async def call(
        self,
        answer_type: type[Answer],
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience_s: float = 0.0,
    ) -> Answer:
        """Send a request, again for `patience_s` while it seems lost. Raises Problem, httpx.TransportError."""
        content = None if body is None else msgspec.json.encode(body)
        sent = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
        give_up_at = time.monotonic() + patience_s
        pause_s, longest_s = _BACKOFF_S
        while True:
            try:
                answer = await self.http.request(method, path, content=content, headers=sent)
                if not answer.is_error:
                    return msgspec.json.decode(answer.content, type=answer_type)
                problem = Problem.of(answer.status_code, answer.content)
                if time.monotonic() >= give_up_at or not is_lost(problem):
                    raise problem
            except httpx.TransportError:
                if time.monotonic() >= give_up_at:
                    raise
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause_s)  # noqa: S311 - jitter
            pause_s = min(longest_s, pause_s * 2)


def is_lost(problem: Problem) -> bool:
    """True for an answer that says nothing about the request but that it should be sent again."""
    return problem.status in _AGAIN

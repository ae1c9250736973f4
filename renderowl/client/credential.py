"""Who the client is: a key that stays, or a function that gives a new token whenever one is needed."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx

TokenSource = str | Callable[[], str | Awaitable[str]]


class Credential:
    """The key or token in use. Askers that need a new one at the same time are given the same."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._token = source if isinstance(source, str) else None
        self._asking = asyncio.Lock()

    @property
    def current(self) -> str | None:
        """The token in use, if one was asked for yet."""
        return self._token

    async def get(self) -> str:
        """The token in use; the first one is asked for now."""
        return self._token or await self.renew(None) or ""

    async def renew(self, old: str | None) -> str | None:
        """A token that is not `old`, or None when the source has no other."""
        async with self._asking:
            if callable(self._source) and self._token == old:
                given = self._source()
                self._token = await given if inspect.isawaitable(given) else given
            return None if self._token == old else self._token


class Bearer(httpx.Auth):
    """Puts the token into every request, and a new one into a request that was refused for the old one."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See httpx.Auth."""
        token = await self._credential.get()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and (newer := await self._credential.renew(token)):
            request.headers["Authorization"] = f"Bearer {newer}"
            yield request

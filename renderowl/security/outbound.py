"""The only way out: HTTP to places that were checked, within limits, following no proxy and nobody's redirect unseen.

A name is resolved once for a connection, and the connection is made to an address that was found good: a name that
changes its mind between the check and the connection changes nothing. TLS is checked against the name.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

import httpcore
import httpx
import msgspec
import structlog

from renderowl.security.addresses import Places, Refused, Target
from renderowl.settings import Settings

log = structlog.get_logger(__name__)

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name, best first."""

USER_AGENT: Final = "RenderOwl"
_MOST_SAID: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Unreachable(Exception):
    """The other side could not be asked, or did not answer to the end; it may another time."""


class TooLarge(Exception):
    """The answer is larger than allowed."""


class Bounds(msgspec.Struct, frozen=True):
    """What an exchange may take. `silence_s` is how long nothing may come, `total_s` the whole with all redirects."""

    max_bytes: int
    total_s: float
    connect_s: float = 10.0
    silence_s: float = 30.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is as it was sent, nothing is unpacked; reading it may raise Unreachable and TooLarge."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: AsyncIterator[bytes]
    size_bytes: int | None
    """As announced; the body has neither more nor less."""


class Outbound:
    """Makes requests. Connections are not kept: each is made to an address that was checked for it."""

    def __init__(
        self,
        places: Places,
        *,
        resolve: Resolve | None = None,
        backend: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.places = places
        self._backend = _CheckedBackend(places, resolve or _addresses, backend or httpcore.AnyIOBackend())
        self._tls = tls

    @contextlib.asynccontextmanager
    async def open(
        self, method: str, url: str, bounds: Bounds, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> AsyncIterator[Answer]:
        """The answer to one request, GETs redirected as often as the bounds allow; its body is read within the block.

        Raises Refused before anything is sent to where it may not be, Unreachable and TooLarge.
        """
        if self._tls is None:
            self._tls = await asyncio.to_thread(httpx.create_ssl_context)
        try:
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(asyncio.timeout(bounds.total_s))
                pool = await stack.enter_async_context(
                    httpcore.AsyncConnectionPool(self._tls, max_keepalive_connections=0, network_backend=self._backend)
                )
                answer = await self._ask(stack, pool, method, url, bounds, headers or {}, content)
                yield answer
        except TimeoutError as error:
            raise Unreachable(f"it took longer than {bounds.total_s:g} s") from error
        except httpcore.TimeoutException as error:
            raise Unreachable("it did not answer in time") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise Unreachable(_sentence(error)) from error

    async def _ask(
        self,
        stack: contextlib.AsyncExitStack,
        pool: httpcore.AsyncConnectionPool,
        method: str,
        url: str,
        bounds: Bounds,
        headers: Mapping[str, str],
        content: bytes,
    ) -> Answer:
        waits = {"connect": bounds.connect_s, "read": bounds.silence_s, "write": bounds.silence_s, "pool": None}
        for left in range(bounds.redirects, -1, -1):
            target = self.places.target(url)
            exchange = contextlib.AsyncExitStack()
            response = await exchange.enter_async_context(
                pool.stream(
                    method,
                    httpcore.URL(
                        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path
                    ),
                    headers=_headers(target, headers),
                    content=content or None,
                    extensions={"timeout": waits},
                )
            )
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if method == "GET" and response.status in _REDIRECTS and "location" in told:
                await exchange.aclose()
                if not left:
                    raise Unreachable(f"it redirects more than {bounds.redirects} times")
                url = _next(url, target, told["location"])
                continue
            stack.push_async_exit(exchange)
            announced = told.get("content-length", "")
            size_bytes = int(announced) if announced.isascii() and announced.isdigit() else None
            if size_bytes is not None and size_bytes > bounds.max_bytes:
                raise TooLarge(f"it has {size_bytes} bytes; the limit is {bounds.max_bytes}")
            return Answer(response.status, told, _bounded(response, bounds.max_bytes), size_bytes)
        raise AssertionError("the last round returns or raises")


def open_outbound(settings: Settings) -> Outbound:
    """The way out as the settings have it."""
    return Outbound(
        Places(allow=settings.outbound_allow, ports=settings.outbound_ports, plain=settings.outbound_plain_http)
    )


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, never to names."""

    def __init__(self, places: Places, resolve: Resolve, inner: httpcore.AsyncNetworkBackend) -> None:
        self._places = places
        self._resolve = resolve
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of the host that may be reached and can be. Raises Refused if none may."""
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("its name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("its name cannot be resolved") from error
        good = [address for address in found if self._places.allows(host, address, port)]
        if not good:
            log.warning("outbound_refused", host=host, addresses=found)
            raise Refused("names a host that may not be reached from here")
        for address in good[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._inner.connect_tcp(good[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _addresses(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def _bounded(response: httpcore.Response, max_bytes: int) -> AsyncIterator[bytes]:
    taken = 0
    async for chunk in response.aiter_stream():
        taken += len(chunk)
        if taken > max_bytes:
            raise TooLarge(f"it has more than {max_bytes} bytes")
        yield chunk


def _headers(target: Target, more: Mapping[str, str]) -> list[tuple[str, str]]:
    usual = 443 if target.scheme == "https" else 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    host += "" if target.port == usual else f":{target.port}"
    return [("Host", host), ("User-Agent", USER_AGENT), ("Accept-Encoding", "identity"), *more.items()]


def _next(url: str, target: Target, location: str) -> str:
    """Where a redirect leads; what began under TLS stays there."""
    try:
        following = urljoin(url, location)
    except ValueError:
        raise Refused("redirects to something that is no URL") from None
    if target.scheme == "https" and not following.lower().startswith("https:"):
        raise Refused("redirects from https to something else")
    return following


def _sentence(error: Exception) -> str:
    said = str(error).strip()[:_MOST_SAID]  # it may quote the other side at length
    return f"the connection failed: {said}" if said else "the connection failed"

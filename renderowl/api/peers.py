"""Where a request comes from: the address that limits count by, and whether a proxy of ours sent it."""

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from litestar.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_IPV6_SITE: Final = 64
"""Bits of an IPv6 address that stand for one subscriber, who has all addresses below them."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(trusted: Sequence[str]) -> tuple[Network, ...]:
    """The networks of RENDEROWL_TRUSTED_PROXIES."""
    return tuple(ipaddress.ip_network(one) for one in trusted)


def comes_from(scope: Any, trusted: Sequence[Network]) -> bool:
    """Tell whether the peer of this connection is in one of the networks."""
    address = _address(scope)
    return address is not None and any(address in network for network in trusted)


def behind_proxies(app: ASGIApp, trusted: Sequence[str]) -> ASGIApp:
    """ASGI middleware: what a trusted proxy forwards comes from whom its X-Forwarded-For names."""
    if not trusted:
        return app
    wrapped: Any = ProxyHeadersMiddleware(app, list(trusted))  # type: ignore[arg-type]  # uvicorn's own ASGI types
    proxied: ASGIApp = wrapped
    return proxied


def address_of(scope: Any) -> str:
    """The caller's address as limits count it: one of IPv4, a /64 of IPv6."""
    address = _address(scope)
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_SITE), strict=False))
    return str(address)


def _address(scope: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The peer's address, an IPv4 one where it is written as IPv6; None for a Unix socket."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0]) if client else None
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

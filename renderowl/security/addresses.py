"""Where the service may connect to: public addresses, and those private places that the operator has named.

The lists are the IANA special-purpose registries of IPv4 and IPv6, written out, so that they are the same whatever
version of Python runs; of IPv6 only the part that is given out as global unicast can be public at all.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL: Final = 4096

_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""Mapped IPv4, NAT64, link-local, private and multicast addresses all lie outside of it."""

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Where clouds tell a machine its secrets; never connected to, not even within a network that is allowed."""

_ENDS_IN_NUMBER: Final = re.compile(r"(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)$")
"""What resolvers read as an address in the old ways: 2130706433, 0x7f.1, 0177.0.0.1."""
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")


class Refused(Exception):
    """This may not be connected to; the message says why, without telling what a name resolves to."""


class Target(msgspec.Struct, frozen=True):
    """A URL that may be asked for, taken apart; `host` is in lower case and ASCII, without brackets."""

    scheme: str
    host: str
    port: int
    path: bytes
    """With the query, as it is sent."""


class Places:
    """What may be connected to. `allow` names hosts and networks that may although they are private, on any port."""

    def __init__(self, *, allow: Sequence[str] = (), ports: Sequence[int] = (80, 443), plain: bool = False) -> None:
        self._hosts = {entry.lower() for entry in allow if _network(entry) is None}
        self._networks = [network for entry in allow if (network := _network(entry)) is not None]
        self._ports = frozenset(ports)
        self._schemes = ("https", "http") if plain else ("https",)

    def target(self, url: str) -> Target:
        """Take a URL apart. Raises Refused for what is wrong with it before any name is resolved."""
        if len(url) > MAX_URL or any(not char.isprintable() or char.isspace() for char in url):
            raise Refused(f"must be a URL of at most {MAX_URL} characters, without spaces")
        try:
            parts = httpx.URL(url)
            host = parts.raw_host.decode("ascii").lower().removesuffix(".")
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise Refused("is not a URL") from None
        if parts.scheme not in self._schemes:
            raise Refused(f"must begin with {' or '.join(f'{scheme}://' for scheme in self._schemes)}")
        if parts.userinfo:
            raise Refused("must not hold a user name or password")
        literal = _address(host)
        if literal is None and (_ENDS_IN_NUMBER.search(host) or not _HOST.fullmatch(host)):
            raise Refused("names no host")
        usual = 443 if parts.scheme == "https" else 80
        target = Target(parts.scheme, host, usual if parts.port is None else parts.port, parts.raw_path)
        may_be_named = bool(self._networks) and literal is None  # only its addresses will tell
        if not may_be_named and not self._is_named(host, literal) and target.port not in self._ports:
            raise Refused(f"uses port {target.port}; {', '.join(map(str, sorted(self._ports)))} may be used")
        if literal is not None and not self.allows(host, host, target.port):
            raise Refused("names an address that may not be reached from here")
        return target

    def problem(self, url: str) -> str | None:
        """What is wrong with a URL before any name is resolved; None when nothing is."""
        try:
            self.target(url)
        except Refused as error:
            return str(error)
        return None

    def allows(self, host: str, address: str, port: int) -> bool:
        """Whether a connection to `host` may be made to this address of it."""
        found = _address(address)
        if found is None or _is_metadata(found):
            return False
        return self._is_named(host, found) or (port in self._ports and is_public(found))

    def _is_named(self, host: str, address: Address | None) -> bool:
        return host in self._hosts or (address is not None and any(address in network for network in self._networks))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet."""
    if _is_metadata(address) or (address.version == 6 and address not in _GLOBAL_UNICAST):
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _is_metadata(address: Address) -> bool:
    """Also in the clothes that IPv6 has for it: with a zone, mapped, behind NAT64 of whatever prefix, 6to4."""
    if address.version == 4:
        return address in _METADATA
    plain = ipaddress.IPv6Address(int(address))
    within = (plain, plain.sixtofour, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return any(one in _METADATA for one in within)


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None

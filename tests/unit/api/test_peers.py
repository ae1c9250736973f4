"""Whose address a request counts for."""

from typing import Any

import pytest

from renderowl.api.peers import address_of, comes_from, networks


def scope(host: str | None) -> dict[str, Any]:
    return {"client": None if host is None else (host, 1)}


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_is_one_of_ipv4_or_one_subscribers_of_ipv6(host: str | None, address: str) -> None:
    assert address_of(scope(host)) == address


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("::1", False),
        (None, False),
    ],
)
def test_a_proxy_is_trusted_by_its_network(host: str | None, trusted: bool) -> None:
    assert comes_from(scope(host), networks(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])) is trusted

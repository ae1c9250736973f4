"""What may be connected to, by URL and by address."""

import pytest

from renderowl.security.addresses import Places, Refused

FORBIDDEN = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.31.255.255"),
    *("192.0.0.192", "192.168.1.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "255.255.255.255", "240.0.0.1"),
    *("100.100.100.200", "168.63.129.16", "192.88.99.1"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808"),
    *("64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1"),
    *("2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_address_but_a_public_one_is_connected_to(address: str) -> None:
    assert not Places().allows("media.example", address, 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_connected_to(address: str) -> None:
    assert Places().allows("media.example", address, 443)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://0x7f.0.0.1/x",
        "https://0177.0.0.1/x",
        "https://017700000001/x",
        "https://127.0.0.1./x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[::ffff:7f00:1]/x",
        "https://[64:ff9b::127.0.0.1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://①②⑦.⓪.⓪.①/x",
        "https://127。0。0。1/x",
        "https://media.example@127.0.0.1/x",
        "https://user:secret@media.example/x",
        "https://media.example:22/x",
        "https://media.example:0/x",
        "https://media.example:99999/x",
        "https:///x",
        "https://",
        "https://media example/x",
        "https://media..example/x",
        "https://.example/x",
        "https://-media.example/x",
        f"https://{'a' * 64}.example/x",
        f"https://{'a.' * 127}example/x",
        "https://media.example/x\r\nHost: other",
        "https://media.example\\@127.0.0.1/x",
        "https://exa%6dple.org%2f@127.0.0.1/",
        "http://media.example/x",
        "ftp://media.example/x",
        "file:///etc/passwd",
        "gopher://media.example/",
        "//media.example/x",
        "media.example/x",
        "https://media.example/" + "x" * 5000,
        "",
    ],
)
def test_a_url_that_is_not_plainly_public_https_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Places().target(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://media.example", "media.example", 443, b"/"),
        ("HTTPS://Media.Example:443/a%20b?c=d#e", "media.example", 443, b"/a%20b?c=d"),
        ("https://bücher.example/ä", "xn--bcher-kva.example", 443, b"/%C3%A4"),
        ("https://8.8.8.8/x", "8.8.8.8", 443, b"/x"),
        ("https://[2606:4700::1111]/x", "2606:4700::1111", 443, b"/x"),
        ("https://3dprinting.example./x", "3dprinting.example", 443, b"/x"),
    ],
)
def test_a_good_url_is_taken_apart(url: str, host: str, port: int, path: bytes) -> None:
    target = Places().target(url)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)


def test_named_private_places_are_reached_on_any_port_and_others_are_not() -> None:
    places = Places(allow=("minio.internal", "10.1.0.0/16", "127.0.0.1"))
    assert places.target("https://minio.internal:9000/x").port == 9000
    assert places.target("https://10.1.2.3:9000/x").port == 9000
    assert places.target("https://127.0.0.1:8000/x").port == 8000
    assert places.allows("minio.internal", "192.168.3.4", 9000)
    assert places.allows("whatever.example", "10.1.255.255", 9000)
    assert not places.allows("whatever.example", "10.2.0.1", 443)
    assert places.allows("whatever.example", "8.8.8.8", 443)
    assert not places.allows("whatever.example", "8.8.8.8", 9000)
    for url in ("https://10.2.0.1/", "https://127.0.0.2/"):
        with pytest.raises(Refused):
            places.target(url)
    with pytest.raises(Refused):
        Places(allow=("minio.internal",)).target("https://evil.minio.internal:9000/")


def test_what_clouds_tell_their_machines_stays_out_of_reach_of_a_named_network() -> None:
    places = Places(allow=("169.254.0.0/16", "fd00::/8", "minio.internal"))
    assert places.allows("x", "169.254.1.1", 80)
    assert not places.allows("x", "169.254.169.254", 80)
    assert not places.allows("minio.internal", "fd00:ec2::254", 80)


def test_plain_http_and_other_ports_are_a_matter_of_settings() -> None:
    assert Places(plain=True).target("http://media.example/x").port == 80
    assert Places(ports=(443, 8443)).target("https://media.example:8443/x").port == 8443


@pytest.mark.parametrize(
    "address",
    [
        *("::ffff:169.254.169.254", "::ffff:100.100.100.200", "64:ff9b::a9fe:a9fe", "64:ff9b:1:2::a9fe:a9fe"),
        *("2001:67c:2b0:db32::169.254.169.254", "2002:a9fe:a9fe::1", "fd00:ec2::254%eth0", "fd20:ce::254%1"),
    ],
)
def test_a_machines_secrets_are_out_of_reach_in_whatever_clothes(address: str) -> None:
    """A name that is allowed may resolve to anything: whoever runs its DNS decides."""
    places = Places(allow=("minio.internal", "::/0"), ports=(443,))
    assert not places.allows("minio.internal", address, 443)
    assert not places.allows("media.example", address, 443)
    with pytest.raises(Refused):
        places.target(f"https://[{address.replace('%', '%25')}]/")

"""The way out: checked at every connection, and no answer takes more than it may."""

import asyncio
import datetime
import gzip
import ssl
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from renderowl.security.addresses import Places, Refused
from renderowl.security.outbound import Bounds, Outbound, TooLarge, Unreachable
from renderowl.testing.origin import Origin, endless, open_origin, page, redirect, silent

BOUNDS = Bounds(max_bytes=100_000, total_s=30.0)
LOCAL = Places(allow=("127.0.0.1", "good.test"), plain=True)


async def get(outbound: Outbound, url: str, bounds: Bounds = BOUNDS, **more: Any) -> bytes:
    async with outbound.open("GET", url, bounds, **more) as answer:
        return b"".join([chunk async for chunk in answer.body])


class Recorded(httpcore.AsyncMockBackend):
    """Connects to nothing, remembers to what it should have."""

    def __init__(self) -> None:
        super().__init__([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"])
        self.connected: list[str] = []

    async def connect_tcp(self, host: str, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        return await super().connect_tcp(host, *args, **more)


async def test_a_request_says_what_it_should_and_no_more(origin: Origin) -> None:
    url = origin.put("/a?b=c", page(b"hello", headers={"X-A": "b"}))
    async with Outbound(LOCAL).open("GET", url, BOUNDS, headers={"If-None-Match": '"x"'}) as answer:
        assert (answer.status, answer.headers["x-a"], answer.size_bytes) == (200, "b", 5)
        assert b"".join([chunk async for chunk in answer.body]) == b"hello"
    (asked,) = origin.asked
    assert asked.headers == {
        "host": origin.url.removeprefix("http://"),
        "user-agent": "RenderOwl",
        "accept-encoding": "identity",
        "if-none-match": '"x"',
    }


async def test_a_post_is_sent_whole_and_its_redirects_are_not_followed(origin: Origin) -> None:
    url = origin.put("/hook", redirect(origin.put("/other", page())))
    async with Outbound(LOCAL).open("POST", url, BOUNDS, content=b"body") as answer:
        assert answer.status == 302
    assert [(one.method, one.path, one.body) for one in origin.asked] == [("POST", "/hook", b"body")]


async def test_a_proxy_of_the_environment_is_not_asked(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_origin() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert await get(Outbound(LOCAL), origin.put("/a", page(b"direct"))) == b"direct"
        assert proxy.asked == []


async def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    backend = Recorded()
    outbound = Outbound(Places(plain=True), resolve=rebinding, backend=backend)
    assert await get(outbound, "http://rebinding.test/") == b"hi"
    with pytest.raises(Refused):
        await get(outbound, "http://rebinding.test/")
    assert backend.connected == ["93.184.215.14"]
    assert asked == ["rebinding.test"] * 2


async def test_of_several_addresses_only_the_good_ones_are_tried() -> None:
    async def mixed(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "::1", "169.254.169.254", "8.8.8.8"]

    backend = Recorded()
    assert await get(Outbound(Places(plain=True), resolve=mixed, backend=backend), "http://mixed.test/") == b"hi"
    assert backend.connected == ["8.8.8.8"]


async def test_a_local_name_is_refused_without_a_connection(origin: Origin) -> None:
    port = origin.url.rpartition(":")[2]
    outbound = Outbound(Places(plain=True, ports=(int(port),)))
    for host in ("localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1"):
        with pytest.raises(Refused):
            await get(outbound, f"http://{host}:{port}/a")
    assert origin.asked == []


async def test_a_redirect_is_followed_a_few_times_and_checked_at_each(origin: Origin) -> None:
    last = origin.put("/last", page(b"there"))
    once = origin.put("/once", redirect("/last", 307))
    assert await get(Outbound(LOCAL), origin.put("/start", redirect(once))) == b"there"
    assert last.endswith(origin.asked[-1].path)
    loop = origin.put("/loop", redirect("/loop"))
    with pytest.raises(Unreachable, match="more than 5 times"):
        await get(Outbound(LOCAL), loop)
    async with open_origin() as inside:
        secret = inside.put("/secret", page(b"secret"))
        with pytest.raises(Refused):
            await get(Outbound(LOCAL), origin.put("/away", redirect(secret.replace("127.0.0.1", "127.0.0.2"))))
        for odd in ("file:///etc/passwd", "ftp://127.0.0.1/", "https://user:word@127.0.0.1/"):
            with pytest.raises(Refused):
                await get(Outbound(LOCAL), origin.put("/odd", redirect(odd)))
        assert inside.asked == []


async def test_an_answer_larger_than_allowed_is_cut_off(origin: Origin) -> None:
    announced = origin.put("/announced", page(b"x" * 200_000))
    unannounced = origin.put("/unannounced", endless())
    for url, said in ((announced, "200000 bytes"), (unannounced, "more than 100000")):
        with pytest.raises(TooLarge, match=said):
            await get(Outbound(LOCAL), url)


async def test_a_packed_answer_is_not_unpacked(origin: Origin) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    url = origin.put("/bomb", page(bomb, headers={"Content-Encoding": "gzip"}))
    assert await get(Outbound(LOCAL), url) == bomb


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!",
    ],
)
async def test_whoever_falls_silent_is_not_waited_for(origin: Origin, told: bytes) -> None:
    url = origin.put("/silent", silent(told))
    with pytest.raises(Unreachable, match="in time"):
        await get(Outbound(LOCAL), url, Bounds(max_bytes=100, total_s=60.0, silence_s=0.2))


async def test_whoever_drips_is_cut_off_when_the_time_is_up(origin: Origin) -> None:
    async def drip(asked: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    url = origin.put("/drip", drip)
    with pytest.raises(Unreachable, match="longer than"):
        await get(Outbound(LOCAL), url, Bounds(max_bytes=100_000, total_s=0.5, silence_s=30.0))


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nxx",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
        b"",
    ],
)
async def test_an_answer_that_is_not_what_it_says_is_no_answer(origin: Origin, said: bytes) -> None:
    async def say(asked: object, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    with pytest.raises(Unreachable):
        await get(Outbound(LOCAL), origin.put("/lie", say))


async def test_a_name_that_does_not_resolve_and_a_closed_port_are_unreachable(origin: Origin) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async def unspeakable(host: str, port: int) -> list[str]:
        raise UnicodeError("label too long")

    for resolve in (nowhere, unspeakable):
        with pytest.raises(Unreachable, match="resolved"):
            await get(Outbound(LOCAL, resolve=resolve), "http://good.test/")
    async with open_origin() as gone:
        url = gone.url
    with pytest.raises(Unreachable, match="connection failed"):
        await get(Outbound(LOCAL), url + "/a")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side of TLS for this name, and that of a client who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both = folder / "both.pem"
    both.write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=public.decode())


async def test_tls_is_checked_against_the_name_though_an_address_is_connected_to(tmp_path: Path) -> None:
    asked: list[str] = []

    async def here(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    server, trusting = certificate(tmp_path, "good.test")
    places = Places(allow=("127.0.0.1",))
    async with open_origin(tls=server) as origin:
        origin.put("/a", page(b"hello"))
        port = origin.url.rpartition(":")[2]
        assert await get(Outbound(places, resolve=here, tls=trusting), f"https://good.test:{port}/a") == b"hello"
        with pytest.raises(Unreachable, match="certificate"):
            await get(Outbound(places, resolve=here, tls=trusting), f"https://other.test:{port}/a")
        with pytest.raises(Unreachable, match="certificate"):
            await get(Outbound(places, resolve=here), f"https://good.test:{port}/a")
        with pytest.raises(Unreachable):
            await get(Outbound(places, tls=trusting), origin.url + "/a")
        assert [one.headers["host"] for one in origin.asked] == [f"good.test:{port}"]
    assert asked == ["good.test", "other.test", "good.test"]


async def test_what_began_under_tls_is_not_led_away_from_it(tmp_path: Path) -> None:
    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    server, trusting = certificate(tmp_path, "good.test")
    outbound = Outbound(Places(allow=("127.0.0.1",), plain=True), resolve=here, tls=trusting)
    async with open_origin(tls=server) as origin, open_origin() as plain:
        origin.put("/a", redirect(plain.put("/b", page(b"plain"))))
        with pytest.raises(Refused, match="from https"):
            await get(outbound, f"https://good.test:{origin.url.rpartition(':')[2]}/a")
        assert plain.asked == []


@pytest.mark.parametrize("location", ["http://[::1", "http://[nonsense]/", "//[", "http://[::1]]/"])
async def test_a_redirect_to_what_is_no_url_is_refused(origin: Origin, location: str) -> None:
    with pytest.raises(Refused):
        await get(Outbound(LOCAL), origin.put("/a", redirect(location)))


async def test_the_other_side_is_not_quoted_at_length() -> None:
    said = b"HTTP/1.1 200 OK\r\n" + b"not a header " * 2000 + b"\r\n\r\n"
    outbound = Outbound(LOCAL, resolve=_public, backend=httpcore.AsyncMockBackend([said]))
    with pytest.raises(Unreachable) as failed:
        await get(outbound, "http://media.test/")
    assert len(str(failed.value)) < 300


async def _public(host: str, port: int) -> list[str]:
    return ["93.184.215.14"]

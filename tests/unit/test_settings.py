"""Reading the environment."""

import pytest

from renderowl import settings
from renderowl.settings import SettingsError


def test_origins_are_those_that_browsers_send() -> None:
    origins = "https://editor.example, http://localhost:5173,http://[::1]:8080"
    loaded = settings.load({"RENDEROWL_ALLOWED_ORIGINS": origins})
    assert loaded.allowed_origins == ("https://editor.example", "http://localhost:5173", "http://[::1]:8080")


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example", "https://editor.example/", "editor.example", "HTTPS://editor.example", "null"]
)
def test_what_no_browser_sends_is_no_origin(origin: str) -> None:
    with pytest.raises(SettingsError, match="RENDEROWL_ALLOWED_ORIGINS"):
        settings.load({"RENDEROWL_ALLOWED_ORIGINS": origin})


def test_trusted_proxies_are_addresses_and_networks() -> None:
    loaded = settings.load({"RENDEROWL_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,2001:db8::/32"})
    assert loaded.trusted_proxies == ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32")


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.7/8", "10.0.0"])
def test_what_is_no_address_is_no_proxy(proxy: str) -> None:
    with pytest.raises(SettingsError, match="RENDEROWL_TRUSTED_PROXIES"):
        settings.load({"RENDEROWL_TRUSTED_PROXIES": proxy})


@pytest.mark.parametrize("name", ["REQUESTS_PER_MINUTE_FREE", "RENDERS_PER_DAY_PRO", "LOGINS_PER_ACCOUNT"])
def test_a_limit_is_none_or_more_than_none(name: str) -> None:
    assert getattr(settings.load({f"RENDEROWL_{name}": "0"}), name.lower()) == 0
    with pytest.raises(SettingsError, match=name):
        settings.load({f"RENDEROWL_{name}": "-1"})


def test_the_own_address_of_an_ipv6_host_is_a_url() -> None:
    assert settings.load({}, host="::1", port=8000).base_url == "http://[::1]:8000"


def test_private_places_are_hosts_and_networks() -> None:
    places = "minio.internal, 10.1.0.0/16,fd12:3456::/32,127.0.0.1,localhost"
    loaded = settings.load({"RENDEROWL_OUTBOUND_ALLOW": places, "RENDEROWL_OUTBOUND_PORTS": "443, 9000"})
    assert loaded.outbound_allow == ("minio.internal", "10.1.0.0/16", "fd12:3456::/32", "127.0.0.1", "localhost")
    assert loaded.outbound_ports == (443, 9000)


@pytest.mark.parametrize(
    "place", ["10.0.0.1/8", "https://minio.internal", "minio.internal:9000", "*.internal", "127.1"]
)
def test_what_is_neither_is_no_place(place: str) -> None:
    with pytest.raises(SettingsError, match="RENDEROWL_OUTBOUND_ALLOW"):
        settings.load({"RENDEROWL_OUTBOUND_ALLOW": place})


def test_other_secrets_are_a_list_and_each_is_long_enough() -> None:
    environment = {"RENDEROWL_SECRET_KEY": "n" * 32, "RENDEROWL_OTHER_SECRET_KEYS": f"{'o' * 32}, {'p' * 40}"}
    loaded = settings.load(environment)
    loaded.require("secret_key")
    assert loaded.secret_keys == ("n" * 32, "o" * 32, "p" * 40)
    short = settings.load({**environment, "RENDEROWL_OTHER_SECRET_KEYS": "o" * 31})
    with pytest.raises(SettingsError, match="RENDEROWL_OTHER_SECRET_KEYS") as refused:
        short.require("secret_key")
    assert "o" * 31 not in str(refused.value)

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


def test_the_own_address_of_an_ipv6_host_is_a_url() -> None:
    assert settings.load({}, host="::1", port=8000).base_url == "http://[::1]:8000"

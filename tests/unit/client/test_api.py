"""What the client says of an address that is none."""

import pytest

from renderowl.client import Client


@pytest.mark.parametrize("address", ["localhost:8080", "", "ws://localhost:8080"])
def test_an_address_without_http_is_named_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="must begin with http:// or https://"):
        Client(address, "a token")

"""Ports for servers that will be started on them again."""

import socket

import pytest

from renderowl.embedded import process
from renderowl.embedded.errors import EmbeddedError


def test_ports_in_a_row_are_free_and_below_those_of_outgoing_connections() -> None:
    first = process.free_port(count=3)
    assert first + 2 < process.ephemeral_from()
    for port in range(first, first + 3):
        socket.create_server(("127.0.0.1", port)).close()


def test_a_port_that_is_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    first = process.free_port(count=3)
    draws = iter((first, first + 1, first + 2))
    monkeypatch.setattr(process.random, "randrange", lambda *_: next(draws))
    with socket.create_server(("127.0.0.1", first + 1)):
        assert process.free_port(count=2) == first + 2, "neither with it nor from it"


def test_it_is_said_when_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(process.random, "randrange", lambda *_: taken.getsockname()[1])
        with pytest.raises(EmbeddedError, match=r"no 1 free ports in a row on 127\.0\.0\.1"):
            process.free_port()


def test_an_address_that_is_not_this_machines_is_an_error_at_once() -> None:
    with pytest.raises(OSError, match="assign"):
        process.free_port("192.0.2.1")

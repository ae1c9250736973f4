"""The reading of a Redis connection: what counts as an answer to a ping, and when replies are left to gather."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from renderowl.bus.line import Line


class Transport:
    """Of a connection that says nothing by itself."""

    def __init__(self) -> None:
        self.reads = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def resume_reading(self) -> None:
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def close(self) -> None:
        pass


class Writer:
    def __init__(self) -> None:
        self.transport = Transport()


class Connection:
    def __init__(self) -> None:
        self._writer = Writer()


async def test_an_answer_that_comes_while_its_question_is_sent_is_one() -> None:
    heard: list[Any] = []
    line = Line(cast(Any, Connection()), heard.append)
    assert await line.is_quiet(0)
    line.data_received(b"+PONG\r\n")  # before anybody waits for it
    assert not await line.is_quiet(0)
    assert await line.is_quiet(0), "it was told of once"
    assert heard == [b"PONG"]
    line.end()


class Loop:
    """Whose time stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 100.0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        self.later.append((self.now + delay_s, call))

    def call_soon(self, call: Callable[[], None]) -> None:
        self.call_later(0, call)

    def turn(self, to: float) -> None:
        self.now = to
        due, self.later = [call for at, call in self.later if at <= to], [one for one in self.later if one[0] > to]
        for call in due:
            call()


async def test_replies_that_come_thick_gather_for_ten_milliseconds_and_single_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, heard, loop = Connection(), list[Any](), Loop()
    line = Line(cast(Any, connection), heard.append)
    monkeypatch.setattr(line, "_loop", loop)
    transport = connection._writer.transport
    line.data_received(b"+one\r\n")
    assert transport.reads, "it comes after a long time"
    loop.turn(to=100.009)
    line.data_received(b"+two\r\n+thr")
    assert heard == [b"one", b"two"], "what has come is told at once"
    assert not transport.reads
    loop.turn(to=100.018)
    assert not transport.reads
    loop.turn(to=100.02)
    assert transport.reads
    loop.turn(to=100.031)
    line.data_received(b"ee\r\n")
    assert heard == [b"one", b"two", b"three"]
    assert transport.reads, "it comes after a while again"
    line.end()


async def test_who_takes_long_over_many_replies_lets_the_loop_turn_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, heard, loop = Connection(), list[Any](), Loop()

    def hear(reply: Any) -> None:
        heard.append(reply)
        loop.now += 0.004

    line = Line(cast(Any, connection), hear)
    monkeypatch.setattr(line, "_loop", loop)
    line.data_received(b"+one\r\n+two\r\n+three\r\n+four\r\n+fi")
    assert heard == [b"one", b"two"]
    assert not connection._writer.transport.reads, "what follows is heard after what has come"
    loop.turn(to=loop.now)
    assert heard == [b"one", b"two", b"three", b"four"]
    line.end()

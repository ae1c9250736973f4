"""The reading of a Redis connection: what counts as an answer to a ping."""

import asyncio
from typing import Any, cast

from renderowl.bus.line import Line


class Transport:
    """Of a connection that says nothing by itself."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def resume_reading(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

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

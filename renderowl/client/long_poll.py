"""A room over long polls: one request after another, each answered as soon as something happens."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Final

import httpx
import msgspec

from renderowl.client.endings import of_answer, of_failure
from renderowl.client.ladder import End, Fault, Timing
from renderowl.client.link import Ended, Heard, Joined, Signal
from renderowl.client.messages import EPHEMERAL, RoomFilter, RoomMessage, read
from renderowl.domain.events import Cursor

_ANSWER_S: Final = 10.0
"""How long an answer may take above what it was asked to wait."""


class _Poll(msgspec.Struct, frozen=True):
    cursor: str
    messages: list[msgspec.Raw]


class LongPoll:
    """Joined with the first answer, which is not waited for."""

    def __init__(
        self, http: httpx.AsyncClient, path: str, since: Cursor | None, filter: RoomFilter, timing: Timing
    ) -> None:
        self._http = http
        self._path = path
        self._cursor = "" if since is None else str(since)
        self._filter = filter
        self._timing = timing
        self._told: dict[tuple[str, str | None], bytes] = {}

    async def signals(self) -> AsyncGenerator[Signal]:
        """See Transport."""
        every_s = max(self._timing.poll_every_s, 1 / (self._filter.max_hz or float("inf")))
        wait_s = 0.0
        while True:
            asked_at = time.monotonic()
            poll = await self._ask(wait_s)
            cursor = Cursor.parse(poll.cursor)
            if cursor is None:
                raise Ended(End(Fault.UNFIT, f"{poll.cursor!r} is no cursor"))
            yield Joined()
            for message in self._news(poll):
                yield Heard(message, cursor.epoch)
            yield Heard(RoomMessage("cursor", seq=cursor.seq), cursor.epoch)
            self._cursor, wait_s = poll.cursor, self._timing.poll_wait_s
            await asyncio.sleep(max(0.0, asked_at + every_s - time.monotonic()))

    async def _ask(self, wait_s: float) -> _Poll:
        query = {"after": self._cursor, "wait": wait_s, **self._filter.query()}
        timeout = httpx.Timeout(self._timing.open_s, read=wait_s + _ANSWER_S)
        try:
            answer = await self._http.get(
                self._path, params=query, headers={"Accept": "application/json"}, timeout=timeout
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Ended(of_failure(error)) from error
        except httpx.TransportError as error:
            raise Ended(End(Fault.BROKEN, f"{type(error).__name__}: {error}")) from error
        if answer.is_error:
            raise Ended(of_answer(answer.status_code, answer.headers, answer.content))
        try:
            return msgspec.json.decode(answer.content, type=_Poll)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Ended(End(Fault.UNFIT, "the answer is no poll")) from None

    def _news(self, poll: _Poll) -> Iterator[RoomMessage]:
        """What the answer says that the last did not: the newest progress comes with each."""
        told, self._told = self._told, {}
        for raw in poll.messages:
            message, text = read(bytes(raw)), bytes(raw)
            if message.type in EPHEMERAL:
                key = (message.type, message.render_id)
                self._told[key] = text
                if told.get(key) == text:
                    continue
            yield message

"""A room over server-sent events."""

from collections.abc import AsyncGenerator

import httpx

from renderowl.client.endings import of_answer, of_failure
from renderowl.client.ladder import End, Fault, Timing
from renderowl.client.link import Alive, Ended, Heard, Joined, Signal
from renderowl.client.messages import RoomFilter, read
from renderowl.client.sse import EventParser
from renderowl.domain.events import Cursor


class Stream:
    """Joined with the first byte: the server sends a comment at once, unless a proxy keeps it back."""

    def __init__(
        self, http: httpx.AsyncClient, path: str, since: Cursor | None, filter: RoomFilter, timing: Timing
    ) -> None:
        self._http = http
        self._path = path
        self._since = since
        self._filter = filter
        self._timeout = httpx.Timeout(timing.open_s, read=None, pool=None)

    async def signals(self) -> AsyncGenerator[Signal]:
        """See Transport."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._since is not None:
            headers["Last-Event-ID"] = str(self._since)
        try:
            async with self._http.stream(
                "GET", self._path, params=self._filter.query(), headers=headers, timeout=self._timeout
            ) as answer:
                if answer.is_error:
                    raise Ended(of_answer(answer.status_code, answer.headers, await answer.aread()))
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    raise Ended(End(Fault.UNFIT, "the answer is no event stream"))
                async for signal in self._read(answer):
                    yield signal
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Ended(of_failure(error)) from error
        except httpx.TransportError as error:
            raise Ended(End(Fault.BROKEN, f"{type(error).__name__}: {error}")) from error
        raise Ended(End(Fault.BROKEN, "the stream ended"))

    async def _read(self, answer: httpx.Response) -> AsyncGenerator[Signal]:
        parser = EventParser()
        epoch = "" if self._since is None else self._since.epoch
        joined = False
        async for chunk in answer.aiter_bytes():
            yield Alive() if joined else Joined()
            joined = True
            for event in parser.feed(chunk):
                place = Cursor.parse(event.id or "")
                epoch = epoch if place is None else place.epoch
                yield Heard(read(event.data), epoch)

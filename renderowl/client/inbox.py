"""What was heard and not read yet, bounded: durable messages in order, of ephemeral ones the newest."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from renderowl.client.messages import EPHEMERAL, RoomMessage
from renderowl.domain.events import Cursor

LIMIT: Final = 1000
"""Above this many waiting messages nothing more is read from the connection."""


class Item(msgspec.Struct, frozen=True):
    """A message, and the cursor when it was heard; one without a message only moves the reader's cursor."""

    message: RoomMessage | None
    cursor: Cursor | None


class Inbox:
    """Filled by the connection, emptied by the reader."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._latest: dict[tuple[str, str | None], Item] = {}
        self._error: BaseException | None = None
        self._hurries = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def add(self, message: RoomMessage | None, cursor: Cursor | None) -> None:
        """Keep a message for the reader."""
        item = Item(message, cursor)
        if message is None:
            if self._items and self._items[-1].message is None:
                self._items.pop()
            self._items.append(item)
        elif message.type in EPHEMERAL:
            self._latest[message.type, message.render_id] = item
        else:
            self._items.append(item)
            self._forget(message)
        self._filled.set()

    async def next(self) -> Item:
        """The next item. Raises what the inbox was closed with, after everything that was heard before."""
        while not self._items and not self._latest:
            if self._error is not None:
                raise self._error
            self._filled.clear()
            await self._filled.wait()
        self._emptied.set()
        return self._items.popleft() if self._items else self._latest.pop(next(iter(self._latest)))

    def close(self, error: BaseException) -> None:
        """Nothing more will come."""
        self._error = error
        self._filled.set()

    async def space(self) -> None:
        """Wait until another message may be added."""
        while len(self._items) >= LIMIT and not self._hurries:
            self._emptied.clear()
            await self._emptied.wait()

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Take messages without limit within the block: an answer is waited for, and may be behind them."""
        self._hurries += 1
        self._emptied.set()
        try:
            yield
        finally:
            self._hurries -= 1

    def _forget(self, message: RoomMessage) -> None:
        """A durable event makes what waits of its render's progress pointless, a snapshot all of it."""
        for key in list(self._latest):
            if message.type == "snapshot" or (message.seq is not None and message.render_id == key[1]):
                del self._latest[key]

"""A project's audience in this process, without I/O: puts the durable lane in order and hands every word to all."""

from collections import OrderedDict
from typing import Final

from renderowl.domain.events import Cursor, Event
from renderowl.ws.frames import EphemeralWord, EventWord
from renderowl.ws.member import Member
from renderowl.ws.protocol import Close

_REMEMBERED_ENDS: Final = 256
_AHEAD: Final = 1024
_ENDS: Final = frozenset({"render.completed", "render.failed", "render.cancelled"})


class Room:
    """Gives each durable event to the members once and in order of seq, whatever order or how often it arrives.

    Events that come before a hole is filled wait in `ahead`; `hole` tells the hub to fill it with `fill`.
    """

    def __init__(self, project_id: str, cursor: Cursor) -> None:
        self.project_id = project_id
        self.epoch = cursor.epoch
        self.last = cursor.seq
        self.top = cursor.seq
        """The highest seq known to exist."""
        self.members: set[Member] = set()
        self._ahead: dict[int, Event] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()

    @property
    def hole(self) -> bool:
        """True when events after `last` exist that have not been heard in order."""
        return self.top > self.last

    @property
    def cursor(self) -> Cursor:
        """Up to where the members have been told."""
        return Cursor(self.epoch, self.last)

    def hear(self, event: Event) -> None:
        """A durable event, from anywhere, in any order, any number of times."""
        if event.epoch != self.epoch or event.seq <= self.last:
            return
        self.top = max(self.top, event.seq)
        if len(self._ahead) < _AHEAD:
            self._ahead[event.seq] = event
        while (following := self._ahead.pop(self.last + 1, None)) is not None:
            self._tell(following)

    def know_of(self, seq: int) -> None:
        """Somebody says that events up to `seq` exist."""
        self.top = max(self.top, seq)

    def glance(self, word: EphemeralWord, attempt: int) -> None:
        """A progress or preview; not for an attempt that has ended."""
        if attempt > self._ended.get(word.render_id, 0):
            for member in self.members:
                member.glance(word)

    def close(self, close: Close) -> None:
        """Close every member."""
        for member in self.members:
            member.close(close)

    def _tell(self, event: Event) -> None:
        self.last = event.seq
        if event.type in _ENDS and event.render_id is not None:
            self._ended[event.render_id] = event.attempt or 0
            self._ended.move_to_end(event.render_id)
            if len(self._ended) > _REMEMBERED_ENDS:
                self._ended.popitem(last=False)
        word = EventWord(event)
        for member in self.members:
            member.hear(word)

"""A project's audience in this process, without I/O: puts the durable lane in order and hands every word to all."""

from collections import OrderedDict
from typing import Final

from renderowl.domain.events import Cursor, Event
from renderowl.ws.frames import EphemeralWord, EventWord
from renderowl.ws.member import Member
from renderowl.ws.protocol import Close

_REMEMBERED: Final = 1024
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
        self._attempts: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        """By render: its attempt, as far as was told, and whether that has ended."""

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
        if event.seq == self.last + 1 or len(self._ahead) < _AHEAD:
            self._ahead[event.seq] = event
        while (following := self._ahead.pop(self.last + 1, None)) is not None:
            self._tell(following)

    def know_of(self, seq: int) -> None:
        """Somebody says that events up to `seq` exist."""
        self.top = max(self.top, seq)

    def glance(self, word: EphemeralWord, attempt: int) -> None:
        """A progress or preview; not of an attempt that has ended, nor of one that members were not told of yet."""
        if self._attempts.get(word.render_id, (attempt, False)) == (attempt, False):
            for member in self.members:
                member.glance(word)

    def close(self, close: Close) -> None:
        """Close every member."""
        for member in self.members:
            member.close(close)

    def _tell(self, event: Event) -> None:
        self.last = event.seq
        if event.render_id is not None:
            self._attempts[event.render_id] = (event.attempt or 0, event.type in _ENDS)
            self._attempts.move_to_end(event.render_id)
            if len(self._attempts) > _REMEMBERED:
                self._attempts.popitem(last=False)
        word = EventWord(event)
        for member in self.members:
            member.hear(word)

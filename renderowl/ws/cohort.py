"""Members that hear the same: what they are told is decided once, and written to one after the other."""

from collections.abc import Callable

from renderowl.ws.member import Member
from renderowl.ws.protocol import Close
from renderowl.ws.timetable import Timetable
from renderowl.ws.words import Word

Write = Callable[[bytes], None]
"""Send a frame to one member, which parts from its cohort when it does not take it."""


class Cohort(Member):
    """Hears a room in place of members with one filter who take what they are told and have nothing waiting.

    Nothing queues up here: whoever is full parts from it, with what still waits for its time, and is told alone.
    """

    __slots__ = ("_plain", "_timetable", "_writes")

    def __init__(self, first: Member, timetable: Timetable, *, plain: bool) -> None:
        super().__init__(timetable.clock, self)
        self.filter, self.presence = first.filter, first.presence
        self.follow(first)
        self._timetable = timetable
        self._plain = plain
        self._writes: dict[Member, Write] = {}

    def __len__(self) -> int:
        return len(self._writes)

    def admits(self, member: Member, now: float) -> bool:
        """Tell whether the member would be told nothing twice, nor sooner than it may, if it joined now."""
        return self.settled and member.is_paced_by(self, now)

    def join(self, member: Member, write: Write) -> None:
        """Tell the member from now on."""
        self._writes[member] = write
        member.cohort = self

    def part_with(self, member: Member) -> None:
        """Tell the member no more."""
        del self._writes[member]

    def close(self, close: Close) -> None:
        """Close every member; each parts."""
        for member in tuple(self._writes):
            member.close(close)

    def offer(self, word: Word) -> bool:
        """Write the word to all."""
        self._tell((word,))
        return True

    def remind(self, at: float) -> None:
        """Progress waits for its time."""
        self._timetable.at(at, self.flush)

    def tick(self, now: float) -> None:
        """What time alone brings; whoever's member comes first."""
        if self.due() <= now:
            self.flush()

    def flush(self) -> None:
        """Tell what is due."""
        while words := self.take(self._clock()):
            self._tell(words)

    def _tell(self, words: tuple[Word, ...] | list[Word]) -> None:
        writes = tuple(self._writes.values())  # whoever becomes full meanwhile parts, and is told these words still
        for word in words:
            frame = word.plain_frame if self._plain else word.frame
            if frame is not None:
                for write in writes:
                    write(frame)

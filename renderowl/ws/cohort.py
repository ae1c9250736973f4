"""Members that hear the same: what they are told is decided once, and written to one after the other."""

from renderowl.ws.bundle import Bundle, Writable
from renderowl.ws.member import Member
from renderowl.ws.protocol import Close
from renderowl.ws.timetable import Timetable
from renderowl.ws.words import Word, frames_of


class Cohort(Member):
    """Hears a room in place of members with one filter who take what they are told and have nothing waiting.

    Nothing queues up here: whoever is full parts from it, with what still waits for its time, and is told alone.
    """

    __slots__ = ("_bundle", "_links", "_plain", "_timetable")

    def __init__(self, first: Member, timetable: Timetable, *, plain: bool) -> None:
        super().__init__(timetable.clock, self)
        self.filter, self.presence = first.filter, first.presence
        self.follow(first)
        self._timetable = timetable
        self._plain = plain
        self._links: dict[Member, Writable] = {}
        self._bundle = Bundle()

    def __len__(self) -> int:
        return len(self._links)

    def admits(self, member: Member, now: float) -> bool:
        """Tell whether the member would be told nothing twice, nor sooner than it may, if it joined now."""
        return self.settled and member.is_paced_by(self, now)

    def join(self, member: Member, link: Writable) -> None:
        """Tell the member from now on."""
        self._links[member] = link
        self._bundle.join(link)
        member.cohort = self

    def part_with(self, member: Member) -> None:
        """Tell the member no more."""
        self._bundle.leave(self._links.pop(member))

    def close(self, close: Close) -> None:
        """Close every member; each parts."""
        for member in tuple(self._links):
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
        if frames := frames_of(words, plain=self._plain):
            self._bundle.write(frames)

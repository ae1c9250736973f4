"""Long polls, about a whole room or one render: wait until something happens, then answer with all of it."""

from collections.abc import Callable, Iterable
from typing import Final

from renderowl.domain.errors import RenderOwlError, Unauthenticated, Unavailable
from renderowl.domain.events import RENDER_ENDS, Cursor
from renderowl.services.rooms import Poll, RoomPoll
from renderowl.ws import frames
from renderowl.ws.frames import CursorMark
from renderowl.ws.member import Reader
from renderowl.ws.opening import Opening
from renderowl.ws.protocol import Close
from renderowl.ws.words import EphemeralWord, EventWord, Spoken, Word

_AWAY_S: Final = 1.0


async def poll_render(
    member: Reader,
    opening: Opening,
    render_id: str,
    cursor: Cursor | None,
    clock: Callable[[], float],
    timeout_s: float,
) -> Poll:
    """What happens to a render after `cursor`. At the deadline: no events, no progress and the cursor as it was."""
    deadline = clock() + timeout_s
    recovered = opening.recovered
    missed = [word.event for word in opening.events if recovered and word.event.render_id == render_id]
    if missed or not recovered:
        newest = next((word.progress for word in opening.progress if word.render_id == render_id), None)
        return Poll(Cursor(opening.cursor.epoch, opening.upto), recovered, missed, newest)
    member.begin(Opening(opening.cursor, opening.upto))
    while member.closing is None and (left_s := deadline - clock()) > 0:
        words = []
        while more := member.take(clock()):
            words += more
        heard = [word.event for word in words if isinstance(word, EventWord)]
        progress = next((word.progress for word in words if isinstance(word, EphemeralWord)), None)
        if heard or progress:
            newest_seq = heard[-1].seq if heard else opening.upto
            return Poll(Cursor(opening.cursor.epoch, newest_seq), True, heard, progress)
        await member.wait(min(left_s, member.due() - clock()))
    if member.closing is not None and member.closing.code == frames.FORBIDDEN:
        raise _refusal(member.closing)
    return Poll(cursor or opening.cursor, True, [], None)


async def poll_room(member: Reader, opening: Opening, clock: Callable[[], float], timeout_s: float) -> RoomPoll:
    """What the member, who is in the room, is told. Only what is not in `opening`'s progress ends the wait.

    Progress that the room opened with is no news, but comes with whatever is answered: what was said between two polls
    would else be missing until the next word about that render. Raises Unavailable when the server goes away,
    Unauthenticated when the credential is revoked.
    """
    deadline = clock() + timeout_s
    answer = _Answer(opening.cursor, opening.recovered)
    member.begin(opening)
    while words := member.take(clock()):
        answer.add(words)
    while not answer.told and member.closing is None and (left_s := deadline - clock()) > 0:
        await member.wait(min(left_s, member.due() - clock()))
        while words := member.take(clock()):
            answer.add(words, live=True)
    if member.closing is not None and not answer.told:
        raise _refusal(member.closing)
    return answer.poll()


def _refusal(closing: Close) -> RenderOwlError:
    """Why somebody who waited is told nothing: the server goes away, or the credential is gone."""
    if closing.code == frames.FORBIDDEN:
        return Unauthenticated(closing.reason)
    return Unavailable(closing.reason, retry_after_s=_AWAY_S)


class _Answer:
    """What a poll has gathered; `told` once there is a reason to answer."""

    def __init__(self, cursor: Cursor, recovered: bool) -> None:
        self.told = False
        self._cursor = cursor
        self._recovered = recovered
        self._words: list[str] = []
        self._newest: dict[tuple[str, str], str] = {}

    def add(self, words: Iterable[Word], *, live: bool = False) -> None:
        """Take words in the order in which a member is told them."""
        for word in words:
            if isinstance(word, EphemeralWord):
                self._newest[word.interest, word.render_id] = word.text
                self.told = self.told or live
                continue
            self.told = True
            if isinstance(word, EventWord):
                self._reach(word.event.seq)
                self._forget(word)
                self._words.append(word.text)
            else:
                self._say(word)

    def poll(self) -> RoomPoll:
        """The answer: what is durable first, then the newest of the rest."""
        return RoomPoll(self._cursor, self._recovered, [*self._words, *self._newest.values()])

    def _say(self, word: Word) -> None:
        """A snapshot, or a mark that moves the cursor over events the filter hides."""
        if (seq := _marked(word)) is not None:
            self._reach(seq)
        else:
            self._words.append(word.text)

    def _reach(self, seq: int) -> None:
        self._cursor = Cursor(self._cursor.epoch, max(seq, self._cursor.seq))

    def _forget(self, word: EventWord) -> None:
        """What ends an attempt makes what was said of its progress untrue."""
        if word.event.type in RENDER_ENDS:
            for interest in ("progress", "preview"):
                self._newest.pop((interest, word.event.render_id or ""), None)


def _marked(word: Word) -> int | None:
    if isinstance(word, Spoken) and isinstance(word.message, CursorMark):
        return word.message.seq
    return None

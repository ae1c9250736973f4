"""The client's place in the durable lane, without I/O: what is news, whatever connection it comes over."""

from renderowl.client.messages import RoomMessage
from renderowl.domain.events import Cursor


class Follower:
    """Passes each durable event once and in order, if every connection goes on from a cursor this follower had.

    Connections are heard one after another. One may have been opened, with an older cursor, before the last was left.
    """

    def __init__(self, cursor: Cursor | None = None) -> None:
        self.cursor = cursor

    def hear(self, message: RoomMessage, epoch: str, since: Cursor | None) -> bool:
        """Tell whether this is news, and move the cursor. `since` is what the connection was opened with."""
        if message.seq is None:
            return message.type != "cursor"
        place = Cursor(epoch, message.seq)
        if message.type == "snapshot":
            news = not self._overtaken(place, since)
        else:
            news = self.cursor is None or (self.cursor.epoch == epoch and self.cursor.seq < place.seq)
        if news:
            self.cursor = place
        return news and message.type != "cursor"

    def goes_on_from(self, since: Cursor | None) -> bool:
        """Tell whether a connection opened with this cursor misses nothing.

        One that was opened before history went back begins behind what has happened since then.
        """
        known = self.cursor
        return since is None or known is None or since.epoch != known.epoch or since.seq <= known.seq

    def _overtaken(self, snapshot: Cursor, since: Cursor | None) -> bool:
        """True for a snapshot that is older than what was told since its connection was opened.

        A snapshot below the very cursor it was asked with is another matter: history itself went back.
        """
        known = self.cursor
        if known is None or known.epoch != snapshot.epoch or known.seq <= snapshot.seq:
            return False
        return since is None or since.epoch != snapshot.epoch or since.seq <= snapshot.seq

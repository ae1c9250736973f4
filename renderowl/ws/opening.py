"""What a member is told first: the events after its cursor, or a snapshot; then the newest progress."""

from collections.abc import Sequence
from dataclasses import dataclass

from renderowl.domain.events import Cursor
from renderowl.services.rooms import Filter, RenderState
from renderowl.ws.frames import Snapshot
from renderowl.ws.words import EphemeralWord, EventWord, Spoken, Word


@dataclass(frozen=True, slots=True)
class Opening:
    """A room at one moment: what its members have in common is written once for all of them.

    `recovered`: `events` are all that happened since the member's cursor. Else `snapshot` takes the place of what the
    member knew, and `events` are those after it. They end at `upto`; `cursor` is the place they lead to or, with a
    snapshot, that of the snapshot.
    """

    cursor: Cursor
    upto: int
    events: Sequence[EventWord] = ()
    snapshot: Spoken | None = None
    progress: Sequence[EphemeralWord] = ()

    @property
    def recovered(self) -> bool:
        """True when every event after the member's cursor is here."""
        return self.snapshot is None

    def words(self, filter: Filter) -> list[Word]:
        """What a member with this filter is told of the durable lane."""
        events: list[Word] = [word for word in self.events if filter.wants("state", word.event.render_id)]
        return events if self.snapshot is None else [_filtered(self.snapshot, filter), *events]


def snapshot_word(cursor: Cursor, renders: list[RenderState], more: bool) -> Spoken:
    """A snapshot of these renders, newest first."""
    return Spoken(Snapshot(cursor.seq, renders, more), cursor)


def _filtered(word: Spoken, filter: Filter) -> Spoken:
    snapshot, ids = word.message, filter.render_ids
    if ids is None or not isinstance(snapshot, Snapshot):
        return word
    shown = [render for render in snapshot.renders if render.id in ids]
    return Spoken(Snapshot(snapshot.seq, shown, snapshot.more), word.cursor)

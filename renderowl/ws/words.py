"""What is said in a room, written and framed once however many members hear it."""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from websockets.frames import Frame, Opcode

from renderowl.domain.events import Cursor, Event, Progress
from renderowl.services.rooms import event_view
from renderowl.ws import frames

Ephemeral = Literal["progress", "preview", "presence"]
"""What is only ever the newest word: about a render, or (`presence`) about the room."""


def frame_of(body: bytes) -> bytes:
    """One WebSocket text frame. A server masks nothing, so that every member can be sent the same bytes."""
    return Frame(Opcode.TEXT, body).serialize(mask=False)


class Word:
    """Something to be said: `body` is its JSON for `renderowl.v1`, `text` the same as text.

    `frame` and, for the source document's shape, `plain_frame` (None without one) are what goes over a socket. They are
    made once, and kept without the lock that `functools.cached_property` takes until Python 3.12.
    """

    cursor: Cursor | None = None
    """The place in the durable lane behind this word, if it marks one."""
    _frame: bytes | None = None
    _plain_frame: bytes | None = None

    def __init__(self, body: bytes) -> None:
        self.body: Final = body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            self._frame = frame_of(self.body)
        return self._frame

    @property
    def plain_frame(self) -> bytes | None:
        if self._plain_frame is None and (plain := self._plain()) is not None:
            self._plain_frame = frame_of(plain)
        return self._plain_frame

    def _plain(self) -> bytes | None:
        return None


def frames_of(words: Iterable[Word], *, plain: bool) -> list[bytes]:
    """What goes over a socket of these words, one after the other."""
    framed = (word.plain_frame if plain else word.frame for word in words)
    return [frame for frame in framed if frame is not None]


class Spoken(Word):
    """A message to one member."""

    def __init__(self, message: frames.ServerMessage, cursor: Cursor | None = None) -> None:
        super().__init__(msgspec.json.encode(message))
        self.message: Final = message
        self.cursor = cursor

    def _plain(self) -> bytes | None:
        return self.body if isinstance(self.message, frames.Error) else None


class EventWord(Word):
    """A durable event."""

    def __init__(self, event: Event) -> None:
        super().__init__(msgspec.json.encode(event_view(event)))
        self.event: Final = event
        self.cursor = Cursor(event.epoch, event.seq)

    def _plain(self) -> bytes | None:
        event = self.event
        if event.render_id is None:
            return None
        return msgspec.json.encode(frames.PlainEvent(event.type, event.render_id, event.data))


class _Reached(msgspec.Struct, frozen=True):
    percent: float
    current_frame: int


class _ProgressBody(msgspec.Struct, frozen=True):
    data: _Reached


class _Written(msgspec.Struct, frozen=True):
    data: msgspec.Raw


_progress_body: Final = msgspec.json.Decoder(_ProgressBody)
_written: Final = msgspec.json.Decoder(_Written)


class EphemeralWord(Word):
    """A progress, a preview, or who is here."""

    _reached: _Reached | None = None

    def __init__(self, interest: Ephemeral, render_id: str, body: bytes | msgspec.Raw) -> None:
        super().__init__(bytes(body))
        self.interest: Final = interest
        self.render_id: Final = render_id
        self.slot: Final = (interest, render_id)
        """A newer word in the same slot takes its place."""

    @classmethod
    def of_progress(cls, render_id: str, progress: Progress) -> "EphemeralWord":
        return cls("progress", render_id, msgspec.json.encode(frames.RenderProgress(render_id, progress)))

    def is_behind(self, other: "EphemeralWord") -> bool:
        """Tell whether this progress would turn the other one back."""
        mine, others = self._reach(), other._reach()
        return mine.percent < others.percent or mine.current_frame < others.current_frame

    def _reach(self) -> _Reached:
        if self._reached is None:
            self._reached = _progress_body.decode(self.body).data
        return self._reached

    @property
    def progress(self) -> Progress:
        """What a progress says."""
        return msgspec.json.decode(self.body, type=frames.RenderProgress).data

    @property
    def data(self) -> msgspec.Raw:
        """The same as it was written: hundreds are kept every second and none is looked at."""
        return _written.decode(self.body).data

    def _plain(self) -> bytes | None:
        if self.interest != "progress":
            return None
        return msgspec.json.encode(msgspec.json.decode(self.body, type=frames.PlainRenderProgress))

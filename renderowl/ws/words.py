"""What is said in a room, written and framed once however many members hear it."""

from functools import cached_property
from typing import Final, Literal

import msgspec
from websockets.frames import Frame, Opcode

from renderowl.domain.events import Cursor, Event, Progress
from renderowl.services.rooms import event_view
from renderowl.ws import frames

Ephemeral = Literal["progress", "preview", "presence"]
"""What is only ever the newest word: about a render, or (`presence`) about the room."""


def frame_of(text: str) -> bytes:
    """One WebSocket text frame. A server masks nothing, so that every member can be sent the same bytes."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


class Word:
    """Something to be said. `text` is for `renderowl.v1`; `plain` is the source document's shape, or None without one.

    `frame` and `plain_frame` are the same as they go over a socket.
    """

    cursor: Cursor | None = None
    """The place in the durable lane behind this word, if it marks one."""

    @property
    def text(self) -> str:
        raise NotImplementedError

    @property
    def plain(self) -> str | None:
        return None

    @cached_property
    def frame(self) -> bytes:
        return frame_of(self.text)

    @cached_property
    def plain_frame(self) -> bytes | None:
        return None if self.plain is None else frame_of(self.plain)


class Spoken(Word):
    """A message to one member."""

    def __init__(self, message: frames.ServerMessage, cursor: Cursor | None = None) -> None:
        self.message: Final = message
        self.cursor = cursor

    @property
    def text(self) -> str:
        return frames.write(self.message)

    @property
    def plain(self) -> str | None:
        return self.text if isinstance(self.message, frames.Error) else None


class EventWord(Word):
    """A durable event."""

    def __init__(self, event: Event) -> None:
        self.event: Final = event
        self.cursor = Cursor(event.epoch, event.seq)

    @cached_property
    def text(self) -> str:
        return msgspec.json.encode(event_view(self.event)).decode()

    @property
    def plain(self) -> str | None:
        event = self.event
        if event.render_id is None:
            return None
        return msgspec.json.encode(frames.PlainEvent(event.type, event.render_id, event.data)).decode()


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

    def __init__(self, interest: Ephemeral, render_id: str, body: bytes | msgspec.Raw) -> None:
        self.interest: Final = interest
        self.render_id: Final = render_id
        self.slot: Final = (interest, render_id)
        """A newer word in the same slot takes its place."""
        self._body = bytes(body)

    @classmethod
    def of_progress(cls, render_id: str, progress: Progress) -> "EphemeralWord":
        return cls("progress", render_id, msgspec.json.encode(frames.RenderProgress(render_id, progress)))

    @cached_property
    def _reached(self) -> _Reached:
        return _progress_body.decode(self._body).data

    def is_behind(self, other: "EphemeralWord") -> bool:
        """Tell whether this progress would turn the other one back."""
        mine, others = self._reached, other._reached
        return mine.percent < others.percent or mine.current_frame < others.current_frame

    @property
    def progress(self) -> Progress:
        """What a progress says."""
        return msgspec.json.decode(self._body, type=frames.RenderProgress).data

    @property
    def data(self) -> msgspec.Raw:
        """The same as it was written: hundreds are kept every second and none is looked at."""
        return _written.decode(self._body).data

    @property
    def text(self) -> str:
        return self._body.decode()

    @property
    def plain(self) -> str | None:
        if self.interest != "progress":
            return None
        return msgspec.json.encode(msgspec.json.decode(self._body, type=frames.PlainRenderProgress)).decode()

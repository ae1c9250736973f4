"""What a room says, and what a client asks to hear."""

from typing import Any, Final

import msgspec

EPHEMERAL: Final = frozenset({"render.progress", "render.preview"})
"""Messages of which only the newest counts."""


class RoomFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to hear: of which renders, which kinds (`state` is the durable lane, `progress`, ...), at most how often."""

    render_ids: list[str] | None = None
    types: list[str] | None = None
    max_hz: float | None = None

    def query(self) -> dict[str, Any]:
        """The filter as parameters of a URL."""
        given: dict[str, Any] = msgspec.to_builtins(self)
        return given


class RoomMessage(msgspec.Struct, frozen=True):
    """A message of the room: an event, the newest progress, or a `snapshot` of `renders` to start from.

    Durable events and snapshots have a `seq`. `body` is the whole message as it came, whatever else it has.
    """

    type: str
    data: dict[str, Any] = {}
    seq: int | None = None
    render_id: str | None = None
    asset_id: str | None = None
    attempt: int | None = None
    renders: list[dict[str, Any]] = []
    body: dict[str, Any] = {}


class Watching(msgspec.Struct, frozen=True):
    """The wish to hear who else is in the room, and the name to be shown to them by."""

    name: str | None = None


class Ack(msgspec.Struct, frozen=True):
    """A command was carried out; `deduplicated`: it had been before, under the same `ref`."""

    ref: str
    render_id: str
    status: str
    deduplicated: bool = False


def read(text: str | bytes) -> RoomMessage:
    """A message as it is sent. One of a kind that is not known has only `type` and `body`."""
    body = msgspec.json.decode(text, type=dict[str, Any])
    try:
        return msgspec.convert({**body, "body": body}, RoomMessage)
    except msgspec.ValidationError:
        return RoomMessage(str(body.get("type", "")), body=body)

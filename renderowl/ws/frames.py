"""The words of a room's socket, `renderowl.v1`: what a member says, what it is told, and how it is closed.

One struct a message, told apart by `type`. `docs/realtime.md` lists them all and a test compares the two.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from renderowl.domain.errors import FieldError, RenderOwlError
from renderowl.domain.events import DurableType, Event, Picture, Progress
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.records import Principal
from renderowl.services.rooms import Filter as Filter  # part of what a member says
from renderowl.services.rooms import RenderState

SUBPROTOCOL: Final = "renderowl.v1"
BEARER_SUBPROTOCOL: Final = "base64url.bearer."
MAX_FRAME_BYTES: Final = 64 * 1024
MAX_READ_BYTES: Final = 2 * MAX_FRAME_BYTES
"""So much of a message is read in order to say that it is too long; one that is longer still ends the connection."""

# --- what a member says ------------------------------------------------------------------------------------------


class Auth(msgspec.Struct, frozen=True, tag="auth", forbid_unknown_fields=True):
    """Who is calling: an API key or a token. The first message when the connection itself did not say it."""

    token: str


class Hello(msgspec.Struct, frozen=True, tag="hello", forbid_unknown_fields=True):
    """Where to go on from (a cursor) and what to hear; `presence`: who else is here too. `name` is shown to those."""

    since: str | None = None
    filter: Filter = Filter()
    presence: bool = False
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", forbid_unknown_fields=True):
    """Another filter from now on."""

    filter: Filter


class AuthRefresh(msgspec.Struct, frozen=True, tag="auth.refresh", forbid_unknown_fields=True):
    """A newer token of the same subject."""

    token: str


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to a ping."""


Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
"""A member's name for a command: the answer carries it, and sending a create again with it makes no second render."""


class RenderCreate(msgspec.Struct, frozen=True, tag="render.create", forbid_unknown_fields=True):
    """Submit a render; `data` is the body of `POST /projects/{id}/renders`."""

    ref: Ref
    data: dict[str, Any]


class RenderCancel(msgspec.Struct, frozen=True, tag="render.cancel", forbid_unknown_fields=True):
    """Stop a render."""

    ref: Ref
    render_id: str


class RenderRetry(msgspec.Struct, frozen=True, tag="render.retry", forbid_unknown_fields=True):
    """Start a failed render anew."""

    ref: Ref
    render_id: str


Command = RenderCreate | RenderCancel | RenderRetry
ClientMessage = Auth | Hello | Subscribe | AuthRefresh | Pong | Command


# --- what a member is told ---------------------------------------------------------------------------------------


class Watcher(msgspec.Struct, frozen=True):
    """Somebody in the room; `name` is what the hello said, checked by nobody."""

    connection: str
    user_id: str
    name: str | None = None


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The member is in. `recovered`: every event after its cursor follows; else a snapshot does.

    `members` are those in the room, the first hundred of `count`; null unless the hello asked for presence.
    """

    connection: str
    epoch: str
    seq: int
    recovered: bool
    ping_s: int
    token_expires_at: datetime | None
    count: int | None = None
    members: list[Watcher] | None = None


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """The renders as they are at `seq`, newest first; `more`: there are older ones that are at an end."""

    seq: int
    renders: list[RenderState]
    more: bool


class RenderProgress(msgspec.Struct, frozen=True, tag="render.progress"):
    """How far a render is. Only the newest is ever sent."""

    render_id: str
    data: Progress


class RenderPreview(msgspec.Struct, frozen=True, tag="render.preview"):
    """A small picture of the newest frame, about once a second, for members whose filter asks for `preview`."""

    render_id: str
    data: Picture


class PresenceNews(msgspec.Struct, frozen=True, tag="presence"):
    """Who is in the room now, for those who asked; at most once a second, and only the newest is ever sent.

    `members` are the first hundred of `count`; `joined` and `left` are what changed among them since the news before.
    """

    count: int
    members: list[Watcher]
    joined: list[Watcher]
    left: list[Watcher]


class CursorMark(msgspec.Struct, frozen=True, tag="cursor"):
    """The member is complete up to `seq`; said while its filter hides durable events."""

    seq: int


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """A command was carried out; `deduplicated`: an earlier one with this ref had made the render."""

    ref: str
    render_id: str
    status: RenderStatus
    deduplicated: bool = False


class AuthExpiring(msgspec.Struct, frozen=True, tag="auth.expiring"):
    """The token ends soon: refresh it."""

    in_s: int


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Answer with a pong."""


class Error(msgspec.Struct, frozen=True, omit_defaults=True, tag="error"):
    """A command failed (with its `ref`), or the connection cannot go on and a close follows.

    Codes are those of `docs/errors.md`, and `timed_out`.
    """

    code: str
    message: str
    retryable: bool
    ref: str | None = None
    errors: list[FieldError] = []
    retry_after_s: float | None = None


ServerMessage = (
    Welcome | Snapshot | RenderProgress | RenderPreview | PresenceNews | CursorMark | Ack | AuthExpiring | Ping | Error
)


# --- how it is closed --------------------------------------------------------------------------------------------


class CloseCode(msgspec.Struct, frozen=True):
    """Why the server closes, and what a client does then; `reconnect`: with the credential it has."""

    code: int
    meaning: str
    client_does: str
    reconnect: bool


BAD_MESSAGE: Final = 4400
BAD_TOKEN: Final = 4401
FORBIDDEN: Final = 4403
NO_PROJECT: Final = 4404
TIMED_OUT: Final = 4408
TOO_MANY: Final = 4429
DEPLOYING: Final = 1012
OVERLOADED: Final = 1013

CLOSE_CODES: Final[Mapping[int, CloseCode]] = {
    code.code: code
    for code in (
        CloseCode(BAD_MESSAGE, "a malformed message, an unknown type, a frame above 64 KiB", "stop", False),
        CloseCode(BAD_TOKEN, "the token is bad or expired", "refresh the token, reconnect, resume", False),
        CloseCode(FORBIDDEN, "authenticated, but the scope or the origin does not allow it", "stop", False),
        CloseCode(NO_PROJECT, "no such project, or not yours", "stop", False),
        CloseCode(TIMED_OUT, "no authentication or hello within 10 s, or no pong", "reconnect, resume", True),
        CloseCode(TOO_MANY, "too many connections or commands", "wait `retry_after_s`, reconnect, resume", True),
        CloseCode(DEPLOYING, "the server is being deployed", "reconnect after 0-5 s of jitter, resume", True),
        CloseCode(OVERLOADED, "overloaded, or this client is too slow", "back off, reconnect, resume", True),
    )
}

_CLOSE_BY_STATUS: Final = {
    400: BAD_MESSAGE,
    401: BAD_TOKEN,
    403: FORBIDDEN,
    404: NO_PROJECT,
    422: BAD_MESSAGE,
    429: TOO_MANY,
}


def close_code_of(error: RenderOwlError) -> int:
    """The close code that tells a client the same as this error's HTTP status."""
    return _CLOSE_BY_STATUS.get(error.status, OVERLOADED)


def error_of(error: RenderOwlError, ref: str | None = None) -> Error:
    """The error as a message, the answer to the command `ref` if there is one."""
    return Error(error.code, error.detail, error.retryable, ref, list(error.errors), error.retry_after_s)


# --- bytes and back ----------------------------------------------------------------------------------------------

_client_message: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(ClientMessage)


class PlainProgress(msgspec.Struct, frozen=True):
    """Exactly what the source document has under `data`."""

    percent: float
    current_frame: int
    total_frames: int


class PlainRenderProgress(msgspec.Struct, frozen=True, tag="render.progress"):
    """How far a render is, as plain members hear it."""

    render_id: str
    data: PlainProgress


class PlainEvent(msgspec.Struct, frozen=True):
    """A durable event of a render, as plain members hear it."""

    type: DurableType
    render_id: str
    data: dict[str, Any]


def read(text: str | bytes) -> ClientMessage:
    """A member's message. Raises msgspec.DecodeError for anything that is not one, saying where."""
    return _client_message.decode(text)


def read_event(body: bytes | msgspec.Raw) -> Event:
    """A durable event as the bus carries it."""
    return msgspec.json.decode(body, type=Event)


def expiry_of(principal: Principal) -> datetime | None:
    """When the credential ends, if it does."""
    if principal.expires_at is None:
        return None
    return datetime.fromtimestamp(principal.expires_at).astimezone()

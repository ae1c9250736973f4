"""One member's side of the socket without any socket: messages and a clock in, actions out.

The caller performs the actions in order and reports back (`authenticated`, `joined`, `refused`). Times are seconds of
one monotonic clock. Two modes: `renderowl.v1` with hello and welcome, and plain, where being authenticated is enough and
only the source document's messages are sent.
"""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from renderowl.domain.errors import MalformedRequest, RateLimited, RenderOwlError, Unauthenticated
from renderowl.domain.events import Cursor
from renderowl.ws import frames
from renderowl.ws.frames import Filter

PATIENCE_S: Final = 10.0
"""For authentication, for the hello after it, and for a pong."""
PING_S: Final = 25
WARN_BEFORE_S: Final = 60.0
GRACE_S: Final = 25.0
"""How long a member may stay after its token's end, so that a late refresh does not cost a reconnect."""

COMMANDS_PER_S: Final = 20

_NEVER: Final = float("inf")


class Authenticate(msgspec.Struct, frozen=True):
    """Find out who this is and that they may see the project; then call `authenticated` or `refused`."""

    credential: str


class Redeem(msgspec.Struct, frozen=True):
    """The same with a one-time ticket."""

    ticket: str


class Join(msgspec.Struct, frozen=True):
    """Enter the room, read it, call `joined` and send what was read; or `refused`."""

    since: Cursor | None
    filter: Filter
    presence: bool = False
    name: str | None = None


class Refilter(msgspec.Struct, frozen=True):
    """Use this filter from now on."""

    filter: Filter


class Perform(msgspec.Struct, frozen=True):
    """Carry out this command and say `Ack`, or an `Error` with its ref; the connection goes on."""

    command: frames.Command


class Send(msgspec.Struct, frozen=True):
    """Say this."""

    message: frames.ServerMessage


class Close(msgspec.Struct, frozen=True):
    """Send what is pending, then close. Nothing follows."""

    code: int
    reason: str


Here = tuple[int, list[frames.Watcher]]
"""How many are in a room, and the first of them."""
Said = Send | Close
Action = Authenticate | Redeem | Join | Refilter | Perform | Said


class _State(enum.Enum):
    NAMELESS = "waits for an auth message"
    ASKED = "waits for the answer to its credential"
    SILENT = "waits for a hello"
    JOINING = "waits for the room"
    MEMBER = "in the room"
    CLOSED = "closed"


class Protocol:
    """The rules of one connection, named `connection`."""

    def __init__(self, connection: str, *, plain: bool, now: float) -> None:
        self.connection = connection
        self.plain = plain
        self._state = _State.NAMELESS
        self._subject: str | None = None
        self._commands: list[float] = []
        self._patience = now + PATIENCE_S
        self._ping_at = _NEVER
        self._warn_at = _NEVER
        self._expires_at = _NEVER
        self._token_expires_at: datetime | None = None

    @property
    def closed(self) -> bool:
        """True once a Close was given."""
        return self._state is _State.CLOSED

    @property
    def due(self) -> float:
        """When `tick` has to be called at the latest."""
        if self.closed:
            return _NEVER
        return min(self._patience, self._ping_at, self._warn_at, self._expires_at + GRACE_S)

    def start(self, offered: Authenticate | Redeem | None) -> Sequence[Action]:
        """What to do as soon as the connection is accepted; `offered` is what it said itself of its caller."""
        if offered is None or self.closed:
            return []
        self._state = _State.ASKED
        return [offered]

    def receive(self, text: str | bytes, now: float) -> Sequence[Action]:
        """A message of the member."""
        if self.closed:
            return []
        if len(text.encode() if isinstance(text, str) else text) > frames.MAX_FRAME_BYTES:
            return self.refused(MalformedRequest(f"a message has at most {frames.MAX_FRAME_BYTES} bytes"))
        try:
            message = frames.read(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self.refused(MalformedRequest(f"this is not a message of {frames.SUBPROTOCOL}: {error}"))
        if self._state in (_State.SILENT, _State.MEMBER):
            self._heard(now)
        return self._on(message, now)

    def _on(self, message: frames.ClientMessage, now: float) -> Sequence[Action]:
        match message:
            case frames.Auth(token) | frames.AuthRefresh(token):
                if self._state is _State.NAMELESS:
                    self._state = _State.ASKED
                return self._paced(Authenticate(token), now)
            case frames.Hello() if self._state is _State.SILENT:
                since = None if message.since is None else Cursor.parse(message.since)
                return self._join(Join(since, message.filter, message.presence, message.name))
            case frames.Subscribe() if self._state is _State.MEMBER:
                return [Refilter(message.filter)]
            case frames.RenderCreate() | frames.RenderCancel() | frames.RenderRetry() if self._state is _State.MEMBER:
                return self._paced(Perform(message), now)
            case frames.Pong():
                return []
        if self._state is _State.NAMELESS:
            return self.refused(Unauthenticated("the first message must be `auth`"))
        return self.refused(MalformedRequest(f"`{type(message).__struct_config__.tag}` cannot be said now"))

    def authenticated(
        self, subject: str, expires_in_s: float | None, token_expires_at: datetime | None, now: float
    ) -> Sequence[Action]:
        """The credential is good, is `subject`'s, and may see the project."""
        if self.closed:
            return []
        if self._subject not in (None, subject):
            return self.refused(Unauthenticated("a refresh keeps the subject"))
        self._subject = subject
        self._token_expires_at = token_expires_at
        self._expires_at = _NEVER if expires_in_s is None else now + expires_in_s
        self._warn_at = max(now, self._expires_at - WARN_BEFORE_S) if not self.plain else _NEVER
        if self._state is not _State.ASKED:
            return []
        if self.plain:
            return self._join(Join(None, Filter()))
        self._state = _State.SILENT
        self._patience = now + PATIENCE_S
        return []

    def joined(self, cursor: Cursor, recovered: bool, now: float, here: Here | None = None) -> Sequence[Action]:
        """The room has been read; what was read is sent after these actions. `here` is who is in it, if asked for."""
        if self.closed:
            return []
        self._state = _State.MEMBER
        if self.plain:
            return []
        self._ping_at = now + PING_S
        count, members = here or (None, None)
        welcome = frames.Welcome(
            self.connection, cursor.epoch, cursor.seq, recovered, PING_S, self._token_expires_at, count, members
        )
        return [Send(welcome)]

    def refused(self, error: RenderOwlError) -> Sequence[Said]:
        """Something cannot be done: say why, then close with the code that tells the client what to do."""
        return self._close(frames.error_of(error), frames.close_code_of(error))

    def tick(self, now: float) -> Sequence[Said]:
        """What time alone brings: a ping, a warning, the end of patience or of the token."""
        if self.closed:
            return []
        if now >= self._patience:
            what = {_State.SILENT: "hello", _State.MEMBER: "pong"}.get(self._state, "authentication")
            error = frames.Error("timed_out", f"no {what} within {PATIENCE_S:.0f} s", retryable=True)
            return self._close(error, frames.TIMED_OUT)
        if now >= self._expires_at + GRACE_S:
            return self.refused(Unauthenticated("the token has expired"))
        actions: list[Said] = []
        if now >= self._warn_at:
            self._warn_at = _NEVER
            actions.append(Send(frames.AuthExpiring(max(0, round(self._expires_at - now)))))
        if now >= self._ping_at:
            self._ping_at = _NEVER
            self._patience = now + PATIENCE_S
            actions.append(Send(frames.Ping()))
        return actions

    def _join(self, join: Join) -> Sequence[Action]:
        self._state = _State.JOINING
        self._patience = _NEVER
        return [join]

    def _paced(self, action: Perform | Authenticate, now: float) -> Sequence[Action]:
        """The action, unless the member asks for too many that cost us queries."""
        self._commands = [at for at in self._commands if at > now - 1]
        if len(self._commands) >= COMMANDS_PER_S:
            return self.refused(RateLimited(f"at most {COMMANDS_PER_S} commands a second", retry_after_s=1))
        self._commands.append(now)
        return [action]

    def _heard(self, now: float) -> None:
        """Any message shows that the member lives."""
        if self._state is _State.MEMBER and not self.plain:
            self._patience = _NEVER
            self._ping_at = now + PING_S

    def _close(self, error: frames.Error, code: int) -> Sequence[Said]:
        if self.closed:
            return []
        self._state = _State.CLOSED
        return [Send(error), Close(code, error.message)]

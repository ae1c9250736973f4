"""The socket `/ws/projects/{id}/renders`: joins the protocol, the member and the hub to a real connection."""

import asyncio
import base64
import binascii
import contextlib
import time
from collections.abc import Sequence
from typing import Final, assert_never
from urllib.parse import parse_qs, urlsplit

import structlog
from litestar import WebSocket, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from renderowl.domain.errors import Forbidden, Internal, RenderOwlError, Unauthenticated
from renderowl.domain.ids import new_id
from renderowl.domain.records import Principal
from renderowl.services import accounts, projects
from renderowl.services.context import Context
from renderowl.ws import frames
from renderowl.ws.commands import perform
from renderowl.ws.hub import Hub
from renderowl.ws.member import Member
from renderowl.ws.protocol import (
    Action,
    Authenticate,
    Close,
    Join,
    Perform,
    Protocol,
    Redeem,
    Refilter,
    Said,
    Send,
    forbidden_origin,
)

log = structlog.get_logger(__name__)

PATH: Final = "/ws/projects/{project_id:str}/renders"

_CLOSE_S: Final = 1.0
_REASON_BYTES: Final = 123
_GONE: Final = (OSError, WebSocketDisconnect, RuntimeError)
"""What sending raises once the other side, or the server itself (RuntimeError), has closed."""
_SECRET_PARAMETERS: Final = frozenset({"token", "access_token", "api_key", "key", "auth", "authorization", "bearer"})


def websocket_route(hub: Hub, ctx: Context) -> WebsocketRouteHandler:
    """The route to mount. It authenticates by itself: no guard or middleware may close it before it is accepted."""

    @websocket(PATH, opt={"authenticates_itself": True})
    async def room(socket: WebSocket[object, object, State]) -> None:
        await _Session(hub, ctx, socket, socket.path_params["project_id"]).run()

    return room


class _Session:
    """One connection: a task that receives, a task that sends, and the rules between them."""

    def __init__(self, hub: Hub, ctx: Context, socket: WebSocket[object, object, State], project_id: str) -> None:
        self._hub = hub
        self._ctx = ctx
        self._socket = socket
        self._project_id = project_id
        self._subprotocols = [
            part.strip() for part in socket.headers.get("sec-websocket-protocol", "").split(",") if part.strip()
        ]
        self._principal: Principal | None = None
        self._memberships = contextlib.AsyncExitStack()
        self._member = Member(hub.clock, abort=self._abort)
        self._sender: asyncio.Task[None] | None = None
        self._protocol = Protocol(new_id("con"), plain=frames.SUBPROTOCOL not in self._subprotocols, now=hub.clock())

    async def run(self) -> None:
        """Serve the connection to its end. Accepts first: a close before that tells a browser nothing."""
        await self._socket.accept(subprotocols=None if self._protocol.plain else frames.SUBPROTOCOL)
        self._sender = asyncio.create_task(self._send())
        receiver = asyncio.create_task(self._receive())
        watcher = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({self._sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
            if receiver.done() and (error := receiver.exception()) is not None:
                log.error("socket_failed", project_id=self._project_id, exc_info=error)
                self._say(self._protocol.refused(Internal()))
                await asyncio.wait({self._sender}, timeout=_CLOSE_S)
        finally:
            await _end(self._sender, receiver, watcher)
            await self._memberships.aclose()
            if self._member.closing is not None:
                await self._close(self._member.closing)

    # --- receiving ---------------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        try:
            offered = self._offered()
        except RenderOwlError as error:
            self._say(self._protocol.refused(error))
        else:
            await self._perform(self._protocol.start(offered))
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message["type"] == "websocket.receive":
                said = message.get("text") or message.get("bytes") or b""
                await self._perform(self._protocol.receive(said, self._hub.clock()))

    def _offered(self) -> Authenticate | Redeem | None:
        """What the connection itself says of its caller. Raises for a foreign page and for a secret in the URL."""
        origin = self._origin
        if origin is not None and not is_allowed(
            origin, self._ctx.settings.base_url, self._ctx.settings.allowed_origins
        ):
            raise forbidden_origin(origin)
        query = parse_qs(self._socket.scope["query_string"].decode("latin-1"))
        if _SECRET_PARAMETERS & {name.lower() for name in query}:
            raise Unauthenticated("a URL ends up in logs: send the token in a header, or a one-time `?ticket=`")
        if (header := self._socket.headers.get("authorization")) is not None:
            scheme, _, credential = header.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("the Authorization header must be `Bearer <key or token>`")
            return Authenticate(credential.strip())
        for name in self._subprotocols:
            if name.startswith(frames.BEARER_SUBPROTOCOL):
                return Authenticate(_decode(name.removeprefix(frames.BEARER_SUBPROTOCOL)))
        return Redeem(query["ticket"][0]) if "ticket" in query else None

    @property
    def _origin(self) -> str | None:
        """The page that opened the socket; None for a program."""
        return self._socket.headers.get("origin")

    async def _perform(self, actions: Sequence[Action]) -> None:
        """Do what the protocol says, one after the other, until it has nothing more to say."""
        for action in actions:
            match action:
                case Send() | Close():
                    self._say([action])
                case Refilter():
                    self._member.filter = action.filter
                case Perform():
                    await self._command(action.command)
                case Authenticate() | Redeem() | Join():
                    try:
                        following = await (self._join(action) if isinstance(action, Join) else self._identify(action))
                    except RenderOwlError as error:
                        following = self._protocol.refused(error)
                    await self._perform(following)
                case _:
                    assert_never(action)

    async def _identify(self, action: Authenticate | Redeem) -> Sequence[Action]:
        """Find out who is calling and whether they may see the project."""
        if isinstance(action, Redeem):
            principal = await accounts.redeem_ticket(
                self._ctx, action.ticket, project_id=self._project_id, origin=self._origin
            )
        else:
            principal = await accounts.authenticate(self._ctx, action.credential)
        await projects.get(self._ctx, principal, self._project_id)
        self._principal = principal
        expires_in_s = None if principal.expires_at is None else principal.expires_at - time.time()
        return self._protocol.authenticated(
            principal.user_id, expires_in_s, frames.expiry_of(principal), self._hub.clock()
        )

    async def _join(self, action: Join) -> Sequence[Action]:
        """Enter first, read then: what happens in between waits in the member."""
        if self._principal is None:
            raise Unauthenticated
        self._member.filter = action.filter
        await self._memberships.enter_async_context(self._hub.membership(self._project_id, self._member))
        opening = await self._hub.open_room(self._principal, self._project_id, action.since)
        await self._perform(self._protocol.joined(opening.cursor, opening.recovered, self._hub.clock()))
        self._member.begin(opening)
        return []

    async def _command(self, command: frames.Command) -> None:
        """Carry out a command for a caller who may still give it; a failure is the answer, not the end."""
        assert self._principal is not None
        try:
            if not await accounts.still_good(self._ctx, self._principal):
                self._say(self._protocol.refused(Forbidden("the credential was revoked or has ended")))
                return
            self._member.say(await perform(self._ctx, self._principal, self._project_id, command))
        except RenderOwlError as error:
            self._member.say(frames.error_of(error, command.ref))

    async def _watch(self) -> None:
        """Send a member away whose credential is revoked while it only listens."""
        while True:
            await asyncio.sleep(self._hub.recheck_s)
            if self._principal is not None and await self._hub.is_revoked(self._principal):
                self._say(self._protocol.refused(Forbidden("the credential was revoked")))

    # --- sending -----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        """The only one who sends: words as they come, and what time brings."""
        with contextlib.suppress(*_GONE):
            while True:
                now = self._hub.clock()
                self._say(self._protocol.tick(now))
                words = self._member.take(now)
                for word in words:
                    text = word.plain if self._protocol.plain else word.text
                    if text is not None:
                        await self._socket.send({"type": "websocket.send", "text": text, "bytes": None})
                if words:
                    continue
                if self._member.closing is not None:
                    return
                await self._member.wait(min(self._protocol.due, self._member.due()) - now)

    def _say(self, said: Sequence[Said]) -> None:
        for action in said:
            match action:
                case Send():
                    self._member.say(action.message)
                case Close():
                    self._member.close(action)

    def _abort(self) -> None:
        if self._sender is not None:
            self._sender.cancel()

    async def _close(self, close: Close) -> None:
        """Close the socket; one that takes nothing is left to the server."""
        reason = close.reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        with contextlib.suppress(*_GONE, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close(code=close.code, reason=reason)


def is_allowed(origin: str, base_url: str, allowed: Sequence[str]) -> bool:
    """Tell whether a page of `origin` may open sockets: one of ours, or one that the settings name."""
    wanted = _origin_of(origin)
    return wanted is not None and wanted in {_origin_of(one) for one in (base_url, *allowed)}


def _origin_of(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for `null` and other things that are no origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.scheme and parts.hostname else None


def _decode(text: str) -> str:
    """Base64url without padding, as subprotocol names cannot hold `=`."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise Unauthenticated("the bearer subprotocol is not base64url") from None


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""The socket `/ws/projects/{id}/renders`: from the handshake to a session."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from litestar import asgi
from litestar.datastructures import Headers
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from renderowl.domain.errors import Forbidden, RenderOwlError, Unauthenticated
from renderowl.services.context import Context
from renderowl.ws import frames
from renderowl.ws.door import RETRY_S, full
from renderowl.ws.hub import Hub
from renderowl.ws.link import link_of
from renderowl.ws.protocol import Authenticate, Close, Redeem
from renderowl.ws.session import Session

PATH: Final = "/ws/projects/{project_id:str}/renders"

_SECRET_PARAMETERS: Final = frozenset({"token", "access_token", "api_key", "key", "auth", "authorization", "bearer"})


def websocket_route(hub: Hub, ctx: Context) -> ASGIRouteHandler:
    """The route to mount. It authenticates by itself: no guard or middleware may close it before it is accepted.

    It is plain ASGI: a socket that only listens would else hold on to a dozen objects of the framework.
    """

    @asgi(PATH, opt={"authenticates_itself": True}, copy_scope=False)
    async def room(scope: Scope, receive: Receive, send: Send) -> None:
        if hub.door.full:
            await _refuse(cast(Any, send))
            return
        with hub.door.connection():
            await _serve(hub, ctx, scope, cast(Any, receive), cast(Any, send))

    return room


async def _serve(hub: Hub, ctx: Context, scope: Any, receive: Any, send: Any) -> None:
    """Accept first: a close before that tells a browser nothing."""
    headers = Headers.from_scope(scope)
    subprotocols = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",") if part.strip()]
    plain = frames.SUBPROTOCOL not in subprotocols
    origin = headers.get("origin")
    offered: Authenticate | Redeem | RenderOwlError | None
    try:
        check_origin(origin, ctx.settings.base_url, ctx.settings.allowed_origins)
        offered = offered_by(headers.get("authorization"), subprotocols, scope["query_string"].decode("latin-1"))
    except RenderOwlError as error:
        offered = error

    async def close(close: Close) -> None:
        await send({"type": "websocket.close", "code": close.code, "reason": close.reason})

    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": None if plain else frames.SUBPROTOCOL, "headers": []})
    session = Session(hub, ctx, link_of(scope), scope["path_params"]["project_id"], plain=plain, origin=origin)
    await session.run(offered, receive, close)


async def _refuse(send: Any) -> None:
    """Answer the handshake with 503: a process that is full cannot afford to accept in order to explain itself."""
    error = full()
    body = {"type": "about:blank", "title": error.title, "status": 503, "detail": error.detail, "code": error.code}
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"%d" % RETRY_S)]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": msgspec.json.encode(body), "more_body": False})


def offered_by(authorization: str | None, subprotocols: Sequence[str], query: str) -> Authenticate | Redeem | None:
    """What a handshake says of its caller. Raises Unauthenticated for a secret in the URL or one that is unreadable."""
    parameters = parse_qs(query)
    if _SECRET_PARAMETERS & {name.lower() for name in parameters}:
        raise Unauthenticated("a URL ends up in logs: send the token in a header, or a one-time `?ticket=`")
    if authorization is not None:
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("the Authorization header must be `Bearer <key or token>`")
        return Authenticate(credential.strip())
    for name in subprotocols:
        if name.startswith(frames.BEARER_SUBPROTOCOL):
            return Authenticate(_decode(name.removeprefix(frames.BEARER_SUBPROTOCOL)))
    return Redeem(parameters["ticket"][0]) if "ticket" in parameters else None


def check_origin(origin: str | None, base_url: str, allowed: Sequence[str]) -> None:
    """Raise Forbidden for a page that may not open sockets. None is a program, which is no page."""
    if origin is not None and not is_allowed(origin, base_url, allowed):
        raise Forbidden(f"pages of {origin} may not open sockets here; see RENDEROWL_ALLOWED_ORIGINS")


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

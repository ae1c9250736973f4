"""Rate limits at the door of every route, and what each answer says of them.

`X-RateLimit-*` are the headers that most clients know, `RateLimit` and `RateLimit-Policy` those of the IETF's draft
(draft-ietf-httpapi-ratelimit-headers-10).
"""

import math
import time
from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from renderowl.api.access import CALLER, caller_of
from renderowl.api.peers import address_of
from renderowl.domain.records import Principal
from renderowl.limits.base import Standing
from renderowl.services import limits
from renderowl.services.callers import key_of
from renderowl.services.context import Context
from renderowl.services.usage import Tally

UNLIMITED: Final = {"unlimited": True}
"""`opt=UNLIMITED` of a handler or router: its requests are not counted, and nobody asks who sent them before it does."""

_STANDING: Final = "renderowl.standing"
_FAILED: Final = 400


async def count_request(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: count the request of its account, or of its address without a good credential. Raises RateLimited."""
    if handler.opt.get("unlimited"):
        return
    assert isinstance(connection, Request), "rooms are not behind this guard"
    ctx: Context = connection.app.state["context"]
    caller = await caller_of(connection)
    known = caller if isinstance(caller, Principal) else None
    standing = await limits.count_request(ctx, known, address_of(connection.scope))
    if standing is not None:
        connection.scope["state"][_STANDING] = standing
        if not standing.admitted:
            raise limits.refusal(standing, known)


def accounted(app: ASGIApp, tally: Tally) -> ASGIApp:
    """ASGI middleware: every answer says where its caller stands, and is counted for the key it was asked with."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return

        async def send_with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                state: Any = scope.get("state") or {}
                message["headers"] = [*message.get("headers", []), *_headers(state.get(_STANDING))]
                caller = state.get(CALLER)
                if isinstance(caller, Principal):
                    _count(tally, caller, scope, message)
            await send(message)

        await app(scope, receive, send_with_standing)

    return middleware


def _count(tally: Tally, caller: Principal, scope: Any, start: Any) -> None:
    """Count the answer, and keep it from being kept: it is for this caller."""
    if (key_id := key_of(caller)) is not None:
        route = f"{scope['method']} {scope['path_template']}"
        tally.count(key_id, route, failed=start["status"] >= _FAILED)
    if not any(name == b"cache-control" for name, _ in start["headers"]):
        start["headers"].append((b"cache-control", b"no-store"))


def _headers(standing: Standing | None) -> list[tuple[bytes, bytes]]:
    if standing is None:
        return []
    window, name = standing.window, standing.window.name.encode()
    return [
        (b"x-ratelimit-limit", b"%d" % window.amount),
        (b"x-ratelimit-remaining", b"%d" % standing.remaining),
        (b"x-ratelimit-reset", b"%d" % math.ceil(time.time() + standing.reset_s)),
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, window.amount, window.seconds)),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, standing.remaining, math.ceil(standing.reset_s))),
    ]

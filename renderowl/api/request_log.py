"""A request's id: given back as X-Request-ID, bound to every log line, and one line at the end of each request."""

import contextlib
import re
import time
from typing import Any, Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from renderowl.domain.ids import new_id
from renderowl.services.tracing import Span, span

log = structlog.get_logger(__name__)

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_QUIET: Final = ("/health", "/healthz", "/readyz", "/metrics")
_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


def request_log(app: ASGIApp) -> ASGIApp:
    """ASGI middleware around everything. Query strings are never logged: they may hold signatures."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        request_id = given if _GIVEN_ID.fullmatch(given) else new_id("req")
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers: Any = [*message.get("headers", []), (b"x-request-id", request_id.encode()), *_HEADERS]
                message["headers"] = headers
            await send(message)

        given_trace = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        parent = None if given_trace is None else given_trace.decode("latin-1")
        quiet = scope["path"] in _QUIET
        try:
            with (
                contextlib.nullcontext(Span()) if quiet else span(scope["method"], parent=parent, kind="server") as told
            ):
                await app(scope, receive, send_with_id)
                told.name(f"{scope['method']} {scope.get('path_template') or ''}".strip())
                told.note(request_id=request_id, status=status)
        finally:
            level = log.debug if quiet else log.info
            level(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")

    return middleware

"""What comes with every answer: the request's id, bound to every log line too, headers for browsers, and a line at its end."""

import contextlib
import re
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from renderowl.api.peers import comes_from, networks
from renderowl.domain.ids import new_id
from renderowl.services.tracing import Span, span

log = structlog.get_logger(__name__)

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SIGNED_PATH: Final = re.compile(r"^(/play/)[^/]*")
_QUIET: Final = ("/health", "/healthz", "/readyz", "/metrics")
_FOR_BROWSERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Answers are data. A page that has a policy of its own keeps it."""


def request_log(app: ASGIApp, trusted_proxies: Sequence[str] = ()) -> ASGIApp:
    """ASGI middleware around everything. Query strings are never logged: they may hold signatures.

    Requests of `trusted_proxies` go on in the trace they come with; those of others begin one that only links to it.
    """
    trusted = networks(trusted_proxies)

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
                headers: Any = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                said = {name for name, _ in headers}
                message["headers"] = headers + [header for header in _FOR_BROWSERS if header[0] not in said]
            await send(message)

        given_trace = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        caller_trace = None if given_trace is None else given_trace.decode("latin-1")
        parent, link = (caller_trace, None) if comes_from(scope, trusted) else (None, caller_trace)
        quiet = scope["path"] in _QUIET
        try:
            with (
                contextlib.nullcontext(Span())
                if quiet
                else span(scope["method"], parent=parent, link=link, kind="server") as told
            ):
                await app(scope, receive, send_with_id)
                told.name(f"{scope['method']} {scope.get('path_template') or ''}".strip())
                told.note(request_id=request_id, status=status)
        finally:
            level = log.debug if quiet else log.info
            level(
                "request",
                method=scope["method"],
                path=_shown(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")

    return middleware


def _shown(path: str) -> str:
    """The path as it is logged: what signs a playlist's is left out."""
    return _SIGNED_PATH.sub(r"\1...", path)

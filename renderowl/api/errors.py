"""Errors as RFC 9457 problem documents. An unexpected exception says nothing of itself to the caller; it is logged."""

import http
import math
import re
from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.exceptions import ValidationException as LitestarValidation
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send

from renderowl.domain.errors import (
    ERRORS,
    FieldError,
    Internal,
    MethodNotAllowed,
    NotFound,
    RenderOwlError,
    SpentQuota,
    Unavailable,
    ValidationFailed,
)

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem document; `code` is stable, `errors` names fields by JSON pointer, `quota` what is used up."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str | None = None
    errors: list[FieldError] = []
    quota: SpentQuota | None = None


def problem_of(error: RenderOwlError, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer with an error of the domain."""
    headers = {"content-type": PROBLEM_TYPE}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.status == http.HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    body = Problem(
        type=f"urn:renderowl:error:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=request.url.path,
        code=error.code,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        errors=list(error.errors),
        quota=error.quota,
    )
    return Response(msgspec.json.encode(body), status_code=error.status, headers=headers, media_type=MediaType.TEXT)


def answer_error(request: Request[Any, Any, Any], error: RenderOwlError) -> Response[bytes]:
    """Handler of our own errors."""
    if error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", code=error.code, detail=error.detail, exc_info=error.__cause__ or error)
    return problem_of(error, request)


def answer_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Handler of what Litestar raises: no route, wrong method, bad parameters, a body too large."""
    if isinstance(error, LitestarValidation):
        fields = [
            FieldError("/" + str(item.get("key", "")).replace(".", "/"), str(item.get("message", "is not valid")))
            for item in error.extra or []
            if isinstance(item, dict)
        ]
        return problem_of(ValidationFailed(errors=fields), request)
    if error.status_code == http.HTTPStatus.NOT_FOUND:
        return problem_of(NotFound(f"there is no route {request.url.path}; /openapi.json lists them"), request)
    if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        refused = problem_of(MethodNotAllowed(f"{request.url.path} does not take {request.method}"), request)
        refused.headers["allow"] = (error.headers or {}).get("allow", "")
        return refused
    by_status = {cls.status: cls for cls in (ERRORS["payload_too_large"], ERRORS["unsupported_media_type"])}
    known = by_status.get(error.status_code, ERRORS["malformed_request"])
    if error.status_code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unexpected(request, error)
    return problem_of(known(error.detail), request)


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Handler of everything else: a bug of ours, or a part that is away."""
    if isinstance(error, ConnectionError | TimeoutError):
        log.warning("part_unavailable", exc_info=error)
        return problem_of(Unavailable("a part of the service is not available now", retry_after_s=1), request)
    log.error("request_crashed", exc_info=error)
    return problem_of(Internal("the request could not be answered; its id helps to find out why"), request)


def told_of_sockets(app: ASGIApp, path: str) -> ASGIApp:
    """ASGI middleware: who asks for a socket by plain HTTP is told what it is, which Litestar finds no route for."""
    socket = re.compile(re.sub(r"{.*?}", "[^/]+", path) + "/?")

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not socket.fullmatch(scope["path"]):
            await app(scope, receive, send)
            return
        told = problem_of(NotFound("this is a WebSocket: open it with ws:// or wss://"), Request(scope))
        answer = ASGIResponse(body=told.content, status_code=told.status_code or 404, media_type=PROBLEM_TYPE)
        await answer(scope, receive, send)

    return middleware

"""Who is calling: from the request's credential to a Principal, looked up once a request."""

from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery

from renderowl.api.session_cookie import session_of
from renderowl.domain.errors import Forbidden, RenderOwlError, Unauthenticated
from renderowl.domain.records import Principal
from renderowl.services import callers
from renderowl.services.context import Context
from renderowl.services.paging import DEFAULT_LIMIT, MAX_LIMIT, PageRequest

CALLER: Final = "renderowl.caller"
"""Under this name a request's state has its Principal, or the error that says why it has none."""

Ctx = NamedDependency[Context]
Caller = NamedDependency[Principal]
PageAsked = NamedDependency[PageRequest]
"""The dependencies of handlers by their names in `app.py`: `ctx`, `principal`, `page`."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def provide_context(request: Request[Any, Any, Any]) -> Context:
    """The service's parts."""
    ctx: Context = request.app.state["context"]
    return ctx


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """The caller, for handlers that need one. Raises Unauthenticated, Forbidden."""
    caller = await caller_of(request)
    if isinstance(caller, RenderOwlError):
        raise caller
    return caller


async def caller_known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of routes that read much: nobody's body is read before it is known whose it is."""
    assert isinstance(connection, Request), "only requests have bodies"
    await provide_principal(connection)


async def caller_of(request: Request[Any, Any, Any]) -> Principal | RenderOwlError:
    """The caller, from `Authorization: Bearer` or the session cookie, or why it is not known.

    A cookie is sent by browsers whether the user means it or not: a write with it must come from an allowed origin.
    """
    state = request.scope["state"]
    if CALLER not in state:
        try:
            state[CALLER] = await _identify(request)
        except RenderOwlError as error:
            state[CALLER] = error
    found: Principal | RenderOwlError = state[CALLER]
    return found


async def _identify(request: Request[Any, Any, Any]) -> Principal:
    ctx: Context = request.app.state["context"]
    header = request.headers.get("authorization", "")
    scheme, _, credential = header.partition(" ")
    if header:
        if scheme.lower() != "bearer" or not credential.strip():
            raise Unauthenticated("the Authorization header must be `Bearer <key or token>`")
        return await callers.authenticate(ctx, credential.strip())
    cookie = session_of(request, ctx.settings)
    if cookie is None:
        raise Unauthenticated("send `Authorization: Bearer <key or token>`")
    if request.method not in _SAFE and not comes_from_us(request):
        raise Forbidden("a write with the session cookie must come from a page of an allowed origin")
    return await callers.authenticate(ctx, cookie)


def comes_from_us(request: Request[Any, Any, Any]) -> bool:
    """Tell whether a page of an allowed origin sent this; a program, which names no origin, did not."""
    ctx: Context = request.app.state["context"]
    return request.headers.get("origin") in {*ctx.settings.allowed_origins, ctx.settings.base_url}


def provide_page(limit: FromQuery[int] = DEFAULT_LIMIT, cursor: FromQuery[str | None] = None) -> PageRequest:
    """`?limit=&cursor=`; the limit is brought into 1..100."""
    return PageRequest(limit=min(max(limit, 1), MAX_LIMIT), cursor=cursor)

"""Who is calling: from the request's credential to a Principal, as a dependency of every route that needs one."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromQuery

from renderowl.domain.errors import Forbidden, Unauthenticated
from renderowl.domain.records import Principal
from renderowl.services import accounts
from renderowl.services.context import Context
from renderowl.services.paging import DEFAULT_LIMIT, MAX_LIMIT, PageRequest

SESSION_COOKIE = "renderowl_session"
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
    """The caller, from `Authorization: Bearer` or the session cookie. Raises Unauthenticated.

    A cookie is sent by browsers whether the user means it or not: a write with it must come from an allowed origin.
    """
    ctx: Context = request.app.state["context"]
    header = request.headers.get("authorization", "")
    scheme, _, credential = header.partition(" ")
    if header:
        if scheme.lower() != "bearer" or not credential.strip():
            raise Unauthenticated("the Authorization header must be `Bearer <key or token>`")
        return await accounts.authenticate(ctx, credential.strip())
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie is None:
        raise Unauthenticated("send `Authorization: Bearer <key or token>`")
    if request.method not in _SAFE and not comes_from_us(request):
        raise Forbidden("a write with the session cookie must come from a page of an allowed origin")
    return await accounts.authenticate(ctx, cookie)


def comes_from_us(request: Request[Any, Any, Any]) -> bool:
    """Tell whether a page of an allowed origin sent this; a program, which names no origin, did not."""
    ctx: Context = request.app.state["context"]
    return request.headers.get("origin") in {*ctx.settings.allowed_origins, ctx.settings.base_url}


def provide_page(limit: FromQuery[int] = DEFAULT_LIMIT, cursor: FromQuery[str | None] = None) -> PageRequest:
    """`?limit=&cursor=`; the limit is brought into 1..100."""
    return PageRequest(limit=min(max(limit, 1), MAX_LIMIT), cursor=cursor)

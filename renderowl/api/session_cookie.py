"""The session's cookie: no script reads it, no other site sends it with a write, no other host sets it under https."""

from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import Cookie

from renderowl.settings import Settings

_NAME: Final = "renderowl_session"
_HOST_NAME: Final = f"__Host-{_NAME}"
"""Browsers take a cookie of such a name over https from this very host alone: none can be planted by a neighbour."""


def name_of(settings: Settings) -> str:
    """The cookie's name."""
    return _HOST_NAME if _is_secure(settings) else _NAME


def session_of(request: Request[Any, Any, Any], settings: Settings) -> str | None:
    """The session token that the browser sent."""
    return request.cookies.get(name_of(settings))


def made(settings: Settings, token: str) -> Cookie:
    """The cookie that keeps a session's token for as long as it is good."""
    return _cookie(settings, token, settings.session_ttl_s)


def clear(response: Response[Any], settings: Settings) -> None:
    """Have the browser forget its session."""
    response.set_cookie(_cookie(settings, "", 0))


def _cookie(settings: Settings, value: str, max_age_s: int) -> Cookie:
    return Cookie(
        key=name_of(settings),
        value=value,
        httponly=True,
        secure=_is_secure(settings),
        samesite="lax",
        max_age=max_age_s,
        path="/",
    )


def _is_secure(settings: Settings) -> bool:
    return settings.base_url.startswith("https:")

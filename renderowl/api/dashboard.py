"""The dashboard: a page that Vite built beforehand (`make dashboard`), served by us and allowed nothing from elsewhere."""

from html import escape
from mimetypes import guess_type
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from renderowl.api.access import Ctx
from renderowl.api.limits import UNLIMITED
from renderowl.domain.errors import NotFound
from renderowl.services.context import Context

_BUILT: Final = Path(__file__).parent / "pages" / "dashboard"
_ASSETS: Final = {path.name: path for path in (_BUILT / "assets").iterdir()}
"""What the page loads: names with a hash of what is in them."""
_BASE_URL: Final = "{{base_url}}"
"""Stands in the page for the address the service gives itself: a session's cookie counts there alone."""


@get("/", include_in_schema=False, opt=UNLIMITED)
async def get_root() -> Redirect:
    """Whoever opens the service in a browser finds what it can do."""
    return Redirect("dashboard")


@get("/dashboard", include_in_schema=False, opt=UNLIMITED)
async def get_dashboard(ctx: Ctx) -> Response[bytes]:
    """The page."""
    return await _page(ctx)


@get("/dashboard/{path:path}", include_in_schema=False, opt=UNLIMITED)
async def get_dashboard_place(ctx: Ctx, path: FromPath[str]) -> Response[bytes]:
    """What the page loads; any other path is a place within the page, which knows them all."""
    if not path.startswith("/assets/"):
        return await _page(ctx)
    name = path.removeprefix("/assets/")
    if name not in _ASSETS:
        raise NotFound("there is no such file")
    kept = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(_ASSETS[name].read_bytes(), media_type=guess_type(name)[0], headers=kept)


async def _page(ctx: Context) -> Response[bytes]:
    page = (_BUILT / "index.html").read_text().replace(_BASE_URL, escape(ctx.settings.base_url))
    headers = {"content-security-policy": await _policy(ctx), "cache-control": "no-cache"}
    return Response(page.encode(), media_type="text/html", headers=headers)


async def _policy(ctx: Context) -> str:
    """Nothing inline, nothing evaluated; files come from and go to where signed URLs lead. `blob:` is for players."""
    signed = urlsplit((await ctx.storage.sign_get("dashboard", ttl_s=1)).url)
    files = f"'self' {ctx.settings.base_url} {signed.scheme}://{signed.netloc}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {files} blob: data:; media-src {files} blob:;"
        f" connect-src {files}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


handlers = [get_root, get_dashboard, get_dashboard_place]

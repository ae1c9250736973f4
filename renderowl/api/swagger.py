"""The API's documents as a page to read and try: Swagger UI, served by us and allowed nothing from elsewhere."""

import importlib.util
from pathlib import Path
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from renderowl.api.limits import UNLIMITED
from renderowl.domain.errors import NotFound

_OWN: Final = Path(__file__).parent / "pages"
_THEIRS: Final = "swagger_ui"
"""The package that carries Swagger UI's files; it is never imported."""

_FILES: Final = {
    "page.js": "text/javascript",
    "page.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets styles on its elements, so those may be inline; scripts may not."""


@get("/docs", include_in_schema=False, opt=UNLIMITED, sync_to_thread=True)
def get_docs() -> Response[bytes]:
    """The page."""
    return _answer(_OWN / "docs.html", "text/html")


@get("/docs/{name:str}", include_in_schema=False, opt=UNLIMITED, sync_to_thread=True)
def get_docs_file(name: FromPath[str]) -> Response[bytes]:
    """What the page loads."""
    if name not in _FILES:
        raise NotFound("there is no such page")
    own = _OWN / name
    return _answer(own if own.exists() else _theirs() / name, _FILES[name])


def _theirs() -> Path:
    spec = importlib.util.find_spec(_THEIRS)
    assert spec is not None, "swagger-ui-py is one of our dependencies"
    assert spec.submodule_search_locations, "it is a package"
    return Path(spec.submodule_search_locations[0]) / "static"


def _answer(path: Path, media_type: str) -> Response[bytes]:
    headers: dict[str, Any] = {"content-security-policy": _POLICY, "cache-control": "public, max-age=3600"}
    return Response(path.read_bytes(), media_type=media_type, headers=headers)


handlers = [get_docs, get_docs_file]

"""The API's own description, made from the routes and structs: OpenAPI 3.1 as JSON and YAML, AsyncAPI 3.0 for the rooms."""

from typing import Any

import msgspec
import yaml
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme

from renderowl import __version__
from renderowl.api.describing import described
from renderowl.api.reports import SIGNATURE_HEADER


class _Described(JsonRenderPlugin):
    """Litestar's own route of the document: it shows the same."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return msgspec.json.encode(document_of(request.app))


def document_of(app: Litestar) -> dict[str, Any]:
    """The OpenAPI document; made once."""
    if "openapi" not in app.state:
        app.state["openapi"] = described(app)
    document: dict[str, Any] = app.state["openapi"]
    return document


def openapi_config() -> OpenAPIConfig:
    """How the routes are described."""
    return OpenAPIConfig(
        title="RenderOwl",
        version=__version__,
        description="Post a JSON description of a video and watch it render.",
        path="/openapi",
        render_plugins=[_Described(path="/openapi.json")],
        use_handler_docstrings=True,
        license=License(name="MIT", identifier="MIT"),
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer"),
                "report": SecurityScheme(
                    type="apiKey",
                    name=SIGNATURE_HEADER,
                    security_scheme_in="header",
                    description="`t=<Unix seconds>,v1=<HMAC-SHA256 of t.body with the claim's key>`",
                ),
                "callback": SecurityScheme(
                    type="apiKey",
                    name="signature",
                    security_scheme_in="query",
                    description="As it was in the URL that was given to the remote endpoint",
                ),
                "automation": SecurityScheme(
                    type="apiKey",
                    name=SIGNATURE_HEADER,
                    security_scheme_in="header",
                    description="`t=<Unix seconds>,v1=<HMAC-SHA256 of t.body with the automation's secret>`",
                ),
            }
        ),
    )


@get("/openapi.json", include_in_schema=False)
async def get_openapi_json(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The document as JSON."""
    return document_of(request.app)


@get("/openapi.yaml", include_in_schema=False, sync_to_thread=True)
def get_openapi_yaml(request: Request[Any, Any, Any]) -> Response[str]:
    """The document as YAML (RFC 9512)."""
    text = yaml.safe_dump(document_of(request.app), sort_keys=False, allow_unicode=True)
    return Response(text, media_type="application/yaml")


@get("/asyncapi.json", include_in_schema=False)
async def get_asyncapi_json(state: State) -> dict[str, Any]:
    """What is said in the rooms."""
    document: dict[str, Any] = state["asyncapi"]
    return document


handlers = [get_openapi_json, get_openapi_yaml, get_asyncapi_json]

"""The API's own description, made from the routes and structs: OpenAPI 3.1 as JSON and YAML, AsyncAPI 3.0 for the rooms."""

from typing import Any

import msgspec
import yaml
from litestar import Request, Response, get
from litestar.datastructures import State


@get("/openapi.json", include_in_schema=False)
async def get_openapi_json(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The document as JSON."""
    return request.app.openapi_schema.to_schema()


@get("/openapi.yaml", include_in_schema=False, sync_to_thread=True)
def get_openapi_yaml(request: Request[Any, Any, Any]) -> Response[str]:
    """The document as YAML (RFC 9512)."""
    plain = msgspec.to_builtins(request.app.openapi_schema.to_schema())
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return Response(text, media_type="application/yaml")


@get("/asyncapi.json", include_in_schema=False)
async def get_asyncapi_json(state: State) -> dict[str, Any]:
    """What is said in the rooms."""
    document: dict[str, Any] = state["asyncapi"]
    return document


handlers = [get_openapi_json, get_openapi_yaml, get_asyncapi_json]

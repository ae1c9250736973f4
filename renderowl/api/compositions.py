"""Routes of compositions: what can be rendered and what it takes."""

from typing import Any

import msgspec
from litestar import Router, get
from litestar.params import FromPath

from renderowl.domain.errors import NotFound, UnknownComposition
from renderowl.pipeline import compositions


class CompositionView(msgspec.Struct, frozen=True):
    id: str
    title: str
    description: str
    aliases: list[str]


class CompositionList(msgspec.Struct, frozen=True):
    items: list[CompositionView]


@get("/", summary="List compositions")
async def list_compositions() -> CompositionList:
    """The kinds of video this installation renders."""
    return CompositionList(
        [
            CompositionView(one.id, one.title, one.description, list(one.aliases))
            for one in compositions.COMPOSITIONS.values()
        ]
    )


@get("/{composition_id:str}/schema", summary="Get a composition's JSON Schema")
async def get_schema(composition_id: FromPath[str]) -> dict[str, Any]:
    """The JSON Schema of `input_props` and `output_settings`, with examples."""
    try:
        return compositions.schema(compositions.canonical_id(composition_id))
    except UnknownComposition as error:
        raise NotFound(error.detail) from None


router = Router("/compositions", route_handlers=[list_compositions, get_schema])

"""JSON Schemas of structs say the same on every Python: from 3.13 on it unindents docstrings itself, older ones do not."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

Schema = dict[str, Any]


def components(types: Iterable[Any], ref_template: str) -> tuple[tuple[Schema, ...], Schema]:
    """The schemas of `types`, and by name those they refer to, as `msgspec.json.schema_components` makes them."""
    schemas, named = msgspec.json.schema_components(types, ref_template=ref_template)
    unindent([schemas, named])
    return schemas, named


def unindent(part: Any) -> None:
    """Take the indentation of the source out of every description."""
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            part["description"] = inspect.cleandoc(part["description"])
        part = part.values()
    elif not isinstance(part, list | tuple):
        return
    for one in part:
        unindent(one)

"""An example of any schema, made by rule, for what has no example of its own: valid, and the same every time."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_BY_FORMAT: Final = {
    "date-time": "2026-11-21T09:30:00Z",
    "date": "2026-11-21",
    "binary": "(bytes)",
    "email": "ann@example.org",
    "uri": "https://media.example/clip.mp4",
}
_BY_ENDING: Final = {
    "url": "https://media.example/clip.mp4",
    "path": "clips/opening.mp4",
    "key": "clips/opening.mp4",
    "at": "2026-11-21T09:30:00Z",
    "date": "2026-11-21",
    "type": "video/mp4",
    "color": "#20c0a0",
}
"""What texts look like whose field's name ends so."""
_DEEPEST: Final = 6


def sample(schema: Schema, known: Mapping[str, Any], schemas: Mapping[str, Schema], *, name: str = "") -> Any:
    """A value of the schema. What it refers to is taken from `known` examples, else made from `schemas`.

    `name` is that of the field, which says what its texts look like.
    """
    return _Sampler(known, schemas).of(schema, name, 0)


class _Sampler:
    def __init__(self, known: Mapping[str, Any], schemas: Mapping[str, Schema]) -> None:
        self._known = known
        self._schemas = schemas

    def of(self, schema: Schema, name: str, depth: int) -> Any:
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            return self._known[target] if target in self._known else self.of(self._schemas[target], name, depth)
        if given := schema.get("examples"):
            return given[0]
        for word in ("const", "default"):
            if schema.get(word) is not None:
                return schema[word]
        if "enum" in schema:
            return schema["enum"][0]
        if options := schema.get("oneOf") or schema.get("anyOf"):
            beside = {word: value for word, value in schema.items() if word not in ("oneOf", "anyOf")}
            chosen = next((one for one in options if one.get("type") != "null"), options[0])
            return self.of(beside | chosen, name, depth)
        types = schema.get("type", "object" if "properties" in schema else "null")
        kind = types if isinstance(types, str) else next((one for one in types if one != "null"), "null")
        return self._of_kind(kind, schema, name, depth)

    def _of_kind(self, kind: str, schema: Schema, name: str, depth: int) -> Any:
        if kind == "object":
            required = schema.get("required", ())
            return {
                field: self.of(inner, field, depth + 1)
                for field, inner in schema.get("properties", {}).items()
                if field in required or depth < _DEEPEST
            }
        if kind == "array":
            items = schema.get("prefixItems") or [schema.get("items", {})]
            wanted = schema.get("minItems", 0) or depth < _DEEPEST
            return [self.of(item, name.removesuffix("s"), depth + 1) for item in items if wanted and item]
        if kind == "string":
            return _text(schema, name)
        if kind in ("integer", "number"):
            above = schema.get("exclusiveMinimum")
            return schema.get("minimum", 1 if above is None else above + 1)
        return {"boolean": False}.get(kind)


def _text(schema: Schema, name: str) -> str:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    for ending, text in _BY_ENDING.items():
        if name.lower().endswith(ending):
            return text
    return (name.replace("_", " ") or "text")[: schema.get("maxLength")].ljust(schema.get("minLength", 0), "x")

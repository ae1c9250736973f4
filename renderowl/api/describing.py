"""The OpenAPI document, finished: chapters, stable operation ids, an example of everything and every error told.

Litestar writes what it sees of routes and structs; what only we know is added here, by one rule for all routes.
"""

import copy
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from renderowl.api import answers, examples, refusals, tags
from renderowl.api.errors import PROBLEM_TYPE, Problem
from renderowl.api.sampling import sample
from renderowl.domain.errors import (
    ERRORS,
    FieldError,
    QuotaExceeded,
    RateLimited,
    RenderOwlError,
    SpentQuota,
    ValidationFailed,
)
from renderowl.domain.schemas import components, unindent

_SPENT: Final[dict[type[RenderOwlError], SpentQuota]] = {
    RateLimited: SpentQuota("renders_per_day", "free", 10, 10, datetime(2026, 11, 22, tzinfo=UTC)),
    QuotaExceeded: SpentQuota("projects", "free", 20, 20),
}
"""What the examples of these errors say is used up."""

Document = dict[str, Any]
Operation = tuple[str, str, HTTPRouteHandler, Document]
"""Its path, its method, who handles it, and what the document says of it."""

_REF: Final = "#/components/{}/{}"
_PAGE: Final = re.compile(r"Page_.*_")
_MADE_UP: Final = {status.description for status in HTTPStatus}
"""How Litestar describes an answer that was not described."""


def described(app: Litestar) -> Document:
    """The document of an application."""
    document: Document = msgspec.to_builtins(app.openapi_schema.to_schema())
    _, parts = components([Problem, *answers.STRUCTS], _REF.format("schemas", "{name}"))
    schemas = document["components"]["schemas"] = parts | document["components"]["schemas"]
    kept = document["components"] = {**document["components"], "examples": {}, "responses": {}}
    used: set[str] = set()
    told: set[str] = set()
    unindent(document)
    _mend(document)
    operations = _operations(app, document)
    _name(operations)
    for path, method, handler, operation in operations:
        operation["tags"] = [tags.tag_of(path)]
        used |= {*operation["tags"]}
        name = operation["operationId"]
        operation["responses"] |= copy.deepcopy(answers.OF_ROUTES.get(name, {}))
        if name in answers.BODIES:
            operation["requestBody"] = copy.deepcopy(answers.BODIES[name])
        _explain(operation, schemas)
        _exemplify(operation, schemas, kept["examples"])
        told |= _tell_errors(operation, method, handler, kept["responses"])
        if not _has_caller(handler):
            operation.setdefault("security", [])
    kept["examples"] |= {code: _problem(ERRORS[code]) for code in sorted(told)}
    document["tags"] = tags.shown(used)
    return document


def _mend(part: Any) -> None:
    """Write unions as what they are: a value may be of several of their types, and "anything" is none of those to name."""
    if isinstance(part, list):
        for one in part:
            _mend(one)
    elif isinstance(part, dict):
        if isinstance(part.get("oneOf"), list):
            options = [one for one in part.pop("oneOf") if one]
            part |= options[0] if len(options) == 1 else {"anyOf": options}
        for one in part.values():
            _mend(one)


def _name(operations: Sequence[Operation]) -> None:
    """Call operations as their handlers are called, in camel case; those of one name are told apart by their paths."""
    names = [_camel(handler.handler_name) for _, _, handler, _ in operations]
    for name, (path, _, _, operation) in zip(names, operations, strict=True):
        words = re.sub(r"{.*?}", "", path)
        operation["operationId"] = name if names.count(name) == 1 else name + _camel(f"_{words}")


def _camel(words: str) -> str:
    first, *others = re.split(r"\W+|_", words)
    return first + "".join(word.title() for word in others)


def _operations(app: Litestar, document: Document) -> list[Operation]:
    """Every operation of the document, in the order of paths."""
    document["paths"] = dict(sorted(document["paths"].items()))  # Litestar keeps the paths of one handler in a set
    handlers = {
        (route.path_format or "/", method.lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }
    return [
        (path, method, handlers[path, method], operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if (path, method) in handlers
    ]


def _explain(operation: Document, schemas: Document) -> None:
    """Say what the parameters and answers are; leave out what says nothing."""
    operation.pop("deprecated", None)
    operation["responses"] = {status: one for status, one in operation["responses"].items() if not _is_litestars(one)}
    for parameter in operation.get("parameters", ()):
        parameter.pop("deprecated", None)
        described, example = examples.OF_PARAMETERS.get(parameter["name"], ("", ""))
        if described:
            parameter.setdefault("description", described)
        if example and parameter["in"] == "path":
            parameter.setdefault("example", example)
    operation["responses"].get("204", {}).pop("content", None)
    for answer in operation["responses"].values():
        if not answer.get("headers", True):
            del answer["headers"]
        if answer["description"] in _MADE_UP:
            answer["description"] = _said(answer, schemas) or operation["summary"]


def _said(answer: Document, schemas: Document) -> str:
    """What the struct that is answered says of itself, its first line."""
    refs = [media.get("schema", {}).get("$ref", "") for media in answer.get("content", {}).values()]
    told: str = schemas.get(refs[0].rpartition("/")[2], {}).get("description", "") if len(refs) == 1 else ""
    return told.partition("\n")[0]


def _has_caller(handler: HTTPRouteHandler) -> bool:
    return "principal" in handler.parsed_fn_signature.parameters


# --- examples ------------------------------------------------------------------------------------------------------


def _exemplify(operation: Document, schemas: Document, kept: Document) -> None:
    """Give every body and every answer an example: the route's own, its struct's, or one made by rule."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for media in (media for body in bodies for media in body.get("content", {}).values()):
        schema = media.get("schema", {})
        if "examples" in media or "example" in media:
            continue
        if operation["operationId"] in examples.OF_ROUTES and "$ref" not in str(schema):
            media["example"] = examples.OF_ROUTES[operation["operationId"]]
            continue
        options = [one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema]) if "$ref" in one]
        for name in options:
            kept.setdefault(name, {"value": _example(name, schemas)})
            media.setdefault("examples", {})[name] = {"$ref": _REF.format("examples", name)}
        if not options:
            media["example"] = sample(schema, examples.OF_STRUCTS, schemas)


def _example(name: str, schemas: Document) -> Any:
    """The example of a schema."""
    if name in examples.OF_STRUCTS:
        return examples.OF_STRUCTS[name]
    page = _PAGE.fullmatch(name)
    if page is None:
        return sample(schemas[name], examples.OF_STRUCTS, schemas)
    items = schemas[name]["properties"]["items"]["items"]
    return {"items": [sample(items, examples.OF_STRUCTS, schemas)], "next_cursor": None}


# --- errors --------------------------------------------------------------------------------------------------------


def _tell_errors(operation: Document, method: str, handler: HTTPRouteHandler, kept: Document) -> set[str]:
    """Add the problem documents that the route answers with, and return their codes.

    What is the same of many routes is written once.
    """
    answers = operation["responses"]
    found = refusals.of_route(
        operation["operationId"],
        method,
        operation,
        has_caller=_has_caller(handler),
        is_counted=not handler.opt.get("unlimited"),
    )
    for status, errors in found.items():
        if str(status) in answers:
            continue
        if len(errors) == 1:
            name = errors[0].code
            kept.setdefault(name, _answer(errors))
            answers[str(status)] = {"$ref": _REF.format("responses", name)}
        else:
            answers[str(status)] = _answer(errors)
    operation["responses"] = dict(sorted(answers.items()))
    return {error.code for errors in found.values() for error in errors}


def _is_litestars(answer: Document) -> bool:
    """Tell whether this is how Litestar would answer a bad request; we answer with problem documents."""
    return bool(answer["description"] == HTTPStatus.BAD_REQUEST.description)


def _answer(errors: list[type[RenderOwlError]]) -> Document:
    codes = {error.code: {"$ref": _REF.format("examples", error.code)} for error in errors}
    media = {"schema": {"$ref": _REF.format("schemas", "Problem")}, "examples": codes}
    answer: Document = {
        "description": "; ".join(f"`{error.code}`: {error.title}" for error in errors),
        "content": {PROBLEM_TYPE: media},
    }
    return answer


def _problem(error: type[RenderOwlError]) -> Document:
    """What an error looks like."""
    names_fields = issubclass(error, ValidationFailed)
    shown = Problem(
        type=f"urn:renderowl:error:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.title,
        instance="/projects",
        code=error.code,
        request_id="req_01kahy6r2t4v6x8z0b3c5n7m9q",
        errors=[FieldError("/name", error.title)] if names_fields else [],
        quota=_SPENT.get(error),
    )
    return {"value": msgspec.to_builtins(shown)}

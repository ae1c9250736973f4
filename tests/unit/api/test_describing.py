"""The OpenAPI document as it is served: valid, in chapters, with an example and every error of every route."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from renderowl.api import examples, refusals
from renderowl.domain.errors import ERRORS
from renderowl.testing.documents import served

METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture(scope="module")
async def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await served())["openapi.json"])
    return found


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [item[how] for item in document["paths"].values() for how in METHODS if how in item]


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def shown(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Every body and answer with its examples."""
    for operation in operations(document):
        bodies = [("request", operation.get("requestBody", {})), *operation["responses"].items()]
        for name, body in bodies:
            for kind, media in resolved(document, body).get("content", {}).items():
                given = [resolved(document, one)["value"] for one in media.get("examples", {}).values()]
                given += [media["example"]] if "example" in media else []
                yield f"{operation['operationId']} {name} {kind}", media.get("schema", {}), given


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_in_one_chapter_and_says_what_it_does(document: dict[str, Any]) -> None:
    chapters = [tag["name"] for tag in document["tags"]]
    assert all(tag["description"] for tag in document["tags"])
    assert {tag for one in operations(document) for tag in one["tags"]} == set(chapters)
    assert [one["operationId"] for one in operations(document) if len(one["tags"]) != 1] == []
    assert [one["operationId"] for one in operations(document) if not one.get("summary")] == []
    assert max(Counter(one["operationId"] for one in operations(document)).values()) == 1


def test_every_body_and_answer_has_examples_and_they_are_what_its_schema_says(document: dict[str, Any]) -> None:
    registry: Registry[Any] = Registry().with_resource("urn:api", Resource.from_contents(document, DRAFT202012))

    @cache
    def validator(schema: str) -> Draft202012Validator:
        absolute = json.loads(schema.replace('"#/', '"urn:api#/'))
        return Draft202012Validator(absolute, registry=registry)

    without, wrong, seen = [], [], set()
    for place, schema, given in shown(document):
        if not given:
            without.append(place)
        for one in given:
            key = json.dumps([schema, one])
            if key not in seen and (problem := next(validator(json.dumps(schema)).iter_errors(one), None)):
                wrong.append((place, problem.json_path, problem.message[:200]))
            seen.add(key)
    assert (without, wrong) == ([], [])


def test_every_error_is_a_problem_document_with_its_codes(document: dict[str, Any]) -> None:
    for operation in operations(document):
        statuses = {int(status) for status in operation["responses"]}
        assert {500, 503} <= statuses, operation["operationId"]
        assert not operation.get("requestBody") or {400, 413, 422} <= statuses, operation["operationId"]
        assert operation.get("security") == [] or 401 in statuses, operation["operationId"]
        for status, answer in operation["responses"].items():
            content = resolved(document, answer).get("content", {})
            for kind, media in content.items():
                if kind == "application/problem+json":
                    assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
                    assert {ERRORS[code].status for code in media["examples"]} == {int(status)}


def test_what_is_said_of_operations_is_said_of_some_that_exist(document: dict[str, Any]) -> None:
    known = {one["operationId"] for one in operations(document)}
    assert {*refusals.OF_ROUTES} | {*examples.OF_ROUTES} <= known
    assert {code for codes in refusals.OF_ROUTES.values() for code in codes} <= set(ERRORS)

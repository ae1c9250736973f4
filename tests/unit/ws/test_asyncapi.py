"""`/asyncapi.json` is a valid AsyncAPI 3.0 document and says everything that is said in a room."""

import json
import os
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from renderowl.domain.events import DURABLE_TYPES
from renderowl.services.rooms import EVENT_DATA, EventView
from renderowl.ws import asyncapi, examples, frames

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "asyncapi-3.0.0.json").read_text())
DOCUMENT = asyncapi.document("http://127.0.0.1:8080")
MESSAGES = DOCUMENT["components"]["messages"]
SPOKEN = (*asyncapi.SAID, *asyncapi.TOLD, *asyncapi.PLAIN)


def resolve(ref: str) -> Any:
    """What a reference within the document points to."""
    found: Any = DOCUMENT
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(value: Any) -> typing.Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references(part)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "https://render.example.org/api"])
def test_the_document_fits_the_official_schema(base_url: str) -> None:
    validator = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(asyncapi.document(base_url))] == []


def test_the_official_schema_is_not_satisfied_with_anything() -> None:
    broken = {**DOCUMENT, "operations": {"say": {"action": "shout", "channel": {"$ref": "#/channels/room"}}}}
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(broken)


def test_every_reference_leads_somewhere() -> None:
    for ref in references(DOCUMENT):
        assert resolve(ref)


@pytest.mark.parametrize("struct", SPOKEN, ids=lambda struct: struct.__name__)
def test_every_message_is_described_with_examples_that_decode(struct: type[msgspec.Struct]) -> None:
    message = MESSAGES[struct.__name__]
    payload = DOCUMENT["components"] | resolve(message["payload"]["$ref"])
    assert message["summary"]
    assert message["examples"]
    for example in message["examples"]:
        msgspec.convert(example["payload"], struct)
        jsonschema.Draft7Validator({**payload, "components": DOCUMENT["components"]}).validate(example["payload"])


def test_every_union_of_the_frames_is_in_the_channel_that_speaks_it() -> None:
    spoken = {*typing.get_args(frames.ClientMessage), *typing.get_args(frames.ServerMessage)}
    assert {one.__name__ for one in spoken} <= DOCUMENT["channels"]["room"]["messages"].keys()
    said = {ref["$ref"].rpartition("/")[2] for name in ("say", "command") for ref in messages_of(name)}
    assert said == {one.__name__ for one in typing.get_args(frames.ClientMessage)}
    commands = {ref["$ref"].rpartition("/")[2] for ref in messages_of("command")}
    assert commands == {one.__name__ for one in typing.get_args(frames.Command)}


def messages_of(operation: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = DOCUMENT["operations"][operation]["messages"]
    return found


def test_every_durable_event_is_a_message_with_its_own_data() -> None:
    told = {resolve(ref["$ref"])["$ref"].rpartition("/")[2] for ref in messages_of("hear")}
    assert {MESSAGES[name]["name"] for name in told} >= DURABLE_TYPES
    assert EVENT_DATA.keys() == DURABLE_TYPES == {one.type for one in examples.EVENTS}


@pytest.mark.parametrize("event", examples.EVENTS, ids=lambda event: event.type)
def test_an_event_as_it_is_sent_fits_its_struct_and_the_view(event: EventView) -> None:
    text = msgspec.json.encode(event)
    assert msgspec.json.decode(text, type=EventView) == event
    struct = next(one for one in asyncapi.EVENTS if one.__struct_config__.tag == event.type)
    assert msgspec.to_builtins(msgspec.json.decode(text, type=struct)).keys() == json.loads(text).keys()


def test_what_the_server_says_is_required_in_full_unless_it_leaves_defaults_out() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Progress"]["required"]) == schemas["Progress"]["properties"].keys()
    assert "retry_after_s" not in schemas["Error"]["required"]
    assert schemas["Hello"]["required"] == ["type"]


def test_times_are_said_to_be_times() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    times = (schemas["Welcome"], "token_expires_at"), (schemas["RenderState"], "created_at")
    assert {schema["properties"][name]["format"] for schema, name in times} == {"date-time"}


def test_close_codes_are_said_with_what_a_client_does() -> None:
    told = {code["code"]: code["client_does"] for code in DOCUMENT["channels"]["room"]["x-close-codes"]}
    assert told == {code.code: code.client_does for code in frames.CLOSE_CODES.values()}


def test_the_document_is_the_same_in_every_process() -> None:
    """Sets have another order in every process; the committed document must not."""
    script = (
        "import json; from renderowl.ws import asyncapi; print(json.dumps(asyncapi.document('http://127.0.0.1:8080')))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "7")
    }
    assert told == {json.dumps(DOCUMENT)}

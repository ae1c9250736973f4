"""The rooms' own description: an AsyncAPI 3.0 document made from the structs that are spoken, as OpenAPI is from routes.

It describes the server, as AsyncAPI does: what the server `receive`s a member says, what it `send`s a member is told.
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args
from urllib.parse import urlsplit

import msgspec

from renderowl import __version__
from renderowl.domain.events import DurableType
from renderowl.domain.schemas import components
from renderowl.services.rooms import EVENT_DATA, EventView
from renderowl.ws import examples, frames

ADDRESS: Final = "/ws/projects/{project_id}/renders"
STREAM_ADDRESS: Final = "/projects/{project_id}/events"
_SCHEMA: Final = "#/components/schemas/{name}"

Document = dict[str, Any]
Struct = type[msgspec.Struct]


def event_struct(name: DurableType) -> Struct:
    """One durable event as a struct of its own, where `EventView` is any of them."""
    about: dict[str, list[tuple[str, type]]] = {
        "render": [("render_id", str), ("attempt", int)],
        "asset": [("asset_id", str)],
    }
    return msgspec.defstruct(
        "".join(word.capitalize() for word in name.split(".")),
        [("seq", int), *about.get(name.partition(".")[0], []), ("data", EVENT_DATA[name])],
        tag=name,
        frozen=True,
        namespace={"__doc__": _WHEN[name]},
    )


_WHEN: Final[Mapping[DurableType, str]] = {
    "render.queued": "A render was accepted, or is tried anew: it waits for a worker.",
    "render.started": "An attempt has begun.",
    "render.completed": "The film is there: `data.output` lists the files.",
    "render.failed": "The attempt failed: `data.error` says why and whether to retry.",
    "render.cancelled": "The render was stopped as asked.",
    "render.playable": "The film can be watched while it is made: `GET .../renders/{render_id}/playlist` has the URL.",
    "render.retrying": "A part of the attempt failed and is tried again.",
    "asset.ready": "An upload was found to be good.",
    "asset.failed": "An upload cannot be used.",
    "automation.executed": "An automation ran.",
    "webhook.disabled": "A webhook is sent nothing more: its receiver took nothing for five days, or is gone.",
}


EVENTS: Final[tuple[Struct, ...]] = tuple(event_struct(name) for name in _WHEN)
SAID: Final[tuple[Struct, ...]] = get_args(frames.ClientMessage)
COMMANDS: Final[tuple[Struct, ...]] = get_args(frames.Command)
TOLD: Final[tuple[Struct, ...]] = (*get_args(frames.ServerMessage), *EVENTS)
STREAMED: Final[tuple[Struct, ...]] = (
    frames.Snapshot,
    frames.RenderProgress,
    frames.RenderPreview,
    frames.CursorMark,
    *EVENTS,
)
PLAIN: Final[tuple[Struct, ...]] = (frames.PlainRenderProgress, frames.PlainEvent, frames.Error)


def document(base_url: str) -> Document:
    """The document of the API at `base_url`."""
    url = urlsplit(base_url)
    secure = "s" if url.scheme == "https" else ""
    where = {"host": url.netloc} | ({"pathname": url.path} if url.path else {})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "RenderOwl rooms",
            "version": __version__,
            "description": "A project's room: durable events in order, the newest progress, commands. "
            "The HTTP routes are described by /openapi.json.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "sockets": {**where, "protocol": f"ws{secure}", "security": _refs("securitySchemes", _SECURITY)},
            "http": {**where, "protocol": f"http{secure}", "security": _refs("securitySchemes", ["bearer"])},
        },
        "channels": {
            "room": _channel(
                ADDRESS,
                "sockets",
                (*SAID, *TOLD),
                f"The room over a WebSocket with the subprotocol `{frames.SUBPROTOCOL}`.",
                **{"x-subprotocol": frames.SUBPROTOCOL, "x-close-codes": _close_codes()},
            ),
            "plainRoom": _channel(
                ADDRESS,
                "sockets",
                (frames.Auth, *PLAIN),
                "The room over a WebSocket without a subprotocol: no hello, no cursor. Closed with the room's codes.",
            ),
            "stream": _channel(
                STREAM_ADDRESS,
                "http",
                STREAMED,
                "The room over server-sent events: durable events and snapshots carry the cursor as `id:`.",
            ),
        },
        "operations": {
            "say": _operation("receive", "room", [one for one in SAID if one not in COMMANDS], "What a member says."),
            "command": {
                **_operation("receive", "room", COMMANDS, "Commands; the answer carries their `ref`."),
                "reply": {
                    "channel": {"$ref": "#/channels/room"},
                    "messages": _message_refs("room", (frames.Ack, frames.Error)),
                },
            },
            "hear": _operation("send", "room", TOLD, "What a member is told."),
            "sayPlain": _operation("receive", "plainRoom", [frames.Auth], "Who is calling, if nothing else said so."),
            "hearPlain": _operation("send", "plainRoom", PLAIN, "What a plain member is told."),
            "hearStream": _operation("send", "stream", STREAMED, "What a reader of the stream is told."),
        },
        "components": {
            "messages": {one.__name__: _message(one) for one in dict.fromkeys((*SAID, *TOLD, *PLAIN))},
            "schemas": _schemas((*TOLD, *PLAIN), always_complete=True) | _schemas(SAID),
            "securitySchemes": dict(_SECURITY),
            "correlationIds": {"ref": {"description": "The command's `ref`.", "location": "$message.payload#/ref"}},
        },
    }


_SECURITY: Final[Mapping[str, Document]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a token."},
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": f"For browsers: `{frames.SUBPROTOCOL}, {frames.BEARER_SUBPROTOCOL}<key or token in base64url>`.",
    },
    "ticket": {
        "type": "httpApiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket of `POST /ws/tickets`: one use, 30 s. Else say `auth` as the first message.",
    },
}


def _channel(address: str, server: str, messages: Iterable[Struct], text: str, **more: Any) -> Document:
    channel = {
        "address": address,
        "description": text,
        "servers": [{"$ref": f"#/servers/{server}"}],
        "parameters": {"project_id": {"description": "The project whose room it is."}},
        "messages": {one.__name__: {"$ref": f"#/components/messages/{one.__name__}"} for one in messages},
        **more,
    }
    return channel | ({"bindings": {"ws": {"method": "GET"}}} if server == "sockets" else {})


def _operation(action: str, channel: str, messages: Iterable[Struct], summary: str) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": _message_refs(channel, messages),
    }


def _message_refs(channel: str, messages: Iterable[Struct]) -> list[Document]:
    return [{"$ref": f"#/channels/{channel}/messages/{one.__name__}"} for one in messages]


def _refs(section: str, names: Iterable[str]) -> list[Document]:
    return [{"$ref": f"#/components/{section}/{name}"} for name in names]


def _message(struct: Struct) -> Document:
    said: Document = {
        "name": struct.__struct_config__.tag or struct.__name__,
        "title": struct.__name__,
        "summary": inspect.cleandoc(struct.__doc__ or ""),
        "payload": {"$ref": _SCHEMA.format(name=struct.__name__)},
        "examples": [{"payload": example} for example in examples_of(struct)],
    }
    if "ref" in struct.__struct_fields__:
        said["correlationId"] = {"$ref": "#/components/correlationIds/ref"}
    return said


def examples_of(struct: Struct) -> list[Document]:
    """The examples of a message, as they are sent."""
    tag = struct.__struct_config__.tag
    known = (*examples.SAID, *examples.TOLD, *examples.PLAIN, *examples.EVENTS)
    found = [one for one in known if type(one) is struct or (type(one) is EventView and one.type == tag)]
    return [examples.as_sent(one) for one in found]


def _close_codes() -> list[Document]:
    return [msgspec.to_builtins(code) for code in frames.CLOSE_CODES.values()]


def _schemas(structs: Iterable[Struct], *, always_complete: bool = False) -> Document:
    """JSON Schemas by name. `always_complete`: the server leaves no field out, except where a struct omits defaults."""
    _, schemas = components(tuple(structs), _SCHEMA)
    for part in _parts(structs):
        schema = schemas[part.cls.__name__]
        if always_complete and not part.cls.__struct_config__.omit_defaults:
            schema["required"] = list(schema["properties"])
        for field in part.fields:
            if _is_moment(field.type):
                schema["properties"][field.encode_name]["format"] = "date-time"
    stable: Document = _in_order(schemas)
    return stable


def _parts(structs: Iterable[Struct]) -> list[msgspec.inspect.StructType]:
    """All structs that these are made of."""
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(structs))
    found: dict[Struct, msgspec.inspect.StructType] = {}
    while waiting:
        part = waiting.pop()
        if isinstance(part, msgspec.inspect.StructType) and part.cls not in found:
            found[part.cls] = part
            waiting += [field.type for field in part.fields]
        waiting += [getattr(part, name) for name in ("item_type", "value_type") if hasattr(part, name)]
        waiting += getattr(part, "types", ())
    return list(found.values())


def _is_moment(kind: msgspec.inspect.Type) -> bool:
    """Tell whether a field holds a time, or a time or nothing."""
    kinds = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    return any(isinstance(one, msgspec.inspect.DateTimeType) for one in kinds)


def _in_order(value: Any) -> Any:
    """The same with the defaults of sets in order: a document does not differ from one start to the next."""
    if isinstance(value, dict):
        return {name: _sorted(part) if name == "default" else _in_order(part) for name, part in value.items()}
    return [_in_order(part) for part in value] if isinstance(value, list) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(part) for name, part in value.items()}
    return sorted(value) if isinstance(value, list) else value

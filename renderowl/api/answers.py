"""What no type of a handler shows: several answers under one status, and bodies that are read as they come."""

from collections.abc import Mapping
from typing import Any, Final

from renderowl.api.events import ProgressPoll, RoomPollView
from renderowl.api.renders import ProgressView
from renderowl.services.health import Readiness
from renderowl.services.plans import PlanView

STRUCTS: Final = (ProgressView, ProgressPoll, RoomPollView, PlanView, Readiness)
"""What the answers below are made of."""

_TEXT: Final = {"type": "string"}
_BYTES: Final = {"type": "string", "format": "binary"}
_EVENT: Final = {
    "type": "object",
    "description": "One event of the stream: a message as on the socket; those that can be gone on from have their cursor as id",
    "properties": {
        "id": _TEXT,
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"type": "object", "properties": {"type": _TEXT}, "required": ["type"]},
        },
    },
    "required": ["data"],
}
"""OpenAPI 3.1 has no word for the items of a stream: as generators of clients read it, the schema is that of one event."""
_ETAG: Final = {"ETag": {"description": "Send it back as If-None-Match", "schema": _TEXT}}
_WAIT: Final = {"Retry-After": {"description": "Seconds until there may be news", "schema": {"type": "integer"}}}


def _of(*structs: type) -> dict[str, Any]:
    """The schema of one of these."""
    refs = [{"$ref": f"#/components/schemas/{struct.__name__}"} for struct in structs]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _answer(description: str, content: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    media = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return {"description": description, "content": media} | ({} if headers is None else {"headers": headers})


OF_ROUTES: Final[Mapping[str, Mapping[str, dict[str, Any]]]] = {
    "getProgress": {
        "200": _answer(
            "How far it is; with `after`, what happened since",
            {"application/json": _of(ProgressView, ProgressPoll)},
            _ETAG | _WAIT,
        ),
        "304": {"description": "Nothing has changed", "headers": _ETAG | _WAIT},
    },
    "getPreview": {
        "200": _answer("The picture", {"image/jpeg": _BYTES}, _ETAG | _WAIT),
        "204": {"description": "There is no picture yet", "headers": _WAIT},
        "304": {"description": "There is no newer one", "headers": _ETAG | _WAIT},
    },
    "planRender": {
        "200": _answer("The plan", {"application/json": _of(PlanView), "image/svg+xml": _TEXT}),
    },
    "hearRoom": {
        "200": _answer(
            "The stream; with `after`, what was said since",
            {"text/event-stream": _EVENT, "application/json": _of(RoomPollView)},
        ),
    },
    "getReadiness": {
        "503": _answer("A part is not ready; it is named", {"application/json": _of(Readiness)}),
    },
    "getMetrics": {"200": _answer("The metrics, in Prometheus' text format", {"text/plain": _TEXT})},
    "getFilm": {
        "200": _answer("The whole film", {"video/mp4": _BYTES}),
        "206": _answer("The asked range of it", {"video/mp4": _BYTES}),
    },
}
"""By operation and status."""

BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "bringSnapshot": {"required": True, "content": {"application/vnd.sqlite3": {"schema": _BYTES}}},
    "receiveWebhook": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}
"""Bodies that handlers read by themselves, by operation."""

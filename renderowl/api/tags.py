"""The chapters of the OpenAPI document: which routes belong together, in which order, and what they are for."""

import re
from typing import Final

import msgspec


class Tag(msgspec.Struct, frozen=True):
    """A chapter. `paths` is a pattern of the path's beginning; the first chapter that knows a path has it."""

    name: str
    description: str
    paths: str


TAGS: Final = (
    Tag("Projects", "A project holds assets and renders, and is a room.", r"/projects(/[^/]+)?$"),
    Tag("Assets", "Files that films are made of: announced, sent to storage, confirmed.", r"/projects/[^/]+/assets"),
    Tag("Renders", "Films in the making and those that are done.", r"/projects/[^/]+/renders"),
    Tag(
        "Rooms",
        "What happens in a project, as it happens. `/asyncapi.json` has the same as a WebSocket.",
        r"/ws/|/projects/[^/]+/events",
    ),
    Tag("Compositions", "The kinds of video that there are, each with its JSON Schema.", "/compositions"),
    Tag("Webhooks", "Events sent to you, signed, retried and logged.", r"/projects/[^/]+/(webhook|deliveries)"),
    Tag("Automations", "Renders that begin by themselves.", r"/projects/[^/]+/automations|/webhooks/automation"),
    Tag(
        "Sessions",
        "Recordings by several cameras, and the lists of cuts that films are made by.",
        r"/projects/[^/]+/sessions",
    ),
    Tag("Library", "Games, clips, highlights and final videos of a user.", "/library"),
    Tag("Accounts", "Registering, sessions, and who you are.", "/auth/(register|login|logout)|/me"),
    Tag("Keys", "API keys, the tokens they make, and what they were used for.", "/keys|/auth/tokens"),
    Tag("Users", "Everybody with an account. For administrators.", "/users"),
    Tag(
        "Jobs",
        "The interface that knows a default project, and its dashboard.",
        r"/v1/(render$|jobs|assets)|/dashboard",
    ),
    Tag("Slideshows", "The interface of a maker of slideshows.", r"/v1/projects"),
    Tag("Exports", "The interface of an editor of highlights.", "/api/(export|storage|runpod)"),
    Tag("Render jobs", "The interface of an editor of recordings: `{success, data}`.", "/api/render-jobs"),
    Tag("Operations", "For whoever runs the service: health, metrics, and reports of workers.", ".*"),
)
"""In the order they are shown. The last one takes what no other does."""


def tag_of(path: str) -> str:
    """The chapter that a path belongs to."""
    return next(tag.name for tag in TAGS if re.match(tag.paths, path))


def shown(used: set[str]) -> list[dict[str, str]]:
    """The chapters that have routes, in order, as the document lists them."""
    return [{"name": tag.name, "description": tag.description} for tag in TAGS if tag.name in used]

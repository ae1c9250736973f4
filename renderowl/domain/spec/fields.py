"""The kinds of fields the specs share: bounded numbers, colours, sources, and marks that the reader understands.

A mark is an entry of `msgspec.Meta(extra=...)`; it says what JSON Schema cannot:

- `aliases`: further names of the field. The camelCase form of a name is always accepted and needs no mark.
- `looks`: how to describe a text that does not match its pattern.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Problem = tuple[str, str]
"""A JSON pointer relative to the struct, such as `/trim/end`, and a message."""


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all structs a caller's document is read into."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between fields; each field for itself is right when this is called."""
        yield from ()


def aliases(*names: str) -> Meta:
    """Mark further names of a field."""
    return Meta(extra={"aliases": names})


def looks(description: str) -> Meta:
    """Say what a text must look like, for people."""
    return Meta(extra={"looks": description})


DAY_S = 86_400.0

Time = Annotated[float, Meta(ge=0, le=DAY_S)]
"""Seconds from some start."""

Length = Annotated[float, Meta(gt=0, le=DAY_S)]
"""Seconds, more than none."""

Pixels = Annotated[int, Meta(ge=2, le=16_384)]
Coordinate = Annotated[float, Meta(ge=-65_536, le=65_536)]
Unit = Annotated[float, Meta(ge=0, le=1)]
LOUDEST = 10.0
Volume = Annotated[float, Meta(ge=0, le=LOUDEST)]
Speed = Annotated[float, Meta(ge=0.1, le=10)]
FrameRate = Annotated[float, Meta(ge=1, le=120)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Color = Annotated[
    str,
    Meta(pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$", extra={"looks": "a colour such as #1a2b3c"}),
]
Source = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4096,
        description="`asset://<id>` or `https://...`; in a timeline also `clip://<id>`: the source of that clip",
    ),
]
Fit = Literal["cover", "contain", "fill", "none", "blur"]
Anchor = Literal[
    "center", "top", "bottom", "left", "right", "top_left", "top_right", "bottom_left", "bottom_right"
]  # fmt: skip


def camel(name: str) -> str:
    """Return the camelCase form of a snake_case name."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)

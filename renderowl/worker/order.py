"""What a remote machine is asked to make and what it answers: the two documents both sides must understand."""

import msgspec

from renderowl.pipeline.assemble import OutputKind
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.timeline import Media


class Place(msgspec.Struct, frozen=True):
    """A signed URL, and the headers that must go with it."""

    url: str
    headers: dict[str, str] = {}


class ReportTo(msgspec.Struct, frozen=True):
    """Where progress is told, signed with the key of the claim that sent the order; see docs/remote-workers.md."""

    url: str
    key: str
    step_id: str
    attempt: int


class Order(msgspec.Struct, frozen=True):
    """A film to be made: its plan, where the bytes of its inputs are (by SHA-256), and where the result goes.

    `version` is that of RenderOwl: a plan means to another version whatever it may, so both sides have the same.
    """

    version: str
    errand_id: str
    plan: Plan
    inputs: dict[str, Place]
    result: Place
    report: ReportTo
    callback_url: str


class MadeFile(msgspec.Struct, frozen=True):
    """A file of the result, which holds it under its number."""

    kind: OutputKind
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    frames: int = 0


class Result(msgspec.Struct, frozen=True):
    """What `handle` returns when all went well: the files within the archive that was sent to `Order.result`."""

    version: str
    errand_id: str
    files: list[MadeFile]


class Failure(msgspec.Struct, frozen=True):
    """What `handle` says, as JSON, of an error: the code of one of ours."""

    code: str
    message: str


def media_of(plan: Plan) -> dict[str, Media]:
    """All that a plan reads, by `src`."""
    segments = (segment.media for _, segment in plan.segments_once.values())
    sounds = (audio.media for _, audio in plan.sounds_once.values())
    return {src: medium for media in (*segments, *sounds) for src, medium in media.items()}

"""Events: the facts a room tells, in two lanes.

Durable events are written in the transaction that makes them true and numbered by the project's `seq`; ephemeral ones
are only ever the newest word. See `docs/realtime.md`.
"""

from typing import Any, Final, Literal, get_args

import msgspec

DurableType = Literal[
    "render.queued",
    "render.started",
    "render.completed",
    "render.failed",
    "render.cancelled",
    "render.retrying",
    "render.playable",
    "asset.ready",
    "asset.failed",
    "automation.executed",
    "webhook.disabled",
]
WebhookEvent = Literal["render.completed", "render.failed", "render.cancelled", "asset.ready", "asset.failed"]
"""The durable events that webhooks may be sent for."""

WEBHOOK_EVENTS: Final = frozenset(get_args(WebhookEvent))
DURABLE_TYPES: Final = frozenset(get_args(DurableType))
RENDER_ENDS: Final = frozenset({"render.completed", "render.failed", "render.cancelled"})
"""The durable events that end an attempt of a render."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A durable event as it is stored, published and sent; `project_id` and `epoch` are not sent to members."""

    project_id: str
    epoch: str
    seq: int
    type: DurableType
    data: dict[str, Any]
    render_id: str | None = None
    asset_id: str | None = None
    attempt: int | None = None


class Cursor(msgspec.Struct, frozen=True):
    """A place in a project's durable lane, written `epoch.seq`; the same on every transport."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Read `e7f3a1.1042`; None for anything else."""
        epoch, dot, seq = text.rpartition(".")
        if not dot or not epoch or not (seq.isascii() and seq.isdigit()) or len(seq) > 18 or len(epoch) > 32:
            return None
        return cls(epoch, int(seq))


class Progress(msgspec.Struct, frozen=True):
    """How far a render is. `percent` is weighted by cost over all steps and never goes back within an attempt."""

    percent: float = 0.0
    current_frame: int = 0
    total_frames: int = 0
    stage: str = "queued"
    fps: float | None = None
    speed: float | None = None
    eta_s: float | None = None

    def reaches(self, other: "Progress") -> bool:
        """Tell whether nobody who was told the other one is turned back by this."""
        return self.percent >= other.percent and self.current_frame >= other.current_frame

    def furthest(self, other: "Progress") -> "Progress":
        """Whichever is further, with the frames of whichever has more."""
        ahead, behind = (self, other) if self.percent >= other.percent else (other, self)
        return msgspec.structs.replace(ahead, current_frame=max(ahead.current_frame, behind.current_frame))


class Picture(msgspec.Struct, frozen=True):
    """A small picture of the film: what frame `frame`, `time_s` from the film's start, looks like; a JPEG."""

    frame: int
    time_s: float
    jpeg: bytes = msgspec.field(name="base64")
    content_type: Literal["image/jpeg"] = "image/jpeg"


class Remembered(msgspec.Struct, frozen=True):
    """What a worker was last told of its render, to go on from when Redis has forgotten it: percent and film frames.

    `step_done` and `step_frames` are its own step's part of that.
    """

    percent: float = 0.0
    frames: int = 0
    step_done: float = 0.0
    step_frames: int = 0


class StepReport(msgspec.Struct, frozen=True):
    """What a worker says of one running step: how much of it is done, and how much it weighs in the render.

    `done` is 0..1 of the step, `weight` its share 0..1 of the render's cost; `frames` are the film frames it has
    made (0 for steps that make none). Reports of an older (attempt, step_attempt, n) or with a smaller `done` are refused.
    """

    project_id: str
    render_id: str
    attempt: int
    step_id: str
    step_attempt: int
    done: float
    weight: float
    frames: int
    total_frames: int
    stage: str
    fps: float | None = None
    speed: float | None = None
    base: float = 0.0
    """Share 0..1 of the render that was there before any step ran: segments taken from the cache."""
    base_frames: int = 0
    remembered: Remembered = Remembered()
    n: int = 0
    """The report's number within the step's attempt, from 1, where reports may arrive twice or out of order."""

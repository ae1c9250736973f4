"""The lifecycle of renders and steps as data. The diagrams in `docs/lifecycle.md` are generated from these tables.

Every write to a status is "set it if it is still one of `sources(...)`"; the number of changed rows tells who won.
"""

from collections.abc import Mapping
from typing import Final, Literal

from renderowl.domain.errors import FailureClass

RenderStatus = Literal["queued", "processing", "completed", "failed", "cancelled"]
StepStatus = Literal["blocked", "queued", "dispatched", "running", "completed", "failed", "cancelled"]
StepKind = Literal["prepare", "segment", "audio", "assemble"]
Priority = Literal["urgent", "high", "normal", "low"]

RENDER_TRANSITIONS: Final[Mapping[RenderStatus, frozenset[RenderStatus]]] = {
    "queued": frozenset({"processing", "failed", "cancelled"}),
    "processing": frozenset({"completed", "failed", "cancelled"}),
    "failed": frozenset({"queued"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}

STEP_TRANSITIONS: Final[Mapping[StepStatus, frozenset[StepStatus]]] = {
    "blocked": frozenset({"queued", "cancelled"}),
    "queued": frozenset({"dispatched", "failed", "cancelled"}),
    "dispatched": frozenset({"running", "queued", "failed", "cancelled"}),
    "running": frozenset({"completed", "queued", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}

ACTIVE_RENDER: Final[frozenset[RenderStatus]] = frozenset({"queued", "processing"})
LIVE_STEP: Final[frozenset[StepStatus]] = frozenset({"blocked", "queued", "dispatched", "running"})
LEASED_STEP: Final[frozenset[StepStatus]] = frozenset({"dispatched", "running"})

RETRIES: Final[Mapping[FailureClass, int | None]] = {
    "transient": 3,
    "resource": 1,
    "stalled": 1,
    "permanent": 0,
    "interrupted": None,
}
"""How often a step is tried again after a failure of this class; `None` is without limit and without cost."""

POISON_AFTER: Final = 3
"""Workers lost in a row on one step before it fails as `poison_pill`."""

PRIORITY_CLASS: Final[Mapping[Priority, int]] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
CLASS_PRIORITY: Final[Mapping[int, Priority]] = {number: name for name, number in PRIORITY_CLASS.items()}
URGENT_CLASS: Final = PRIORITY_CLASS["urgent"]
HIGHEST_BY_AGE: Final = URGENT_CLASS + 1
"""The class that a step reaches by waiting; only a caller makes it urgent."""


def render_sources(target: RenderStatus) -> list[RenderStatus]:
    """The statuses a render may be in just before `target`: what an update's WHERE names."""
    return [source for source, targets in RENDER_TRANSITIONS.items() if target in targets]


def is_active(status: RenderStatus) -> bool:
    """True while there may still be work going on."""
    return status in ACTIVE_RENDER

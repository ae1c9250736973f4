"""The books: all renders, steps and events of a database at one moment, and what must be true of them.

`faults` judges one moment, `faults_since` what became of an earlier one. Both are pure; `read` takes one snapshot.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from renderowl.db.database import Database
from renderowl.db.dispatches import OF_STEP, columns
from renderowl.domain.lifecycle import (
    ACTIVE_RENDER,
    LEASED_STEP,
    LIVE_STEP,
    RENDER_TRANSITIONS,
    STEP_TRANSITIONS,
    RenderStatus,
    StepStatus,
)
from renderowl.domain.records import Claim

_LIFE: Final = re.compile(r"queued( started( retrying| playable)*)?( completed| failed| cancelled)?")
"""What may be told of one attempt, in this order."""

_ENDED: Final = frozenset({"completed", "failed", "cancelled"})


class RenderRow(msgspec.Struct, frozen=True):
    """A render; `whole` is a digest of its entire row, `webhooks` the ends its webhook is to be told of."""

    id: str
    project_id: str
    status: RenderStatus
    attempt: int
    percent: float
    webhooks: int | None
    whole: str


class StepRow(msgspec.Struct, frozen=True):
    """A step; `whole` is a digest of its entire row."""

    id: str
    render_id: str
    render_attempt: int
    kind: str
    status: StepStatus
    attempt: int
    token: str | None
    worker_id: str | None
    leased: bool
    whole: str


class EventRow(msgspec.Struct, frozen=True):
    """A durable event."""

    project_id: str
    seq: int
    type: str
    render_id: str | None
    attempt: int | None


class Books(msgspec.Struct, frozen=True):
    """Everything at one moment."""

    renders: dict[str, RenderRow]
    steps: dict[str, StepRow]
    events: list[EventRow]
    last_seq: dict[str, int]

    def is_dispatched(self, claim: Claim) -> bool:
        """Whether the worker of this claim may begin the step."""
        step = self.steps[claim.step_id]
        given = (step.status, step.attempt, step.token, step.worker_id)
        return given == ("dispatched", claim.attempt, claim.token, claim.worker_id)

    def is_running(self, claim: Claim) -> bool:
        """Whether the claim may report what became of its step."""
        step = self.steps[claim.step_id]
        return (step.status, step.attempt, step.token) == ("running", claim.attempt, claim.token)

    def live(self, render: RenderRow) -> list[StepRow]:
        """The render's steps that are not at an end, of whatever attempt."""
        return [step for step in self.steps.values() if step.render_id == render.id and step.status in LIVE_STEP]

    def told(self, render: RenderRow) -> dict[int, list[str]]:
        """What was told of the render, by attempt."""
        found: dict[int, list[str]] = {}
        for event in self.events:
            if event.render_id == render.id and event.attempt is not None:
                found.setdefault(event.attempt, []).append(event.type.removeprefix("render."))
        return found

    # --- one moment -----------------------------------------------------------------------------------------------

    def faults(self) -> list[str]:
        """What is wrong at this moment, a sentence each."""
        return [*self._wrong_numbers(), *self._wrong_claims(), *self._wrong_steps(), *self._wrong_events()]

    def _wrong_numbers(self) -> Iterator[str]:
        for project_id, last in self.last_seq.items():
            seqs = [event.seq for event in self.events if event.project_id == project_id]
            if seqs != list(range(1, last + 1)):
                yield f"{project_id} has the events {seqs}, but counts {last}"

    def _wrong_claims(self) -> Iterator[str]:
        tokens: set[str] = set()
        for step in self.steps.values():
            held = step.status in LEASED_STEP
            if held != step.leased or (held and (step.token is None or step.worker_id is None)):
                yield f"{step} is held without a lease, or leased without being held"
            if step.status in ("blocked", "queued") and step.token is not None:
                yield f"{step} waits, but has a token"
            if step.token is not None and step.token in tokens:
                yield f"{step} has another's token"
            tokens.add(step.token or "")

    def _wrong_steps(self) -> Iterator[str]:
        for render in self.renders.values():
            live = self.live(render)
            if render.status not in ACTIVE_RENDER:
                if live:
                    yield f"{render} is at an end, but {live} are alive"
            elif any(step.render_attempt != render.attempt for step in live):
                yield f"{render} has living steps of an earlier attempt: {live}"
            elif all(step.status == "blocked" for step in live):
                yield f"{render} is lost: nothing moves it, only {live} are alive"
            mine = [step for step in self.steps.values() if step.render_id == render.id]
            done = all(step.status == "completed" for step in mine if step.render_attempt == render.attempt)
            if render.status == "completed" and not done:
                yield f"{render} is completed over unfinished steps: {mine}"

    def _wrong_events(self) -> Iterator[str]:
        for render in self.renders.values():
            told = self.told(render)
            if sorted(told) != list(range(1, render.attempt + 1)):
                yield f"{render} was told of in the attempts {sorted(told)}"
            for attempt, types in told.items():
                if not _LIFE.fullmatch(" ".join(types)):
                    yield f"attempt {attempt} of {render} was told as {types}"
                end = types[-1] if types[-1] in _ENDED else None
                is_newest = attempt == render.attempt
                expected = "failed" if not is_newest else render.status if render.status in _ENDED else None
                if end != expected:
                    yield f"attempt {attempt} of {render} was told to end as {end}, not as {expected}"
                if is_newest and ("started" in types) < (render.status in ("processing", "completed", "failed")):
                    yield f"{render} was never told to have started"
            ends = sum(types[-1] in _ENDED for types in told.values())
            if render.webhooks not in (None, ends):
                yield f"{render} ended {ends} times, but its webhook is told {render.webhooks} times"

    # --- two moments ----------------------------------------------------------------------------------------------

    def faults_since(self, earlier: "Books") -> list[str]:
        """What may not have become of an earlier moment, a sentence each."""
        return [*self._wrong_changes(earlier), *self._rewritten(earlier)]

    def _wrong_changes(self, earlier: "Books") -> Iterator[str]:
        for was in earlier.renders.values():
            now = self.renders.get(was.id)
            if now is None:
                yield f"{was} is gone"
            elif now.attempt < was.attempt:
                yield f"{was} went back to {now}"
            elif now.attempt == was.attempt:
                if now.status not in _RENDER_LATER[was.status]:
                    yield f"{was} became {now}"
                if now.percent < was.percent:
                    yield f"{was} went back to {now.percent} %"
            elif was.status in ("completed", "cancelled"):
                yield f"{was} was final, but became {now}"
        for step in earlier.steps.values():
            later = self.steps.get(step.id)
            went_on = later is not None and later.attempt >= step.attempt and later.status in _STEP_LATER[step.status]
            if not went_on and not _void(step, later):
                yield f"{step} became {later}"

    def _rewritten(self, earlier: "Books") -> Iterator[str]:
        now = {(event.project_id, event.seq): event for event in self.events}
        for event in earlier.events:
            if now.get((event.project_id, event.seq)) != event:
                yield f"{event} was rewritten"
        for project_id, last in earlier.last_seq.items():
            if self.last_seq[project_id] < last:
                yield f"{project_id} counts {self.last_seq[project_id]} events after {last}"


def _void(step: StepRow, later: StepRow | None) -> bool:
    """Tell whether this was a dispatch that a cancellation did not see, committed just before it (decision 37)."""
    if later is None or (step.status, later.status) != ("dispatched", "cancelled"):
        return False
    return later.attempt == step.attempt - 1 and later.token is None


def _closure(transitions: dict[str, set[str]]) -> dict[str, set[str]]:
    """What each status may become, by however many transitions."""
    reached = {source: {source} | targets for source, targets in transitions.items()}
    for middle in transitions:
        for source in transitions:
            if middle in reached[source]:
                reached[source] |= reached[middle]
    return reached


# a retry is the next attempt: within one, a failed render stays failed
_RENDER_LATER: Final = _closure(
    {source: {target for target in targets if source != "failed"} for source, targets in RENDER_TRANSITIONS.items()}
)
_STEP_LATER: Final = _closure({source: set(targets) for source, targets in STEP_TRANSITIONS.items()})


async def read(db: Database) -> Books:
    """The books as they are now."""
    async with db.transaction(snapshot=True):
        renders = await db.fetch(
            "SELECT id, project_id, status, attempt, coalesce((progress->>'percent')::float, 0) AS percent, CASE WHEN"
            " webhook_url IS NOT NULL THEN (SELECT count(*) FROM deliveries WHERE render_id = renders.id"
            " AND webhook_id IS NULL) END AS webhooks,"
            " md5(renders::text) AS whole FROM renders ORDER BY created_at, id"
        )
        steps = await db.fetch(
            f"SELECT {columns(['id', 'render_id', 'render_attempt', 'kind', 'status', 'attempt', 'token', 'worker_id'])},"
            " coalesce(dispatches.lease_expires_at, steps.lease_expires_at) IS NOT NULL AS leased,"
            f" md5(steps::text || coalesce(dispatches::text, '')) AS whole FROM steps {OF_STEP} ORDER BY id"
        )
        events = await db.fetch("SELECT project_id, seq, type, render_id, attempt FROM events ORDER BY project_id, seq")
        projects = await db.fetch("SELECT id, event_seq FROM projects ORDER BY id")
    return Books(
        {row["id"]: RenderRow(**row) for row in renders},
        {row["id"]: StepRow(**row) for row in steps},
        [EventRow(**row) for row in events],
        {row["id"]: row["event_seq"] for row in projects},
    )

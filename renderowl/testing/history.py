"""Judges what somebody was told of a room, over whatever connections, by what Postgres says has happened.

Pure. The messages are those of the wire, in the order in which they were heard: durable events, `snapshot` and
`render.progress`; all others are passed over. Connections are not told apart: a client that resumes must not notice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from renderowl.domain.events import DURABLE_TYPES, Event
from renderowl.services.rooms import EventView, event_view

_STATUS: Final = {
    "render.queued": "queued",
    "render.started": "processing",
    "render.completed": "completed",
    "render.failed": "failed",
    "render.cancelled": "cancelled",
}
_ENDS: Final = frozenset({"completed", "failed", "cancelled"})

Forgotten = Callable[[int, int], bool]
"""Tells of two messages, by their places in a history, whether progress that the earlier told may be told lower by the later."""


@dataclass
class _Render:
    """What the listener may believe of a render."""

    status: str = ""
    attempt: int = 0
    percent: float = 0.0
    frame: int = 0
    place: int = 0
    """Of the message that told the progress."""


def _never(earlier: int, later: int) -> bool:
    return False


def faults(
    told: Iterable[Mapping[str, Any]],
    happened: Sequence[Event],
    *,
    since: int | None = None,
    render_id: str | None = None,
    forgotten: Forgotten = _never,
) -> list[str]:
    """What is wrong with a history, a sentence each; none when every promise of the room was kept.

    Promises: after the first snapshot (or `since`) each event that happened is told once, in order of seq, as it is in
    Postgres, up to the last; a later snapshot stands for the events up to its seq and agrees with them; progress never
    goes back within an attempt, unless it was `forgotten`; nothing is told of a render between its end and its next
    attempt. `render_id`: the listener asked for this render alone.
    """
    return list(_Judge(happened, since, render_id, forgotten).judge(told))


class _Judge:
    def __init__(
        self, happened: Sequence[Event], since: int | None, render_id: str | None, forgotten: Forgotten
    ) -> None:
        self._happened = {event.seq: event for event in happened}
        self._wanted = [event.seq for event in happened if render_id in (None, event.render_id)]
        self._last = since
        self._forgotten = forgotten
        self._renders: dict[str, _Render] = {}

    def judge(self, told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        for place, message in enumerate(told):
            kind = message["type"]
            if kind == "snapshot":
                yield from self._snapshot(message)
            elif kind == "render.progress":
                yield from self._progress(message, place)
            elif kind in DURABLE_TYPES:
                yield from self._event(msgspec.convert(message, EventView))
        if lost := self._between(self._last or 0, None):
            yield f"never told of {lost}"

    def _between(self, after: int, before: int | None) -> list[int]:
        """The seqs that should be told between two others."""
        return [seq for seq in self._wanted if after < seq and (before is None or seq < before)]

    def _event(self, told: EventView) -> Iterator[str]:
        if self._last is None:
            yield f"{told.seq} was told before any snapshot"
        elif told.seq <= self._last:
            yield f"{told.seq} was told after {self._last}"
            return
        elif lost := self._between(self._last, told.seq):
            yield f"{told.seq} was told without {lost}"
        self._last = told.seq
        event = self._happened.get(told.seq)
        if event is None or event_view(event) != told:
            yield f"{told.seq} was told as {told}, but is {event}"
        if told.render_id is not None:
            self._believe(self._renders.setdefault(told.render_id, _Render()), told.type, told.attempt or 0)

    def _believe(self, render: _Render, type: str, attempt: int) -> None:
        if attempt != render.attempt:
            render.percent, render.frame = 0.0, 0
        render.attempt = attempt
        render.status = _STATUS.get(type, render.status)

    def _snapshot(self, message: Mapping[str, Any]) -> Iterator[str]:
        seq: int = message["seq"]
        if self._last is not None and seq < self._last:
            yield f"a snapshot of {seq} was told after {self._last}"
        self._last = seq
        truth: dict[str, _Render] = {}
        for event in self._happened.values():
            if event.seq <= seq and event.render_id is not None:
                self._believe(truth.setdefault(event.render_id, _Render()), event.type, event.attempt or 0)
        for shown in message["renders"]:
            id, status, attempt = shown["id"], shown["status"], shown["attempt"]
            expected = truth.get(id, _Render())
            if (expected.status, expected.attempt) != (status, attempt):
                yield f"the snapshot of {seq} shows {id} {status} in attempt {attempt}, but it was {expected}"
            known = self._renders.get(id, _Render())
            if known.attempt == attempt:
                expected.percent, expected.frame, expected.place = known.percent, known.frame, known.place
        self._renders = truth

    def _progress(self, message: Mapping[str, Any], place: int) -> Iterator[str]:
        id, data = message["render_id"], message["data"]
        known = self._renders.setdefault(id, _Render())
        if known.status in _ENDS:
            yield f"progress of {id} was told after it was {known.status}"
        percent, frame = data["percent"], data["current_frame"]
        is_less = percent < known.percent or frame < known.frame
        if is_less and not self._forgotten(known.place, place):
            yield f"progress of {id} went back from {known.percent} % to {percent} %, {known.frame} to {frame} frames"
        known.percent, known.frame, known.place = percent, frame, place

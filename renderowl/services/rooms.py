"""What a room opens with, on every transport alike: the events after a cursor, or a snapshot of the renders."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec

from renderowl.bus.base import BusUnavailable
from renderowl.db import events, renders
from renderowl.domain.automations import ExecutedBrief
from renderowl.domain.errors import NotFound, RenderOwlError
from renderowl.domain.events import Cursor, DurableType, Event, Progress
from renderowl.domain.lifecycle import RenderStatus, is_active
from renderowl.domain.records import Principal, Render
from renderowl.services.context import Context
from renderowl.services.views import (
    AssetBrief,
    CacheView,
    OutputView,
    PlayableBrief,
    RenderBrief,
    RenderError,
    RetryBrief,
    render_view,
)

REPLAY_LIMIT: Final = 500
"""A gap above this is answered with a snapshot."""
SNAPSHOT_RENDERS: Final = 100
"""A snapshot has every active render and the newest others, together about this many."""
TAIL_MARGIN: Final = 32
"""So many events are read before those somebody missed: who comes next may be a little further behind."""
DEFAULT_HZ: Final = 5.0
MAX_HZ: Final = 10
MIN_HZ: Final = 0.1
"""What waits for its time is kept until then, even for a member that has gone."""

Interest = Literal["progress", "state", "preview"]


class Filter(msgspec.Struct, frozen=True):
    """What a member wants to hear: of which renders, which kinds (`state` is the durable lane), how often at most."""

    render_ids: Annotated[frozenset[str], msgspec.Meta(max_length=200)] | None = None
    types: frozenset[Interest] = frozenset({"progress", "state"})
    max_hz: Annotated[float, msgspec.Meta(ge=MIN_HZ, le=MAX_HZ)] = DEFAULT_HZ

    def wants(self, interest: Interest, render_id: str | None) -> bool:
        """Tell whether a word of this kind about this render passes."""
        return interest in self.types and (self.render_ids is None or render_id in self.render_ids)


class RenderState(msgspec.Struct, frozen=True):
    """A render without what its caller sent: that may be a megabyte."""

    id: str
    status: RenderStatus
    attempt: int
    composition_id: str
    priority: str
    progress: Progress
    output: OutputView | None
    error: RenderError | None
    cache: CacheView
    playable: bool
    metadata: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class WebhookBrief(msgspec.Struct, frozen=True):
    """`data` of `webhook.disabled`: nothing is sent there any more, until somebody enables it again."""

    webhook_id: str
    url: str
    reason: str


class EventView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A durable event as callers see it, on every transport: told once, in order of `seq`."""

    type: DurableType
    seq: int
    data: dict[str, Any]
    render_id: str | None = None
    asset_id: str | None = None
    attempt: int | None = None


EVENT_DATA: Final[Mapping[DurableType, Any]] = {
    "render.queued": RenderBrief,
    "render.started": RenderBrief,
    "render.completed": RenderBrief,
    "render.failed": RenderBrief,
    "render.cancelled": RenderBrief,
    "render.retrying": RetryBrief,
    "render.playable": PlayableBrief,
    "asset.ready": AssetBrief,
    "asset.failed": AssetBrief,
    "automation.executed": ExecutedBrief,
    "webhook.disabled": WebhookBrief,
}
"""What `data` of an event is, by its type."""


class RoomState(msgspec.Struct, frozen=True):
    """A room at one moment of Postgres, `cursor`.

    `events` are the newest ones, up to there; `renders` is a snapshot, newest first, when somebody asked for one or
    cannot be told all that was missed. `progress` is (attempt, newest) of every active render of
    which Redis knows: what Postgres has, a second old, would turn back who heard a newer one. That is in `least`, which
    nobody is told: after a Redis that was emptied, workers may report less than was told before.
    """

    cursor: Cursor
    events: list[Event]
    renders: list[RenderState] | None
    more: bool
    progress: dict[str, tuple[int, Progress]]
    least: dict[str, tuple[int, Progress]] = {}

    def after(self, since: Cursor) -> list[Event] | None:
        """All that happened after `since`, or None when it cannot be told."""
        missed = self.cursor.seq - since.seq
        if since.epoch != self.cursor.epoch or not 0 <= missed <= REPLAY_LIMIT or missed > len(self.events):
            return None
        return self.events[len(self.events) - missed :]


class Poll(msgspec.Struct, frozen=True):
    """The answer to a long poll about one render."""

    cursor: Cursor
    recovered: bool
    events: list[Event]
    progress: Progress | None


class RoomPoll(msgspec.Struct, frozen=True):
    """The answer to a long poll about a whole room: `messages` are those of the socket, as JSON."""

    cursor: Cursor
    recovered: bool
    messages: list[str]


class Message(msgspec.Struct, frozen=True):
    """One message of a streamed room, as JSON; `cursor` is set behind durable ones. `text` is empty to keep alive."""

    text: str
    cursor: Cursor | None = None


class Rooms(Protocol):
    """Rooms for transports other than the socket. The hub is one; the API is given it."""

    async def wait_for(
        self, principal: Principal, project_id: str, render_id: str, cursor: Cursor | None, timeout_s: float
    ) -> Poll:
        """What happened to a render after `cursor`, waiting up to `timeout_s` for something to happen.

        At the deadline: no events, no progress and the cursor as it was. The caller has checked who is asking.
        """
        ...

    async def poll(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter, timeout_s: float
    ) -> RoomPoll:
        """What was said in the room after `since`, waiting up to `timeout_s` for something to happen.

        The newest progress of every active render comes with it. The caller has checked who is asking.
        """
        ...

    def check_seat(self, principal: Principal, project_id: str) -> None:
        """Raise RateLimited or Unavailable when there is no place for one more stream."""
        ...

    def stream(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter
    ) -> AsyncGenerator[Message]:
        """The room from `since` on: replay or snapshot, then live, ending when the server or the credential does.

        The caller has checked who is asking and that there is a seat.
        """
        ...


def event_view(event: Event) -> EventView:
    return EventView(event.type, event.seq, event.data, event.render_id, event.asset_id, event.attempt)


async def read_rooms(ctx: Context, asked: Sequence[tuple[str, Cursor | None]]) -> list[RoomState | RenderOwlError]:
    """What Postgres says of rooms, each asked for by somebody who is at that cursor or knows nothing.

    A handful of queries, however many are asked for. NotFound stands for a project that does not exist.
    """
    states = await _states(ctx, asked)
    return [states.get(project_id) or NotFound(f"there is no project {project_id!r}") for project_id, _ in asked]


async def _states(ctx: Context, asked: Sequence[tuple[str, Cursor | None]]) -> dict[str, RoomState]:
    """Everything comes from one snapshot, so that the events after its `seq` are exactly those not seen here."""
    async with ctx.db.transaction(snapshot=True):
        tops = await events.tops(ctx.db, list({project_id for project_id, _ in asked}))
        cursors = {project_id: Cursor(*top) for project_id, top in tops.items()}
        active = await renders.list_active_of(ctx.db, list(cursors))
        after = _replay_from(asked, cursors)
        missed = await events.read_after_of(ctx.db, after, limit=REPLAY_LIMIT + TAIL_MARGIN) if after else {}
        states = {
            project_id: RoomState(cursor, missed.get(project_id, []), None, False, {})
            for project_id, cursor in cursors.items()
        }
        lost = {
            project_id
            for project_id, since in asked
            if project_id in states and (since is None or states[project_id].after(since) is None)
        }
        pages = await renders.list_newest_of(ctx.db, list(lost), limit=SNAPSHOT_RENDERS + 1) if lost else {}
    # Redis may be slow: Postgres's connection is free again.
    newest = await _newest(ctx, [render.id for found in active.values() for render in found])
    for project_id, state in states.items():
        running, page = active.get(project_id, []), pages.get(project_id, [])
        states[project_id] = msgspec.structs.replace(
            state,
            progress={one.id: newest[one.id] for one in running if _is_news(one, newest.get(one.id))},
            least={one.id: (one.attempt, one.reached) for one in running if one.reached.percent > 0},
            renders=_snapshot(running, page, newest) if project_id in lost else None,
            more=len(page) > SNAPSHOT_RENDERS,
        )
    return states


def _replay_from(asked: Sequence[tuple[str, Cursor | None]], cursors: Mapping[str, Cursor]) -> dict[str, int]:
    """After which seq to read events, by project: what the one furthest behind has missed, and a few before."""
    after: dict[str, int] = {}
    for project_id, since in asked:
        now = cursors.get(project_id)
        if now is None or since is None or since.epoch != now.epoch or not 0 <= now.seq - since.seq <= REPLAY_LIMIT:
            continue
        after[project_id] = min(after.get(project_id, now.seq), max(0, since.seq - TAIL_MARGIN))
    return after


async def _newest(ctx: Context, render_ids: list[str]) -> dict[str, tuple[int, Progress]]:
    try:
        return await ctx.bus.newest_progress(render_ids)
    except BusUnavailable:
        return {}  # snapshots show what Postgres kept


def _is_news(render: Render, newest: tuple[int, Progress] | None) -> bool:
    return newest is not None and newest[0] == render.attempt and newest[1].reaches(render.reached)


def _snapshot(
    active: list[Render], page: list[Render], newest: Mapping[str, tuple[int, Progress]]
) -> list[RenderState]:
    shown = {render.id: render for render in (*active, *page[:SNAPSHOT_RENDERS])}
    return [_state(render, newest.get(render.id)) for _, render in sorted(shown.items(), reverse=True)]


def _state(render: Render, newest: tuple[int, Progress] | None) -> RenderState:
    view = render_view(render, newest if is_active(render.status) else None)
    return RenderState(**{name: getattr(view, name) for name in RenderState.__struct_fields__})

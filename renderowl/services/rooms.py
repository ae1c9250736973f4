"""What a room opens with, on every transport alike: the events after a cursor, or a snapshot of the renders."""

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec

from renderowl.bus.base import BusUnavailable
from renderowl.db import events, renders
from renderowl.domain.errors import NotFound
from renderowl.domain.events import Cursor, DurableType, Event, Progress
from renderowl.domain.lifecycle import RenderStatus, is_active
from renderowl.domain.records import Principal, Render
from renderowl.services import projects
from renderowl.services.context import Context
from renderowl.services.views import (
    AssetBrief,
    CacheView,
    OutputView,
    RenderBrief,
    RenderError,
    RetryBrief,
    render_view,
)

REPLAY_LIMIT: Final = 500
"""A gap above this is answered with a snapshot."""
SNAPSHOT_RENDERS: Final = 100
"""A snapshot has every active render and the newest others, together about this many."""
DEFAULT_HZ: Final = 5.0
MAX_HZ: Final = 10.0

Interest = Literal["progress", "state", "preview"]


class Filter(msgspec.Struct, frozen=True):
    """What a member wants to hear: of which renders, which kinds (`state` is the durable lane), how often at most."""

    render_ids: Annotated[frozenset[str], msgspec.Meta(max_length=200)] | None = None
    types: frozenset[Interest] = frozenset({"progress", "state"})
    max_hz: Annotated[float, msgspec.Meta(gt=0, le=MAX_HZ)] = DEFAULT_HZ

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
    metadata: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


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
    "asset.ready": AssetBrief,
    "asset.failed": AssetBrief,
    "automation.executed": dict[str, Any],
}
"""What `data` of an event is, by its type."""


class Opening(msgspec.Struct, frozen=True):
    """A room at one moment of Postgres, `cursor`.

    `recovered`: `events` are all that happened since the caller's cursor; else `renders` is the snapshot to start from.
    `progress` is the newest of every active render.
    """

    cursor: Cursor
    recovered: bool
    events: list[Event]
    renders: list[RenderState]
    more: bool
    progress: dict[str, Progress]


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

    async def wait_for(self, project_id: str, render_id: str, cursor: Cursor | None, timeout_s: float) -> Poll:
        """What happened to a render after `cursor`, waiting up to `timeout_s` for something to happen.

        At the deadline: no events, no progress and the cursor as it was. The caller has checked who is asking.
        """
        ...

    async def poll(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter, timeout_s: float
    ) -> RoomPoll:
        """What was said in the room after `since`, waiting up to `timeout_s` for something to happen.

        The newest progress of every active render comes with it. Raises NotFound, Forbidden, Unavailable.
        """
        ...

    def stream(
        self, principal: Principal, project_id: str, since: Cursor | None, filter: Filter
    ) -> AsyncGenerator[Message]:
        """The room from `since` on: replay or snapshot, then live, ending when the server or the credential does.

        Raises NotFound or Forbidden before the first message.
        """
        ...


def event_view(event: Event) -> EventView:
    return EventView(event.type, event.seq, event.data, event.render_id, event.asset_id, event.attempt)


async def open_room(ctx: Context, principal: Principal, project_id: str, since: Cursor | None) -> Opening:
    """Read a room the caller may see. Raises NotFound, Forbidden, Unavailable."""
    async with ctx.db.transaction(snapshot=True):
        await projects.get(ctx, principal, project_id)
        rows = await _read(ctx, project_id, since)
    return await _open(ctx, rows)


async def read_room(ctx: Context, project_id: str, since: Cursor | None) -> Opening:
    """Read a room for a caller that has been checked. Raises NotFound, Unavailable."""
    async with ctx.db.transaction(snapshot=True):
        rows = await _read(ctx, project_id, since)
    return await _open(ctx, rows)


class _Rows(msgspec.Struct, frozen=True):
    """What one snapshot of Postgres says; `missed` or else `page` is there."""

    cursor: Cursor
    active: list[Render]
    missed: list[Event] | None
    page: list[Render]


async def _read(ctx: Context, project_id: str, since: Cursor | None) -> _Rows:
    """Everything comes from one snapshot, so that the events after its `seq` are exactly those not seen here."""
    top = await events.top(ctx.db, project_id)
    if top is None:
        raise NotFound(f"there is no project {project_id!r}")
    cursor = Cursor(*top)
    active = await renders.list_active(ctx.db, project_id)
    missed = await _missed(ctx, project_id, since, cursor)
    if missed is not None:
        return _Rows(cursor, active, missed, [])
    page = await renders.list_page(ctx.db, project_id, before_id=None, limit=SNAPSHOT_RENDERS + 1)
    return _Rows(cursor, active, None, page)


async def _open(ctx: Context, rows: _Rows) -> Opening:
    """Add the newest progress, once Postgres's connection is free again: Redis may be slow."""
    newest = await _newest(ctx, [render.id for render in rows.active])
    progress = {render.id: render_view(render, newest.get(render.id)).progress for render in rows.active}
    if rows.missed is not None:
        return Opening(rows.cursor, True, rows.missed, [], False, progress)
    shown = {render.id: render for render in (*rows.active, *rows.page[:SNAPSHOT_RENDERS])}
    states = [_state(render, newest.get(render.id)) for _, render in sorted(shown.items(), reverse=True)]
    return Opening(rows.cursor, False, [], states, len(rows.page) > SNAPSHOT_RENDERS, progress)


async def _missed(ctx: Context, project_id: str, since: Cursor | None, now: Cursor) -> list[Event] | None:
    """The events between two cursors, or None when they cannot all be replayed."""
    if since is None or since.epoch != now.epoch or not 0 <= now.seq - since.seq <= REPLAY_LIMIT:
        return None
    if since.seq == now.seq:
        return []
    found = await events.read_after(ctx.db, project_id, since.seq, limit=REPLAY_LIMIT)
    return found if len(found) == now.seq - since.seq else None


async def _newest(ctx: Context, render_ids: list[str]) -> dict[str, tuple[int, Progress]]:
    try:
        return await ctx.bus.newest_progress(render_ids)
    except BusUnavailable:
        return {}  # the rows have the progress of the last step that ended


def _state(render: Render, newest: tuple[int, Progress] | None) -> RenderState:
    view = render_view(render, newest if is_active(render.status) else None)
    return RenderState(**{name: getattr(view, name) for name in RenderState.__struct_fields__})

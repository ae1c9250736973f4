"""The room over plain HTTP: server-sent events and the long poll, with the socket's cursor."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.datastructures import State
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from renderowl.api.access import Caller, Ctx
from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.events import Cursor, Progress
from renderowl.domain.records import Principal
from renderowl.services import projects, renders
from renderowl.services.context import Context
from renderowl.services.rooms import EventView, Message, Rooms, event_view

MAX_WAIT_S: Final = 25.0

LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID", required=False)]
Since = Annotated[str | None, QueryParameter(description="A cursor, for clients that cannot send Last-Event-ID")]


class ProgressPoll(msgspec.Struct, frozen=True):
    """What happened to a render after a cursor. Nothing, with the same cursor, when nothing did.

    Not `recovered`: some of what happened cannot be told any more; get the render instead.
    """

    cursor: str
    recovered: bool
    events: list[EventView]
    progress: Progress | None


@get("/projects/{project_id:str}/events", media_type="text/event-stream", summary="Hear a project's room")
async def stream_events(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    state: State,
    last_event_id: LastEventId = None,
    since: Since = None,
) -> Stream:
    """Server-sent events. Each is the JSON of a socket's message; durable ones carry the cursor as their id."""
    await projects.get(ctx, principal, project_id)
    rooms: Rooms = state["hub"]
    messages = rooms.stream(principal, project_id, Cursor.parse(last_event_id or since or ""))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(_lines(messages), media_type="text/event-stream", headers=headers)


async def poll_progress(
    ctx: Context, rooms: Rooms, principal: Principal, project_id: str, render_id: str, after: str, wait_s: float
) -> ProgressPoll:
    """Wait for something to happen to a render. `after` is a cursor, or empty to be given the first one."""
    cursor = Cursor.parse(after)
    if after and cursor is None:
        raise ValidationFailed(errors=[FieldError("/after", "is not a cursor")])
    await renders.get(ctx, principal, project_id, render_id)
    poll = await rooms.wait_for(project_id, render_id, cursor, min(max(wait_s, 0.0), MAX_WAIT_S))
    events = [event_view(event) for event in poll.events]
    return ProgressPoll(str(poll.cursor), poll.recovered, events, poll.progress)


async def _lines(messages: AsyncGenerator[Message]) -> AsyncGenerator[str]:
    """Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html"""
    yield ": the room\n\n"
    async with contextlib.aclosing(messages):
        async for message in messages:
            if not message.text:
                yield ": still here\n\n"
            elif message.cursor is None:
                yield f"data: {message.text}\n\n"
            else:
                yield f"id: {message.cursor}\ndata: {message.text}\n\n"


handlers = [stream_events]

"""The room over plain HTTP: server-sent events and the long poll, with the socket's cursor."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

import msgspec
from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from renderowl.api.access import Caller, Ctx
from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.events import Cursor, Progress
from renderowl.domain.records import Principal
from renderowl.services import projects, renders
from renderowl.services.context import Context
from renderowl.services.rooms import EventView, Filter, Message, Rooms, event_view

MAX_WAIT_S: Final = 25.0

LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID", required=False)]
After = Annotated[str | None, QueryParameter(description="A cursor: wait for what comes after it")]
Wait = Annotated[float, QueryParameter(ge=0, le=MAX_WAIT_S, description="Seconds to wait for something to happen")]
RenderIds = Annotated[list[str] | None, QueryParameter(description="Hear of these renders only")]
Types = Annotated[list[str] | None, QueryParameter(description="Hear `state`, `progress` or `preview`")]
MaxHz = Annotated[float | None, QueryParameter(description="Progress messages a second and render, at most")]
Since = Annotated[str | None, QueryParameter(description="A cursor, for clients that cannot send Last-Event-ID")]


class ProgressPoll(msgspec.Struct, frozen=True):
    """What happened to a render after a cursor. Nothing, with the same cursor, when nothing did.

    Not `recovered`: some of what happened cannot be told any more; get the render instead.
    """

    cursor: str
    recovered: bool
    events: list[EventView]
    progress: Progress | None


class RoomPollView(msgspec.Struct, frozen=True):
    """What was said in a room after a cursor, each message as on the socket.

    Not `recovered`: the first message is a snapshot to start from.
    """

    cursor: str
    recovered: bool
    messages: list[msgspec.Raw]


@get("/projects/{project_id:str}/events", media_type="text/event-stream", summary="Hear a project's room")
async def hear_room(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    state: State,
    last_event_id: LastEventId = None,
    since: Since = None,
    after: After = None,
    wait: Wait = 0.0,
    render_ids: RenderIds = None,
    types: Types = None,
    max_hz: MaxHz = None,
) -> Response[Any]:
    """Server-sent events, `id: <cursor>` and `data: <JSON>`: each is a socket's message; durable ones carry the cursor.

    With `after`, a long poll instead: JSON as soon as something happens. An empty `after` gives a snapshot at once.
    """
    await projects.get(ctx, principal, project_id)
    rooms: Rooms = state["hub"]
    wanted = _filter(render_ids, types, max_hz)
    if after is not None:
        poll = await rooms.poll(principal, project_id, _cursor(after), wanted, wait)
        view = RoomPollView(str(poll.cursor), poll.recovered, [msgspec.Raw(text.encode()) for text in poll.messages])
        return Response(view, media_type=MediaType.JSON, headers={"cache-control": "no-store"})
    rooms.check_seat(principal, project_id)
    messages = rooms.stream(principal, project_id, Cursor.parse(last_event_id or since or ""), wanted)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(_lines(messages), media_type="text/event-stream", headers=headers)


async def poll_progress(
    ctx: Context, rooms: Rooms, principal: Principal, project_id: str, render_id: str, after: str, wait_s: float
) -> ProgressPoll:
    """Wait for something to happen to a render. `after` is a cursor, or empty to be given the first one."""
    cursor = _cursor(after)
    await renders.get(ctx, principal, project_id, render_id, brief=True)
    poll = await rooms.wait_for(principal, project_id, render_id, cursor, min(max(wait_s, 0.0), MAX_WAIT_S))
    events = [event_view(event) for event in poll.events]
    return ProgressPoll(str(poll.cursor), poll.recovered, events, poll.progress)


def _cursor(after: str) -> Cursor | None:
    """The cursor to wait after; None for an empty one. Raises ValidationFailed for what is no cursor."""
    cursor = Cursor.parse(after)
    if after and cursor is None:
        raise ValidationFailed(errors=[FieldError("/after", "is not a cursor")])
    return cursor


def _filter(render_ids: list[str] | None, types: list[str] | None, max_hz: float | None) -> Filter:
    """The same filter as a hello's."""
    given = {"render_ids": render_ids, "types": types, "max_hz": max_hz}
    try:
        return msgspec.convert({name: value for name, value in given.items() if value is not None}, Filter)
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=[FieldError("/filter", str(error))]) from None


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


handlers = [hear_room]

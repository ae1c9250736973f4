"""What waits to be read by a client's caller."""

import asyncio

import pytest

from renderowl.client.inbox import LIMIT, Inbox
from renderowl.client.messages import RoomMessage
from renderowl.domain.events import Cursor


def progress(percent: int, render_id: str = "rnd_1") -> RoomMessage:
    return RoomMessage("render.progress", {"percent": percent}, render_id=render_id)


def event(seq: int, render_id: str = "rnd_1") -> RoomMessage:
    return RoomMessage("render.retrying", seq=seq, render_id=render_id)


async def read(inbox: Inbox, count: int) -> list[RoomMessage | None]:
    return [(await inbox.next()).message for _ in range(count)]


async def test_events_keep_their_order_and_progress_is_replaced_by_newer() -> None:
    inbox = Inbox()
    for message in (progress(1, "rnd_2"), event(1), event(2), progress(2, "rnd_2"), progress(5)):
        inbox.add(message, Cursor("e", message.seq or 2))
    assert await read(inbox, 4) == [event(1), event(2), progress(2, "rnd_2"), progress(5)]


async def test_an_event_makes_its_renders_waiting_progress_pointless() -> None:
    inbox = Inbox()
    for message in (progress(50), progress(7, "rnd_2"), event(1)):
        inbox.add(message, None)
    assert await read(inbox, 2) == [event(1), progress(7, "rnd_2")]


async def test_marks_move_the_cursor_and_take_no_space() -> None:
    inbox = Inbox()
    inbox.add(event(1), Cursor("e", 1))
    for seq in range(2, 2 * LIMIT):
        inbox.add(None, Cursor("e", seq))
    assert (await inbox.next()).cursor == Cursor("e", 1)
    assert (await inbox.next()).cursor == Cursor("e", 2 * LIMIT - 1)


async def test_an_end_is_told_after_everything_that_came_before() -> None:
    inbox = Inbox()
    inbox.add(event(1), None)
    inbox.close(OSError())
    assert await read(inbox, 1) == [event(1)]
    with pytest.raises(OSError):
        await inbox.next()


async def test_a_full_inbox_takes_no_more_until_it_is_read_or_somebody_is_in_a_hurry() -> None:
    inbox = Inbox()
    for seq in range(LIMIT):
        inbox.add(event(seq), None)
    waiting = asyncio.create_task(inbox.space())
    await asyncio.sleep(0)
    assert not waiting.done()
    with inbox.hurry():
        await waiting
    waiting = asyncio.create_task(inbox.space())
    await asyncio.sleep(0)
    assert not waiting.done()
    await inbox.next()
    await waiting

"""Following one render to its end."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from renderowl.client.messages import RoomMessage
from renderowl.client.problem import RenderCancelled, RenderFailed
from renderowl.client.resources import Render
from renderowl.client.room import Room
from renderowl.domain.events import RENDER_ENDS, Progress
from renderowl.domain.lifecycle import is_active

OnProgress = Callable[[Progress], Awaitable[object] | object]


async def follow_room(room: Room, render: Render, look: Callable[[], Awaitable[Render]], told: "Told") -> Render:
    """Hear of `render` until its attempt has ended, and return it as it is then; `look` gets it."""
    async with contextlib.aclosing(aiter(room)) as messages:
        async for message in messages:
            if message.type == "snapshot":
                state = _find(message, render.id)
                if state is None or not is_active(state["status"]):
                    break
                await told.tell(msgspec.convert(state["progress"], Progress))
            elif message.render_id == render.id and message.type == "render.progress":
                await told.tell(msgspec.convert(message.data, Progress))
            elif message.render_id == render.id and message.type in RENDER_ENDS and _is_of(message, render):
                break
    ended = await look()
    await told.tell(ended.progress)
    return ended


def completed(render: Render) -> Render:
    """The render, which has completed. Raises RenderFailed or RenderCancelled when it has not."""
    if render.status == "failed":
        raise RenderFailed(render)
    if render.status == "cancelled":
        raise RenderCancelled(render)
    return render


def _is_of(message: RoomMessage, render: Render) -> bool:
    """False for the end of an attempt before the one that is followed."""
    return message.attempt is None or message.attempt >= render.attempt


def _find(snapshot: RoomMessage, render_id: str) -> dict[str, Any] | None:
    return next((render for render in snapshot.renders if render["id"] == render_id), None)


class Told:
    """Calls back with each progress that is another than the last."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._last: Progress | None = None

    async def tell(self, progress: Progress) -> None:
        if self._on_progress is None or progress == self._last:
            return
        self._last = progress
        done = self._on_progress(progress)
        if inspect.isawaitable(done):
            await done


async def finish(task: "asyncio.Task[Render]", within_s: float) -> Render | None:
    """What a task that is under way comes to within a time, None if to nothing; it is cancelled then."""
    await asyncio.wait({task}, timeout=within_s)
    if not task.done():
        task.cancel()
    return None if task.cancelled() or not task.done() or task.exception() else task.result()

"""The bus port: everything that goes through Redis besides dispatches. Nothing on it is the truth; Postgres is.

Channels: a room's (one a project), the scheduler's hint, a worker's control. A message is bytes of JSON.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn, Protocol

import msgspec

from renderowl.domain.events import Event, Picture, Progress, StepReport


class RoomMessage(msgspec.Struct, frozen=True):
    """What is published to a room. `top` is the highest durable seq the publisher knows, to show a hole.

    `body` is the Event of a durable message, and the finished wire message of the others.
    """

    project_id: str
    kind: Literal["durable", "progress", "preview", "presence"]
    top: int
    render_id: str | None
    body: msgspec.Raw
    seq: int | None = None
    attempt: int | None = None


class Control(msgspec.Struct, frozen=True):
    """A word to a worker: stop these claims (by token), or look at your leases now."""

    cancel_tokens: list[str] = []


class BusUnavailable(ConnectionError):
    """Redis cannot be reached now. Callers that only hint ignore it; readers fall back to Postgres."""


class Bus(Protocol):
    """Fan-out, newest progress, hints and one-time tickets."""

    async def publish_event(self, event: Event) -> None:
        """Append the event to the project's stream (id `<seq>-0`, about 1024 kept) and publish it to the room.

        Publishing the same seq twice is harmless. The event that ends an attempt closes its progress in the same step:
        a later report of that attempt is refused.
        """
        ...

    async def replay(self, project_id: str, epoch: str, after_seq: int) -> list[Event] | None:
        """The events after `after_seq`, or None when the stream holds none or lacks some: Postgres knows then."""
        ...

    async def publish_progress(self, report: StepReport) -> Progress | None:
        """Fold one step's report into the render's progress, store the newest and publish it to the room.

        Returns the render's progress, or None when the report is older than what is known (nothing is published).
        """
        ...

    async def publish_preview(self, project_id: str, render_id: str, attempt: int, picture: Picture) -> None:
        """Publish the newest small picture of a render and keep it for 60 s.

        One of an earlier frame than a picture before is dropped: several segments are encoded at once, and what is
        shown is how the film looks at the foremost of them. So is one of an attempt that has ended.
        """
        ...

    async def newest_preview(self, render_id: str) -> tuple[int, Picture] | None:
        """(attempt, picture) of a render, for 60 s after the last one."""
        ...

    async def newest_progress(self, render_ids: Sequence[str]) -> dict[str, tuple[int, Progress]]:
        """(attempt, progress) by render id, for those that have any."""
        ...

    async def newest_done(self, steps: Sequence[tuple[str, str, int]]) -> dict[str, float]:
        """How much, 0..1, of these steps (render id, step id, attempt) is done, by step id, for those that have said so."""
        ...

    async def wake_scheduler(self) -> None:
        """Hint that there may be something to dispatch. Never raises."""
        ...

    def scheduler_hints(self) -> AsyncIterator[None]:
        """One item for each hint and for each new connection, for ever, reconnecting by itself."""
        ...

    async def control(self, worker_id: str, message: Control) -> None:
        """Tell a worker something. Never raises: its heartbeat learns the same from Postgres."""
        ...

    def controls(self, worker_id: str) -> AsyncIterator[Control]:
        """The words to this worker, for ever, reconnecting by itself; an empty one for each new connection."""
        ...

    def rooms(self) -> "RoomFeed":
        """This process's one subscription to rooms."""
        ...

    async def announce(self, process: str, rosters: Mapping[str, bytes], ttl_s: float) -> None:
        """Tell rooms, by project, who is connected to this process, and keep that for `ttl_s`."""
        ...

    async def rosters(self, project_id: str) -> list[bytes]:
        """What processes have announced of a room and is still kept."""
        ...

    async def put_ticket(self, ticket: str, value: dict[str, Any], ttl_s: float) -> None:
        """Store what a one-time ticket stands for, under the hash of the ticket."""
        ...

    async def take_ticket(self, ticket: str) -> dict[str, Any] | None:
        """What the ticket stands for, once: a second call gets None."""
        ...

    async def check(self) -> None:
        """Raise BusUnavailable when Redis does not answer."""
        ...

    async def close(self) -> None:
        """Free connections."""
        ...


class RoomFeed(Protocol):
    """One pub/sub connection of a process, following the rooms that have members."""

    async def follow(self, project_id: str) -> None:
        """Subscribe to a room; returns when it is in force (or at once when Redis is away)."""
        ...

    async def unfollow(self, project_id: str) -> None:
        """Leave a room."""
        ...

    async def listen(self, hear: Callable[[RoomMessage | Literal["reconnected", "lost"]], None]) -> NoReturn:
        """Call `hear`, which must not raise, for each message of all followed rooms, for ever.

        After `reconnected` compare the rooms, after `lost` poll.
        """
        ...

"""The bus on Redis or Valkey. What must be atomic is a Lua script beside this file.

Keys: `<prefix>:events:<project>` (stream), `<prefix>:progress:<render>` and `<prefix>:preview:<render>` (hashes),
`<prefix>:ticket:<sha256>`, `<prefix>:presence:<project>` (hash, a roster a process). Channels:
`<prefix>:room:<project>`, `<prefix>:scheduler`, `<prefix>:control:<worker>`.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib.resources import files
from itertools import islice
from typing import Any, Final, Literal, NoReturn, cast

import msgspec
import redis.asyncio
import structlog
from redis.asyncio.connection import AbstractConnection

from renderowl.bus.base import BusUnavailable, Control, RoomMessage
from renderowl.bus.subscription import GONE, Item, Subscription
from renderowl.domain.events import RENDER_ENDS, Event, Picture, Progress, StepReport

log = structlog.get_logger(__name__)

_CALL_S: Final = 1.0
_PAUSE_S: Final = 1.0
_REPLAY_LIMIT: Final = 1024
_ROSTERS_AT_ONCE: Final = 200

_progress = msgspec.json.Decoder(Progress)
_picture = msgspec.msgpack.Decoder(Picture)
_event = msgspec.json.Decoder(Event)
_room_message = msgspec.json.Decoder(RoomMessage)
_control = msgspec.json.Decoder(Control)


class RedisBus:
    """The bus of one process. No call takes longer than a second, whatever Redis does; then it is BusUnavailable.

    After a call that timed out, calls fail at once for a second, so that a stall is not paid for by every caller.
    """

    def __init__(self, url: str, prefix: str = "renderowl") -> None:
        self._redis = redis.asyncio.Redis.from_url(url, socket_connect_timeout=_CALL_S, socket_timeout=_CALL_S)
        self._prefix = prefix
        self._stalled_until = 0.0
        self._publish_event = self._redis.register_script(_lua("publish_event"))
        self._publish_progress = self._redis.register_script(_lua("publish_progress"))
        self._publish_preview = self._redis.register_script(_lua("publish_preview"))

    async def publish_event(self, event: Event) -> None:
        """Append the event to the project's stream and publish it to the room; a second time, it is only heard again."""
        envelope = {
            "project_id": event.project_id,
            "kind": "durable",
            "render_id": event.render_id,
            "seq": event.seq,
            "attempt": event.attempt,
            "body": event,
        }
        ended = str(event.attempt or 0) if event.type in RENDER_ENDS and event.render_id else ""
        async with self._call():
            await self._publish_event(
                keys=[self._key("events", event.project_id), self._key("progress", event.render_id or "")],
                args=[
                    self._key("room", event.project_id),
                    event.seq,
                    event.epoch,
                    msgspec.json.encode(event),
                    msgspec.json.encode(envelope),
                    ended,
                ],
            )

    async def replay(self, project_id: str, epoch: str, after_seq: int) -> list[Event] | None:
        """The events after `after_seq`, or None when the stream holds none or lacks some: Postgres knows then."""
        async with self._call():
            entries = await self._redis.xrange(
                self._key("events", project_id), min=f"({after_seq}-0", count=_REPLAY_LIMIT
            )
        found = [_event.decode(fields[b"event"]) for _, fields in entries]
        complete = all(event.epoch == epoch and event.seq == after_seq + n for n, event in enumerate(found, 1))
        return found if found and complete else None

    async def publish_progress(self, report: StepReport) -> Progress | None:
        """Fold the report into its render's progress and publish that; None for one older than what is known."""
        async with self._call():
            newest = await self._publish_progress(
                keys=[self._key("progress", report.render_id), self._key("events", report.project_id)],
                args=[
                    self._key("room", report.project_id),
                    report.project_id,
                    report.render_id,
                    report.attempt,
                    report.step_id,
                    report.step_attempt,
                    report.done,
                    report.weight,
                    report.frames,
                    report.total_frames,
                    *(msgspec.json.encode(value) for value in (report.stage, report.fps, report.speed)),
                    report.base,
                    report.base_frames,
                    report.remembered.percent,
                    report.remembered.frames,
                    report.remembered.step_done,
                    report.remembered.step_frames,
                    report.n,
                ],
            )
        return None if newest is None else _progress.decode(newest)

    async def publish_preview(self, project_id: str, render_id: str, attempt: int, picture: Picture) -> None:
        """Publish the newest small picture of a render and keep it for 60 s; one of an earlier frame is dropped."""
        envelope = {
            "project_id": project_id,
            "kind": "preview",
            "render_id": render_id,
            "attempt": attempt,
            "body": {"type": "render.preview", "render_id": render_id, "data": picture},
        }
        async with self._call():
            await self._publish_preview(
                keys=[
                    self._key("preview", render_id),
                    self._key("progress", render_id),
                    self._key("events", project_id),
                ],
                args=[
                    self._key("room", project_id),
                    attempt,
                    picture.frame,
                    msgspec.msgpack.encode(picture),
                    msgspec.json.encode(envelope),
                ],
            )

    async def newest_preview(self, render_id: str) -> tuple[int, Picture] | None:
        """(attempt, picture) of a render, for 60 s after the last one."""
        async with self._call():
            attempt, picture = await self._redis.hmget(self._key("preview", render_id), ["attempt", "picture"])
        return None if picture is None else (int(attempt), _picture.decode(picture))

    async def newest_progress(self, render_ids: Sequence[str]) -> dict[str, tuple[int, Progress]]:
        """(attempt, progress) by render id, for those that have any."""
        if not render_ids:
            return {}
        async with self._call():
            pipeline = self._redis.pipeline(transaction=False)
            for render_id in render_ids:
                pipeline.hmget(self._key("progress", render_id), ["attempt", "newest"])
            found = await pipeline.execute()
        return {
            render_id: (int(attempt), _progress.decode(newest))
            for render_id, (attempt, newest) in zip(render_ids, found, strict=True)
            if newest is not None
        }

    async def newest_done(self, steps: Sequence[tuple[str, str, int]]) -> dict[str, float]:
        """How much, 0..1, of these steps (render id, step id, attempt) is done, by step id, for those that have said so."""
        if not steps:
            return {}
        async with self._call():
            pipeline = self._redis.pipeline(transaction=False)
            for render_id, step_id, _ in steps:
                pipeline.hget(self._key("progress", render_id), f"s:{step_id}")
            found = await pipeline.execute()
        said = {}
        for (_, step_id, attempt), value in zip(steps, found, strict=True):
            words = (
                value.split() if value is not None else []
            )  # step attempt, done, weight, frames: publish_progress.lua
            if words and int(words[0]) == attempt:
                said[step_id] = float(words[1])
        return said

    async def wake_scheduler(self) -> None:
        """Hint that there may be something to dispatch. Never raises."""
        with contextlib.suppress(BusUnavailable):
            async with self._call():
                await self._redis.publish(self._key("scheduler"), b"")

    async def scheduler_hints(self) -> AsyncIterator[None]:
        """One item for each hint, and one whenever the connection is new, since hints may have been missed."""
        async for item in self._subscribe(self._key("scheduler")):
            if item != "lost":
                yield None

    async def control(self, worker_id: str, message: Control) -> None:
        """Tell a worker something. Never raises: its heartbeat learns the same from Postgres."""
        with contextlib.suppress(BusUnavailable):
            async with self._call():
                await self._redis.publish(self._key("control", worker_id), msgspec.json.encode(message))

    async def controls(self, worker_id: str) -> AsyncIterator[Control]:
        """The words to this worker, and an empty one (look at your leases) whenever the connection is new."""
        async for item in self._subscribe(self._key("control", worker_id)):
            if item == "connected":
                yield Control()
            elif item != "lost":
                yield _control.decode(item[1])

    def rooms(self) -> "RedisRoomFeed":
        """This process's one subscription to rooms."""
        return RedisRoomFeed(Subscription(self._connection), self._key("room", ""))

    async def announce(self, process: str, rosters: Mapping[str, bytes], ttl_s: float) -> None:
        """Tell rooms, by project, who is connected to this process, and keep that for `ttl_s`."""
        left = iter(rosters.items())
        while some := list(islice(left, _ROSTERS_AT_ONCE)):
            async with self._call():
                pipeline = self._redis.pipeline(transaction=False)
                for project_id, roster in some:
                    key = self._key("presence", project_id)
                    envelope = {
                        "project_id": project_id,
                        "kind": "presence",
                        "top": 0,
                        "render_id": None,
                        "body": msgspec.Raw(roster),
                    }
                    pipeline.hset(key, process, roster)
                    pipeline.pexpire(key, round(ttl_s * 1000))
                    pipeline.publish(self._key("room", project_id), msgspec.json.encode(envelope))
                await pipeline.execute()

    async def rosters(self, project_id: str) -> list[bytes]:
        """What processes have announced of a room and is still kept."""
        async with self._call():
            kept: dict[bytes, bytes] = await self._redis.hgetall(self._key("presence", project_id))
        return list(kept.values())

    async def put_ticket(self, ticket: str, value: dict[str, Any], ttl_s: float) -> None:
        """Store what a one-time ticket stands for, under the hash of the ticket."""
        async with self._call():
            await self._redis.set(self._ticket_key(ticket), msgspec.json.encode(value), px=round(ttl_s * 1000))

    async def take_ticket(self, ticket: str) -> dict[str, Any] | None:
        """What the ticket stands for, once: a second call gets None."""
        async with self._call():
            value = await self._redis.getdel(self._ticket_key(ticket))
        return None if value is None else msgspec.json.decode(value, type=dict[str, Any])

    async def check(self) -> None:
        """Raise BusUnavailable when Redis does not answer."""
        async with self._call():
            await self._redis.ping()

    async def close(self) -> None:
        """Free connections."""
        await self._redis.aclose()

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _ticket_key(self, ticket: str) -> str:
        return self._key("ticket", hashlib.sha256(ticket.encode()).hexdigest())

    def _connection(self) -> AbstractConnection:
        return cast(AbstractConnection, self._redis.connection_pool.make_connection())

    async def _subscribe(self, channel: str) -> AsyncIterator[Item]:
        subscription = Subscription(self._connection)
        await subscription.follow(channel)
        async with contextlib.aclosing(subscription.messages()) as messages:
            async for item in messages:
                yield item

    @contextlib.asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        """Bound what happens inside by time and turn its failure into BusUnavailable."""
        if time.monotonic() < self._stalled_until:
            raise BusUnavailable("Redis does not answer")
        try:
            async with asyncio.timeout(_CALL_S):
                yield
        except (TimeoutError, redis.exceptions.TimeoutError) as error:
            self._stalled_until = time.monotonic() + _PAUSE_S
            raise BusUnavailable("Redis does not answer in time") from error
        except GONE as error:
            raise BusUnavailable(f"Redis cannot be used: {error}") from error


class RedisRoomFeed:
    """The rooms a process follows, over one connection."""

    def __init__(self, subscription: Subscription, channel_prefix: str) -> None:
        self._subscription = subscription
        self._prefix = channel_prefix

    async def follow(self, project_id: str) -> None:
        """Subscribe to a room; returns when it is in force (or at once when Redis is away)."""
        await self._subscription.follow(self._prefix + project_id)

    async def unfollow(self, project_id: str) -> None:
        """Leave a room."""
        await self._subscription.unfollow(self._prefix + project_id)

    async def listen(self, hear: Callable[[RoomMessage | Literal["reconnected", "lost"]], None]) -> NoReturn:
        """Hand on the messages of all followed rooms; `reconnected` comes with the first connection too."""

        def take(item: Item) -> None:
            if item == "connected":
                hear("reconnected")
            elif item == "lost":
                hear("lost")
            else:
                try:
                    message = _room_message.decode(item[1])
                except msgspec.DecodeError:
                    log.warning("room_message_unreadable", channel=item[0])
                else:
                    hear(message)

        await self._subscription.listen(take)


def _lua(name: str) -> str:
    return files("renderowl.bus").joinpath(f"{name}.lua").read_text()

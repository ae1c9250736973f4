"""A project's room as an async iterator that keeps itself connected and neither loses nor repeats a durable event."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from renderowl.client.api import Api, is_lost
from renderowl.client.commands import Command
from renderowl.client.following import Following
from renderowl.client.ladder import End, Fault, Rung, Timing
from renderowl.client.link import Transport
from renderowl.client.long_poll import LongPoll
from renderowl.client.messages import Ack, RoomFilter, RoomMessage, Watching
from renderowl.client.problem import Problem
from renderowl.client.resources import Render
from renderowl.client.socket import Socket
from renderowl.client.stream import Stream
from renderowl.domain.events import Cursor

_ASK_AGAIN_S: Final = 1.0
_RENEWED: Final = End(Fault.TOLD, "another filter")


class Room:
    """Iterate over it to hear the room; enter it to give commands as well.

    `cursor` is how far the iteration is: keep it to go on another time.
    """

    def __init__(
        self,
        api: Api,
        project_id: str,
        *,
        since: str | None,
        filter: RoomFilter | None,
        timing: Timing,
        watching: Watching | None = None,
    ) -> None:
        self.cursor: Cursor | None = None if since is None else Cursor.parse(since)
        self._api = api
        self._project_id = project_id
        self._filter = filter or RoomFilter()
        self._timing = timing
        self._watching = watching
        self._following: Following | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def transport(self) -> Rung | None:
        """Over what the room is heard at the moment; None while it is not."""
        link = None if self._following is None else self._following.link
        return None if link is None else link.rung

    async def __aenter__(self) -> Self:
        if self._following is not None:
            raise RuntimeError("this room is in use already")
        self._following = Following(
            self._open,
            cursor=self.cursor,
            credential=self._api.credential,
            over_http=self._over_http,
            timing=self._timing,
        )
        self._task = asyncio.create_task(self._following.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        following, task, self._following, self._task = self._following, self._task, None, None
        assert following is not None
        assert task is not None
        following.leave()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def __aiter__(self) -> AsyncGenerator[RoomMessage]:
        """The messages, for ever. Raises Problem when the server says that it is no use to come back."""
        async with contextlib.nullcontext() if self._following is not None else self:
            inbox = self._entered.inbox
            while True:
                item = await inbox.next()
                self.cursor = item.cursor
                if item.message is not None:
                    yield item.message

    @property
    def _entered(self) -> Following:
        if self._following is None:
            raise RuntimeError("enter the room first: async with client.room(...) as room")
        return self._following

    # --- commands ----------------------------------------------------------------------------------------------------

    async def create(self, spec: Mapping[str, Any], *, ref: str | None = None) -> Ack:
        """Submit a render: `spec` is the body of `POST /projects/{id}/renders`. The same `ref` makes no second one."""
        return await self._ask("render.create", ref, data=spec)

    async def cancel(self, render_id: str) -> Ack:
        """Stop a render."""
        return await self._ask("render.cancel", None, render_id=render_id)

    async def retry(self, render_id: str) -> Ack:
        """Start the next attempt of a failed render."""
        return await self._ask("render.retry", None, render_id=render_id)

    async def subscribe(self, filter: RoomFilter) -> None:
        """Hear this from now on. What another filter hid before is not told afterwards."""
        self._filter = filter
        link = self._entered.link
        if link is not None and isinstance(link.transport, Socket):
            await link.transport.subscribe(filter)
        elif link is not None:
            link.leave(_RENEWED)

    async def _ask(self, type: str, ref: str | None, **fields: Any) -> Ack:
        command = Command(type, ref or f"ref_{secrets.token_urlsafe(16)}", **fields)
        try:
            return await self._entered.ask(command)
        except Problem as refused:
            if refused.code == "conflict" and command.times_given > 1 and type != "render.create":
                # it was given before, and only the answer was lost: then things are as asked for
                render = await self._api.call(Render, "GET", self._path(f"/renders/{fields['render_id']}"))
                if (render.status == "cancelled") if type == "render.cancel" else (render.status != "failed"):
                    return Ack(command.ref, render.id, render.status, deduplicated=True)
            raise

    async def _over_http(self, command: Command) -> None:
        """Give a command where there is no socket; as often as the answer is lost."""
        while not command.answer.done():
            try:
                command.done(await self._post(command))
            except Problem as refused:
                if not is_lost(refused):
                    return command.refused(refused)
            except httpx.TransportError:
                pass
            else:
                return None
            await asyncio.sleep(_ASK_AGAIN_S)
            command.times_given += 1
        return None

    async def _post(self, command: Command) -> Ack:
        if command.type == "render.create":
            headers = {"Idempotency-Key": command.ref}
            render = await self._api.call(
                Render, "POST", self._path("/renders"), msgspec.to_builtins(command.fields["data"]), headers
            )
        else:
            verb = command.type.removeprefix("render.")
            render = await self._api.call(Render, "POST", self._path(f"/renders/{command.fields['render_id']}/{verb}"))
        return Ack(command.ref, render.id, render.status)

    # --- transports --------------------------------------------------------------------------------------------------

    def _open(self, rung: Rung, since: Cursor | None) -> Transport:
        match rung:
            case "socket":
                address = f"ws{self._api.base_url.removeprefix('http')}/ws{self._path('/renders')}"
                return Socket(address, self._api.credential, since, self._filter, self._timing, self._watching)
            case "stream":
                return Stream(self._api.http, self._path("/events"), since, self._filter, self._timing)
            case "poll":
                return LongPoll(self._api.http, self._path("/events"), since, self._filter, self._timing)

    def _path(self, rest: str) -> str:
        return f"/projects/{self._project_id}{rest}"

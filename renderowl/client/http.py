"""The client: projects, uploads, renders, downloads over HTTP, and the rooms that follow them."""

import asyncio
import math
import mimetypes
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import httpx
import msgspec

from renderowl.client.api import Api
from renderowl.client.credential import TokenSource
from renderowl.client.ladder import Timing
from renderowl.client.messages import RoomFilter, Watching
from renderowl.client.problem import Problem
from renderowl.client.rendering import OnProgress, Told, completed, finish, follow_room
from renderowl.client.resources import Asset, Project, Render
from renderowl.client.room import Room
from renderowl.client.uploading import CHUNK_BYTES, Upload, put_file
from renderowl.domain.lifecycle import is_active

_LOOK_S: Final = (0.05, 1.0)
_CANCEL_S: Final = 5.0
_PAGE: Final = 100
_EXPIRED: Final = 403


_TYPES: Final = mimetypes.MimeTypes()  # not what the machine says: `.srt` is known to few
for _suffix, _type in {
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mkv": "video/x-matroska",
    ".ogg": "audio/ogg",
    ".otf": "font/otf",
    ".srt": "application/x-subrip",
    ".ts": "video/mp2t",
    ".ttf": "font/ttf",
    ".wav": "audio/wav",
    ".webp": "image/webp",
}.items():
    _TYPES.add_type(_type, _suffix)


class _Announced(msgspec.Struct, frozen=True):
    asset: Asset
    upload: Upload


class _Projects(msgspec.Struct, frozen=True):
    items: list[Project]
    next_cursor: str | None = None


class _Secret(msgspec.Struct, frozen=True):
    secret: str


class _Url(msgspec.Struct, frozen=True):
    url: str


class Client:
    """RenderOwl over HTTP and whatever a room can be heard over. Raises Problem for what the server refuses.

    `key` is an API key or token, or a function that returns a new token whenever one is needed. `patience_s` is how
    long a request that may be sent again is, while its answer is lost.
    """

    def __init__(
        self,
        base_url: str,
        key: TokenSource,
        *,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
        timing: Timing | None = None,
    ) -> None:
        self._api = Api(base_url, key, timeout_s=timeout_s)
        self._patience_s = patience_s
        self._timing = timing or Timing()
        # Signed URLs carry their own authorization and may lead to another host: no key goes there.
        self._media = httpx.AsyncClient(timeout=httpx.Timeout(timeout_s, read=300.0, write=300.0))

    @property
    def base_url(self) -> str:
        """The server's address."""
        return self._api.base_url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Free connections."""
        await self._api.http.aclose()
        await self._media.aclose()

    # --- projects and rooms ------------------------------------------------------------------------------------------

    async def create_project(self, name: str) -> Project:
        """Make a project."""
        return await self._api.call(Project, "POST", "/projects", {"name": name})

    async def projects(self) -> AsyncIterator[Project]:
        """Your projects, newest first, read page by page."""
        page = await self._api.call(_Projects, "GET", f"/projects?limit={_PAGE}")
        while True:
            for project in page.items:
                yield project
            if page.next_cursor is None:
                return
            query = httpx.QueryParams({"limit": _PAGE, "cursor": page.next_cursor})
            page = await self._api.call(_Projects, "GET", f"/projects?{query}")

    def room(
        self,
        project_id: str,
        *,
        since: str | None = None,
        filter: RoomFilter | None = None,
        watching: Watching | None = None,
    ) -> Room:
        """What happens in a project, for ever: `async for message in client.room(...)`."""
        return Room(self._api, project_id, since=since, filter=filter, timing=self._timing, watching=watching)

    async def webhook_secret(self, project_id: str) -> str:
        """What webhooks to the `webhook_url` of the project's renders are signed with: `whsec_...`."""
        return (await self._api.call(_Secret, "GET", f"/projects/{project_id}/webhook-secret")).secret

    # --- assets ------------------------------------------------------------------------------------------------------

    async def upload(
        self, project_id: str, path: Path, *, name: str | None = None, content_type: str | None = None
    ) -> Asset:
        """Send a file and confirm it; the asset is then looked into: see `ready_asset`."""
        guessed = content_type or _TYPES.guess_type(path.name)[0] or "application/octet-stream"
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        assets = f"/projects/{project_id}/assets"
        body = {"name": name or path.name, "content_type": guessed, "size_bytes": size_bytes}
        announced = await self._api.call(_Announced, "POST", f"{assets}/upload", body)
        return await self._send(f"{assets}/{announced.asset.id}", path, size_bytes, announced.upload)

    async def resume_upload(self, project_id: str, asset_id: str, path: Path) -> Asset:
        """Send what has not arrived of an upload that broke off (a `pending` asset), and confirm it."""
        asset = f"/projects/{project_id}/assets/{asset_id}"
        left = await self._api.call(_Announced, "GET", f"{asset}/upload")
        return await self._send(asset, path, (await asyncio.to_thread(path.stat)).st_size, left.upload)

    async def _send(self, asset: str, path: Path, size_bytes: int, upload: Upload) -> Asset:
        """Send a file, or what is left of it, and confirm it.

        A large one takes longer than its URLs are good for: as long as parts arrive, new ones are asked for.
        """
        least = math.inf
        while True:
            try:
                await put_file(self._media, path, size_bytes, upload)
            except Problem as problem:
                missing = len(upload.parts)
                if problem.status != _EXPIRED or not 0 < missing < least:
                    raise
                least = missing
                upload = (await self._api.call(_Announced, "GET", f"{asset}/upload")).upload
            else:
                return await self._api.call(Asset, "POST", f"{asset}/upload-complete", {})

    async def get_asset(self, project_id: str, asset_id: str) -> Asset:
        """The asset as it is now."""
        return await self._api.call(Asset, "GET", f"/projects/{project_id}/assets/{asset_id}")

    async def ready_asset(self, project_id: str, asset_id: str, *, timeout_s: float = 60.0) -> Asset:
        """Wait until the asset is ready. Raises Problem with why when it failed, TimeoutError when it takes longer."""
        pause_s, longest_s = _LOOK_S
        async with asyncio.timeout(timeout_s):
            while (asset := await self.get_asset(project_id, asset_id)).status in ("pending", "processing"):
                await asyncio.sleep(pause_s)
                pause_s = min(longest_s, pause_s * 1.5)
        if asset.status == "failed":
            error = asset.error or {}
            raise Problem({"status": 422, **error, "detail": f"{asset.name}: {error.get('message', 'cannot be used')}"})
        return asset

    # --- renders -----------------------------------------------------------------------------------------------------

    async def render(
        self,
        project_id: str,
        spec: Mapping[str, Any],
        *,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        on_cancel: Literal["cancel", "leave"] = "cancel",
    ) -> Render:
        """Submit a render, follow it to its end and return it completed. `spec` is the body of the request.

        Sending it again after a lost answer makes no second render. Raises RenderFailed, RenderCancelled, or Problem.
        Whoever cancels this call cancels the render as well, unless `on_cancel` is to leave it alone.
        """
        key = idempotency_key or f"client_{secrets.token_urlsafe(16)}"
        submitting = asyncio.create_task(self._submit(project_id, spec, key, self._patience_s))
        try:
            render = await asyncio.shield(submitting)
            return await self._follow(project_id, render, on_progress)
        except asyncio.CancelledError:
            if on_cancel == "cancel":
                await self._give_up(project_id, submitting)
            raise

    async def follow(self, project_id: str, render_id: str, *, on_progress: OnProgress | None = None) -> Render:
        """Follow a render that is there to its end and return it completed. Raises RenderFailed, RenderCancelled."""
        return await self._follow(project_id, await self.get_render(project_id, render_id), on_progress)

    async def create_render(
        self,
        project_id: str,
        composition_id: str,
        input_props: Mapping[str, Any],
        *,
        output_settings: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Render:
        """Submit a render; `options` are the other fields of the body: priority, metadata, webhook_url, supersede_key."""
        spec = {"composition_id": composition_id, "input_props": input_props, **options}
        if output_settings is not None:
            spec["output_settings"] = output_settings
        return await self._submit(project_id, spec, idempotency_key, 0.0)

    async def get_render(self, project_id: str, render_id: str) -> Render:
        """The render as it is now, with its newest progress."""
        return await self._api.call(Render, "GET", f"/projects/{project_id}/renders/{render_id}")

    async def cancel_render(self, project_id: str, render_id: str) -> Render:
        """Stop a render."""
        return await self._api.call(Render, "POST", f"/projects/{project_id}/renders/{render_id}/cancel")

    async def retry_render(self, project_id: str, render_id: str) -> Render:
        """Start the next attempt of a failed render."""
        return await self._api.call(Render, "POST", f"/projects/{project_id}/renders/{render_id}/retry")

    async def download(self, project_id: str, render_id: str, path: Path, *, name: str | None = None) -> Path:
        """Write the render's output (its only or first file, or the one called `name`) to `path`."""
        query = "" if name is None else f"?{httpx.QueryParams({'name': name})}"
        signed = await self._api.call(_Url, "GET", f"/projects/{project_id}/renders/{render_id}/output{query}")
        temporary = path.with_name(f".{path.name}.part")
        try:
            async with self._media.stream("GET", signed.url) as answer:
                if answer.is_error:
                    raise Problem.of(answer.status_code, await answer.aread())
                with temporary.open("wb") as file:
                    async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                        await asyncio.to_thread(file.write, chunk)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    async def _submit(self, project_id: str, spec: Mapping[str, Any], key: str | None, patience_s: float) -> Render:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self._api.call(
            Render, "POST", f"/projects/{project_id}/renders", spec, headers, patience_s=patience_s
        )

    async def _follow(self, project_id: str, render: Render, on_progress: OnProgress | None) -> Render:
        async def look() -> Render:
            path = f"/projects/{project_id}/renders/{render.id}"
            return await self._api.call(Render, "GET", path, patience_s=self._patience_s)

        told = Told(on_progress)
        await told.tell(render.progress)
        while is_active(render.status):  # again when somebody retries it at once
            room = self.room(project_id, filter=RoomFilter(render_ids=[render.id]))
            render = await follow_room(room, render, look, told)
        return completed(render)

    async def _give_up(self, project_id: str, submitting: "asyncio.Task[Render]") -> None:
        """Cancel what was submitted, if its answer comes soon enough to know it."""
        render = await finish(submitting, _CANCEL_S)
        if render is not None:
            cancelling = asyncio.create_task(self.cancel_render(project_id, render.id))
            await finish(cancelling, _CANCEL_S)

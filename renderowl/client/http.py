"""The HTTP side of the client: projects, uploads, renders, downloads."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
import msgspec

from renderowl.client.problem import Problem
from renderowl.client.rooms import Room, RoomFilter
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.records import AssetStatus, AssetType

_CHUNK_BYTES: Final = 1024 * 1024
_PARTS_AT_ONCE: Final = 4
_LOOK_S: Final = (0.05, 1.0)

Answer = TypeVar("Answer")


class Project(msgspec.Struct, frozen=True):
    id: str
    name: str


class Asset(msgspec.Struct, frozen=True):
    id: str
    name: str
    type: AssetType
    status: AssetStatus
    metadata: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class Render(msgspec.Struct, frozen=True):
    id: str
    status: RenderStatus
    attempt: int
    progress: Progress
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    cache: dict[str, int] = {}
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class _Part(msgspec.Struct, frozen=True):
    part_number: int
    url: str


class _Upload(msgspec.Struct, frozen=True):
    url: str = ""
    headers: dict[str, str] = {}
    part_size_bytes: int = 0
    parts: list[_Part] = []


class _Announced(msgspec.Struct, frozen=True):
    asset: Asset
    upload: _Upload


class _Url(msgspec.Struct, frozen=True):
    url: str


class Client:
    """RenderOwl over HTTP and, with `room`, its socket. Raises Problem for what the server refuses."""

    def __init__(self, base_url: str, key: str, *, timeout_s: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._key = key
        transport = httpx.AsyncHTTPTransport(retries=2)
        self._api = httpx.AsyncClient(
            base_url=self.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_s, transport=transport
        )
        # Signed URLs carry their own authorization and may lead to another host: no key goes there.
        self._media = httpx.AsyncClient(timeout=httpx.Timeout(timeout_s, read=300.0, write=300.0))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Free connections."""
        await self._api.aclose()
        await self._media.aclose()

    # --- projects and rooms ------------------------------------------------------------------------------------------

    async def create_project(self, name: str) -> Project:
        """Make a project."""
        return await self._call(Project, "POST", "/projects", {"name": name})

    def room(self, project_id: str, *, since: str | None = None, filter: RoomFilter | None = None) -> Room:
        """What happens in a project, for ever: `async for message in client.room(...)`."""
        address = f"ws{self.base_url.removeprefix('http')}/ws/projects/{project_id}/renders"
        return Room(address, self._key, since=since, filter=filter)

    # --- assets ------------------------------------------------------------------------------------------------------

    async def upload(
        self, project_id: str, path: Path, *, name: str | None = None, content_type: str | None = None
    ) -> Asset:
        """Send a file and confirm it; the asset is then looked into: see `ready_asset`."""
        guessed = content_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        announced = await self._call(
            _Announced,
            "POST",
            f"/projects/{project_id}/assets/upload",
            {"name": name or path.name, "content_type": guessed, "size_bytes": size_bytes},
        )
        upload = announced.upload
        done: dict[str, Any] = {}
        if upload.parts:
            done["parts"] = await self._put_parts(path, size_bytes, upload)
        else:
            await self._put(upload.url, path, 0, size_bytes, upload.headers)
        return await self._call(
            Asset, "POST", f"/projects/{project_id}/assets/{announced.asset.id}/upload-complete", done
        )

    async def get_asset(self, project_id: str, asset_id: str) -> Asset:
        """The asset as it is now."""
        return await self._call(Asset, "GET", f"/projects/{project_id}/assets/{asset_id}")

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
        body = {"composition_id": composition_id, "input_props": input_props, **options}
        if output_settings is not None:
            body["output_settings"] = output_settings
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return await self._call(Render, "POST", f"/projects/{project_id}/renders", body, headers)

    async def get_render(self, project_id: str, render_id: str) -> Render:
        """The render as it is now, with its newest progress."""
        return await self._call(Render, "GET", f"/projects/{project_id}/renders/{render_id}")

    async def cancel_render(self, project_id: str, render_id: str) -> Render:
        """Stop a render."""
        return await self._call(Render, "POST", f"/projects/{project_id}/renders/{render_id}/cancel")

    async def retry_render(self, project_id: str, render_id: str) -> Render:
        """Start the next attempt of a failed render."""
        return await self._call(Render, "POST", f"/projects/{project_id}/renders/{render_id}/retry")

    async def download(self, project_id: str, render_id: str, path: Path, *, name: str | None = None) -> Path:
        """Write the render's output (its only or first file, or the one called `name`) to `path`."""
        query = "" if name is None else f"?{httpx.QueryParams({'name': name})}"
        signed = await self._call(_Url, "GET", f"/projects/{project_id}/renders/{render_id}/output{query}")
        temporary = path.with_name(f".{path.name}.part")
        try:
            async with self._media.stream("GET", signed.url) as answer:
                if answer.is_error:
                    raise Problem.of(answer.status_code, await answer.aread())
                with temporary.open("wb") as file:
                    async for chunk in answer.aiter_bytes(_CHUNK_BYTES):
                        await asyncio.to_thread(file.write, chunk)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    # --- requests ----------------------------------------------------------------------------------------------------

    async def _call(
        self,
        answer_type: type[Answer],
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {**(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else msgspec.json.encode(body)
        answer = await self._api.request(method, path, content=content, headers=sent)
        if answer.is_error:
            raise Problem.of(answer.status_code, answer.content)
        return msgspec.json.decode(answer.content, type=answer_type)

    async def _put_parts(self, path: Path, size_bytes: int, upload: _Upload) -> list[dict[str, Any]]:
        """Send a file in parts, a few at a time, and return the list of their ETags."""
        gate = asyncio.Semaphore(_PARTS_AT_ONCE)

        async def put(part: _Part) -> dict[str, Any]:
            start = (part.part_number - 1) * upload.part_size_bytes
            end = min(size_bytes, start + upload.part_size_bytes)
            async with gate:
                answer = await self._put(part.url, path, start, end, {})
            return {"part_number": part.part_number, "etag": answer.headers["ETag"]}

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(put(part)) for part in upload.parts]
        return [task.result() for task in tasks]

    async def _put(self, url: str, path: Path, start: int, end: int, headers: Mapping[str, str]) -> httpx.Response:
        sent = {"Content-Length": str(end - start), **headers}
        answer = await self._media.put(url, content=_read(path, start, end), headers=sent)
        if answer.is_error:
            raise Problem.of(answer.status_code, answer.content)
        return answer


async def _read(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while (left := end - file.tell()) > 0 and (
            chunk := await asyncio.to_thread(file.read, min(left, _CHUNK_BYTES))
        ):
            yield chunk

"""Assets: announce, upload straight to storage, confirm, probe, download."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from renderowl.db import assets
from renderowl.db import projects as project_rows
from renderowl.domain.errors import (
    Conflict,
    MediaUnreadable,
    NotFound,
    QuotaExceeded,
    RenderOwlError,
    Unavailable,
    UploadMismatch,
    UrlExpired,
)
from renderowl.domain.ids import is_id
from renderowl.domain.records import Asset, Principal, Project
from renderowl.pipeline.captions import CaptionsUnreadable, read_captions
from renderowl.pipeline.font_files import probe_font
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.services import projects, quotas
from renderowl.services.announcing import largest_bytes
from renderowl.services.context import Context
from renderowl.services.paging import Page, PageRequest, cut
from renderowl.services.publishing import record
from renderowl.services.views import AssetBrief, asset_view, error_record, error_view
from renderowl.storage.base import ObjectMissing, SignedRequest
from renderowl.storage.hashed import sha256_of

log = structlog.get_logger(__name__)

FOLDER: Final = "renderowl-asset-"
"""What temporary folders with files of projects begin with; those that killed processes left are swept."""
_LONG_S: Final = 3600.0

DOWNLOAD_TTL_S: Final = 3600


async def insert(ctx: Context, project: Project, *new: Asset) -> None:
    """Store new assets and count them. Raises QuotaExceeded when the project's owner may not have so many bytes more."""
    size_bytes = sum(asset.size_bytes for asset in new)
    async with ctx.db.transaction():
        await quotas.require(ctx, project.owner_id, "storage_bytes", more=size_bytes, at="/size_bytes")
        for asset in new:
            await assets.insert(ctx.db, asset)
        await project_rows.count(ctx.db, project.id, assets=len(new))


async def require_pending(ctx: Context, storage_key: str) -> None:
    """Raise UrlExpired unless an asset waits for an upload to this key."""
    if await assets.get_pending(ctx.db, storage_key.rpartition("/")[2], storage_key) is None:
        raise UrlExpired("this upload was confirmed or discarded")


async def take_arrived(ctx: Context, tools: Toolchain, asset: Asset) -> Asset | None:
    """Confirm a pending asset for its owner and look into it at once; None while its bytes have not arrived.

    Raises UploadMismatch or QuotaExceeded as a confirmation does.
    """
    try:
        await take_over(ctx, asset)
    except ObjectMissing:
        return None
    found = await assets.get(ctx.db, asset.project_id, asset.id)
    if found is not None and found.status == "processing":
        return await process(ctx, tools, found) or await assets.get(ctx.db, asset.project_id, asset.id)
    return found


async def take_over(ctx: Context, asset: Asset) -> None:
    """Set a pending asset to `processing` when what has arrived is as long as was announced.

    Raises ObjectMissing; QuotaExceeded where no length was announced.
    """
    stored = await ctx.storage.head(asset.storage_key)
    announced = asset.size_bytes
    if stored.size_bytes > (most := largest_bytes(ctx, asset.type)):
        await ctx.storage.delete([asset.storage_key])
        raise UploadMismatch(f"{stored.size_bytes} bytes arrived; at most {most} are taken")
    if announced not in (0, stored.size_bytes):
        await ctx.storage.delete([asset.storage_key])
        raise UploadMismatch(f"{announced} bytes were announced and {stored.size_bytes} arrived")
    try:
        async with ctx.db.transaction():
            if announced == 0:
                await _require_room(ctx, asset.project_id, stored.size_bytes)
            await assets.start_processing(ctx.db, asset.id, stored.size_bytes)
    except QuotaExceeded:
        await ctx.storage.delete([asset.storage_key])
        raise


async def count_arrived(ctx: Context, storage_key: str, size_bytes: int) -> None:
    """Count what has come to a URL without a length, as soon as it is there: until it is used nobody else would.

    Raises QuotaExceeded, having removed it.
    """
    asset = await assets.get_pending(ctx.db, storage_key.rpartition("/")[2], storage_key)
    if asset is None:
        return
    try:
        async with ctx.db.transaction():
            await _require_room(ctx, asset.project_id, size_bytes - asset.size_bytes)
            await assets.set_arrived(ctx.db, asset.id, size_bytes)
    except QuotaExceeded:
        await ctx.storage.delete([storage_key])
        raise


async def _require_room(ctx: Context, project_id: str, size_bytes: int) -> None:
    for owner_id in (await project_rows.owners(ctx.db, [project_id])).values():
        await quotas.require(ctx, owner_id, "storage_bytes", more=size_bytes)


async def process(ctx: Context, tools: Toolchain, asset: Asset) -> Asset | None:
    """Look into an uploaded file in subprocesses and set the asset to `ready`, or to `failed` saying why.

    Returns None when somebody else has done so meanwhile.
    """
    error: RenderOwlError | None = None
    values: dict[str, Any] = {}
    async with _folder() as folder:
        path = folder / "media"
        try:
            await _join(ctx, asset)
            await ctx.storage.get_file(asset.storage_key, path)
            values = await _looked_into(tools, asset, path)
        except ObjectMissing:
            error = MediaUnreadable("the uploaded file is gone")
        except RenderOwlError as problem:
            if problem.failure != "permanent":
                raise
            error = problem
    async with ctx.db.transaction() as tx:
        done = await assets.finish_processing(
            ctx.db, asset.id, error=None if error is None else error_record(error), **values
        )
        if done is None:
            return None
        done = await assets.share(ctx.db, done) or done
        failure = None if error is None else error_view(error)
        told = AssetBrief(done.name, done.type, done.status, asset_view(done).metadata, failure)
        await record(
            ctx,
            tx,
            done.project_id,
            "asset.ready" if error is None else "asset.failed",
            msgspec.to_builtins(told),
            asset_id=done.id,
        )
    if done.storage_key != asset.storage_key:
        await ctx.storage.delete([asset.storage_key])
    return done


@contextlib.asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A temporary folder, removed in a thread: removing ten gigabytes takes seconds."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix=FOLDER)
    try:
        yield Path(folder.name)
    finally:
        await asyncio.to_thread(folder.cleanup)


async def _join(ctx: Context, asset: Asset) -> None:
    """Make an upload's parts one object; what has been joined stays as it is. Raises UploadMismatch for wrong parts."""
    if asset.upload_id is None:
        return
    try:
        parts = await ctx.storage.list_parts(asset.storage_key, asset.upload_id)
        await ctx.storage.complete_multipart(asset.storage_key, asset.upload_id, parts)
    except ObjectMissing:
        log.info("multipart_already_completed", asset_id=asset.id)
    except ValueError as error:
        raise UploadMismatch(str(error)) from error
    if await assets.get(ctx.db, asset.project_id, asset.id) is None:  # deleted before there was an object
        await ctx.storage.delete([asset.storage_key])


async def _looked_into(tools: Toolchain, asset: Asset, path: Path) -> dict[str, Any]:
    """What `_inspect` returns. A file that our own reader breaks on is a bad one: it would break it every time."""
    try:
        return await _inspect(tools, asset, path)
    except (RenderOwlError, OSError):
        raise
    except Exception as error:
        log.exception("reader_broke", asset_id=asset.id)
        raise MediaUnreadable("the file cannot be read: its reader broke on it") from error


async def _inspect(tools: Toolchain, asset: Asset, path: Path) -> dict[str, Any]:
    """What `finish_processing` stores of a good file. Raises a permanent RenderOwlError for a bad one."""
    digest = await asyncio.to_thread(sha256_of, path)
    if asset.checksum_sha256 is not None and digest != asset.checksum_sha256.lower():
        raise UploadMismatch("the SHA-256 of the uploaded file is not the announced one")
    if asset.type == "subtitle":
        return {"content_hash": digest, "metadata": {"captions": await asyncio.to_thread(count_captions, path)}}
    if asset.type == "font":
        facts = await probe_font(path, digest)
        metadata = {"family": facts.family, "characters": facts.count, "font": msgspec.to_builtins(facts)}
        return {"content_hash": digest, "content_type": facts.content_type, "metadata": metadata}
    probed = await probe(path, tools, claimed=asset.content_type)
    media = probed.media(f"asset://{asset.id}", digest)
    return {
        "content_hash": digest,
        "content_type": probed.content_type,
        "type": probed.kind,
        "metadata": {**probed.metadata, "media": msgspec.to_builtins(media)},
    }


async def get(ctx: Context, principal: Principal, project_id: str, asset_id: str, *, write: bool = False) -> Asset:
    """One asset of the caller's. Raises NotFound."""
    await projects.get(ctx, principal, project_id, "write" if write else "read")
    asset = await assets.get(ctx.db, project_id, asset_id) if is_id(asset_id, "ast") else None
    if asset is None:
        raise NotFound(f"there is no asset {asset_id!r} in this project")
    return asset


async def list_page(
    ctx: Context,
    principal: Principal,
    project_id: str,
    page: PageRequest,
    *,
    type: str | None = None,
    status: str | None = None,
) -> Page[Asset]:
    """The project's assets, newest first."""
    await projects.get(ctx, principal, project_id)
    found = await assets.list_page(
        ctx.db, project_id, before_id=page.before_id("ast"), limit=page.limit + 1, type=type, status=status
    )
    return cut(found, page.limit, [asset.id for asset in found])


async def rename(ctx: Context, principal: Principal, project_id: str, asset_id: str, name: str) -> Asset:
    """Change an asset's name."""
    await get(ctx, principal, project_id, asset_id, write=True)
    projects.check_name(name)
    await assets.rename(ctx.db, asset_id, name)
    return await get(ctx, principal, project_id, asset_id)


async def sign_download(
    ctx: Context, principal: Principal, project_id: str, asset_id: str
) -> tuple[Asset, SignedRequest]:
    """A URL that serves the asset for an hour. Raises Conflict while nothing is there to serve."""
    asset = await get(ctx, principal, project_id, asset_id)
    if asset.status != "ready":
        raise Conflict(f"the asset is {asset.status}")
    return asset, await ctx.storage.sign_get(asset.storage_key, ttl_s=DOWNLOAD_TTL_S, download_name=asset.name)


async def delete(ctx: Context, principal: Principal, project_id: str, asset_id: str) -> None:
    """Delete an asset: the object first, so that none is left without a row. Raises Conflict while a render uses it."""
    asset = await get(ctx, principal, project_id, asset_id, write=True)
    if users := await assets.used_by(ctx.db, project_id, asset_id):
        named = ", ".join(users)
        raise Conflict(f"the asset is used by renders that are not done: {named}; cancel them or wait")
    await _discard(ctx, asset)


async def sweep(ctx: Context, tools: Toolchain) -> int:
    """Take up assets whose processing died and discard uploads that never came; the slow tick."""
    await asyncio.to_thread(_sweep_folders, Path(tempfile.gettempdir()))
    left = await assets.stuck(ctx.db)
    for asset in left:
        try:
            await _finish(ctx, tools, asset)
        except Unavailable:
            raise
        except Exception:  # one that cannot be dealt with now holds up no other
            log.exception("asset_waits", asset_id=asset.id)
    return len(left)


async def _finish(ctx: Context, tools: Toolchain, asset: Asset) -> None:
    if asset.status == "processing":
        await process(ctx, tools, asset)
    elif not asset.unattended or not await _taken(ctx, tools, asset):
        await _discard(ctx, asset)


async def _taken(ctx: Context, tools: Toolchain, asset: Asset) -> bool:
    with contextlib.suppress(UploadMismatch, QuotaExceeded):
        return await take_arrived(ctx, tools, asset) is not None
    return False


async def _discard(ctx: Context, asset: Asset) -> None:
    if asset.upload_id is not None:
        await ctx.storage.abort_multipart(asset.storage_key, asset.upload_id)
    async with ctx.db.transaction():
        if await assets.lock_sharers(ctx.db, asset) <= {asset.id}:
            await ctx.storage.delete([asset.storage_key])
        if await assets.delete(ctx.db, asset.id):
            await project_rows.count(ctx.db, asset.project_id, assets=-1)


def count_captions(path: Path) -> int:
    """How many captions a file holds. Raises MediaUnreadable when it is no file of captions."""
    try:
        return len(read_captions(path.read_bytes().decode("utf-8-sig")))
    except (CaptionsUnreadable, UnicodeDecodeError) as error:
        raise MediaUnreadable(f"this is neither SRT, WebVTT nor JSON captions in UTF-8: {error}") from None


def _sweep_folders(temporary: Path) -> None:
    """Remove what killed processes left of looking into files: no look takes an hour."""
    for folder in temporary.glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > _LONG_S:
                shutil.rmtree(folder, ignore_errors=True)

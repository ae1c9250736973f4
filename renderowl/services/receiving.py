"""Files that nobody confirms: those that come with a request, and uploads to a URL that are taken once they are there."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec

from renderowl.db import assets as rows
from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.records import Asset, Principal
from renderowl.pipeline.tools import Toolchain
from renderowl.services import assets, projects
from renderowl.services.announcing import UPLOAD_TTL_S, UploadRequest, pending, problems_of
from renderowl.services.context import Context
from renderowl.storage.base import SignedRequest

SHOWN_TTL_S: Final = 7 * 24 * 3600
"""How long a URL serves a file for; S3 signs none for longer."""

MAX_LOOKS: Final = 5
"""How many announcements of one name are looked after."""


class Given(msgspec.Struct, frozen=True):
    """A file that came with a request, and where it is problems are told of."""

    at: str
    name: str
    content_type: str
    path: Path
    size_bytes: int


class OpenUpload(msgspec.Struct, frozen=True):
    """An announced asset, where it is sent to and where it is shown once it is there."""

    asset: Asset
    send: SignedRequest
    show: SignedRequest


async def keep(
    ctx: Context, tools: Toolchain, principal: Principal, project_id: str, files: Sequence[Given]
) -> list[Asset]:
    """Store files and look into each. They are `ready` or `failed` then.

    Raises ValidationFailed or QuotaExceeded before any is stored.
    """
    project = await projects.get(ctx, principal, project_id, "write")
    requests = [UploadRequest(name=one.name, content_type=one.content_type, size_bytes=one.size_bytes) for one in files]
    problems = [
        FieldError(file.at, f"{problem.path.removeprefix('/')} {problem.message}")
        for file, request in zip(files, requests, strict=True)
        for problem in problems_of(ctx, request)
    ]
    if problems:
        raise ValidationFailed(errors=problems)
    kept = [pending(project_id, request, unattended=True) for request in requests]
    await assets.insert(ctx, project, *kept)
    return [await _keep(ctx, tools, asset, file) for asset, file in zip(kept, files, strict=True)]


async def _keep(ctx: Context, tools: Toolchain, asset: Asset, file: Given) -> Asset:
    await ctx.storage.put_file(asset.storage_key, file.path, content_type=file.content_type)
    return await assets.take_arrived(ctx, tools, asset) or asset


async def announce(
    ctx: Context, principal: Principal, project_id: str, *, name: str, content_type: str, size_bytes: int | None
) -> OpenUpload:
    """Make an asset that nobody has to confirm: signed URLs to send it to, for 15 minutes, and to show it, for 7 days.

    Without a length the upload may have any that is allowed, and is discarded when it has not.
    """
    project = await projects.get(ctx, principal, project_id, "write")
    request = UploadRequest(name=name, content_type=content_type, size_bytes=size_bytes or 0)
    if problems := problems_of(ctx, request, length_known=size_bytes is not None):
        raise ValidationFailed(errors=problems)
    asset = pending(project_id, request, unattended=True)
    await assets.insert(ctx, project, asset)
    send = await ctx.storage.sign_put(
        asset.storage_key, ttl_s=UPLOAD_TTL_S, content_type=content_type, size_bytes=size_bytes
    )
    return OpenUpload(asset, send, await ctx.storage.sign_get(asset.storage_key, ttl_s=SHOWN_TTL_S))


async def take_all(
    ctx: Context, tools: Toolchain, principal: Principal, project_id: str, asset_ids: Collection[str]
) -> None:
    """Take those of these uploads that have arrived and that nobody confirms, so that a render can use them."""
    await projects.get(ctx, principal, project_id, "write")
    for asset in (await rows.get_many(ctx.db, project_id, list(asset_ids))).values():
        if asset.unattended and asset.status == "pending":
            await assets.take_arrived(ctx, tools, asset)


async def arrived(
    ctx: Context, tools: Toolchain, principal: Principal, project_id: str, names: Collection[str]
) -> dict[str, Asset]:
    """The newest file of each of these names, taken now if nobody has confirmed it; by name.

    An announcement of which nothing has come hides no older file; it is given only where there is none.
    """
    await projects.get(ctx, principal, project_id)
    found: dict[str, Asset] = {}
    looked: Counter[str] = Counter()
    for one in await rows.candidates(ctx.db, project_id, [name for name in names if "\x00" not in name]):
        known, asset = found.get(one.name), one
        if known is not None and known.status != "pending":
            continue
        if one.status == "pending" and one.unattended and looked[one.name] < MAX_LOOKS:
            looked[one.name] += 1
            asset = await assets.take_arrived(ctx, tools, one) or one
        if known is None or asset.status != "pending":
            found[asset.name] = asset
    return found


async def named(ctx: Context, principal: Principal, project_id: str, names: Collection[str]) -> dict[str, Asset]:
    """The project's assets of these names, of several the newest, by name."""
    await projects.get(ctx, principal, project_id)
    return await rows.newest_by_name(ctx.db, project_id, [name for name in names if "\x00" not in name])

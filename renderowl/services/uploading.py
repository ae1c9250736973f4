"""How the bytes of an announced asset are sent: in one request or in parts, and on from where an upload broke off."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

import msgspec

from renderowl.db import assets as rows
from renderowl.domain.errors import Conflict, FieldError, UploadMismatch, ValidationFailed
from renderowl.domain.records import Asset, Principal
from renderowl.services import assets, projects
from renderowl.services.announcing import UPLOAD_TTL_S, UploadRequest, pending, problems_of
from renderowl.services.context import Context
from renderowl.storage.base import ObjectMissing, PartRequest, SignedRequest, UploadedPart

PART_BYTES: Final = 16 * 1024**2
MAX_PARTS: Final = 10_000


class Upload(msgspec.Struct, frozen=True):
    """An announced asset and how its bytes are to be sent: one request, or those `parts` that have not `arrived`."""

    asset: Asset
    expires_at: float
    whole: SignedRequest | None = None
    parts: tuple[PartRequest, ...] = ()
    arrived: tuple[UploadedPart, ...] = ()
    part_size_bytes: int = 0


async def announce(ctx: Context, principal: Principal, project_id: str, request: UploadRequest) -> Upload:
    """Make a pending asset and sign its upload for 15 minutes; type and length are bound to the URL.

    Raises QuotaExceeded.
    """
    project = await projects.get(ctx, principal, project_id, "write")
    if problems := problems_of(ctx, request):
        raise ValidationFailed(errors=problems)
    asset = pending(project_id, request)
    await assets.insert(ctx, project, asset)
    if request.size_bytes > ctx.settings.multipart_threshold_bytes:
        asset = await _begun(ctx, asset)
        await rows.renew_upload(ctx.db, asset)
    return await _signed(ctx, asset, ())


async def resume(ctx: Context, principal: Principal, project_id: str, asset_id: str) -> Upload:
    """Sign what is still to be sent of a pending upload, for 15 minutes from now. Raises Conflict for any other asset."""
    asset = await assets.get(ctx, principal, project_id, asset_id, write=True)
    arrived: Sequence[UploadedPart] = ()
    if asset.status == "pending" and asset.upload_id is not None:
        try:
            arrived = await ctx.storage.list_parts(asset.storage_key, asset.upload_id)
        except ObjectMissing:
            asset = await _begun(ctx, asset)
    asset = msgspec.structs.replace(asset, upload_expires_at=datetime.now(UTC) + timedelta(seconds=UPLOAD_TTL_S))
    if not await rows.renew_upload(ctx.db, asset):
        raise Conflict(f"the asset is {asset.status}: nothing is to be sent")
    return await _signed(ctx, asset, arrived)


async def complete(
    ctx: Context, principal: Principal, project_id: str, asset_id: str, parts: Sequence[UploadedPart]
) -> Asset:
    """Check that the announced bytes are there and set the asset to `processing`; the caller has it looked into then.

    Parts are made one file only there: that takes as long as copying it. Called again it returns the asset as it is.
    Raises UploadMismatch when nothing or something else was uploaded; of parts nothing is lost by that.
    """
    asset = await assets.get(ctx, principal, project_id, asset_id, write=True)
    if asset.status != "pending":
        return asset
    try:
        if asset.upload_id is None:
            await assets.take_over(ctx, asset)
        else:
            _require_whole(asset, parts, await ctx.storage.list_parts(asset.storage_key, asset.upload_id))
            await rows.start_processing(ctx.db, asset.id, asset.size_bytes)
    except ObjectMissing:
        raise UploadMismatch("nothing has been uploaded to the signed URLs yet") from None
    return await assets.get(ctx, principal, project_id, asset_id)


def _require_whole(asset: Asset, told: Sequence[UploadedPart], arrived: Sequence[UploadedPart]) -> None:
    """Raise UploadMismatch, naming what is missing or other than was told, unless all parts are there."""
    good = {part.part_number: part.etag for part in _good(asset, arrived)}
    numbers = good.keys() & {part.part_number for part in told or arrived}
    if missing := [number for number in range(1, _count(asset) + 1) if number not in numbers]:
        _refuse(f"{len(missing)} of {_count(asset)} parts are missing", missing)
    if other := sorted(part.part_number for part in told if good.get(part.part_number) != part.etag.strip('"')):
        _refuse(f"{len(other)} parts have not arrived with these etags", other)


def _refuse(what: str, numbers: Sequence[int]) -> NoReturn:
    problem = f"{what}: {', '.join(map(str, numbers[:20]))}{' ...' if len(numbers) > 20 else ''}"
    raise UploadMismatch(problem, errors=[FieldError("/parts", problem)])


def _good(asset: Asset, arrived: Sequence[UploadedPart]) -> list[UploadedPart]:
    """Those that are as long as they are to be."""
    return [part for part in arrived if part.size_bytes == _length(asset, part.part_number)]


async def _begun(ctx: Context, asset: Asset) -> Asset:
    upload_id = await ctx.storage.start_multipart(asset.storage_key, content_type=asset.content_type)
    return msgspec.structs.replace(asset, upload_id=upload_id)


async def _signed(ctx: Context, asset: Asset, arrived: Sequence[UploadedPart]) -> Upload:
    assert asset.upload_expires_at is not None, "it is announced"
    expires_at, key = asset.upload_expires_at.timestamp(), asset.storage_key
    if asset.upload_id is None:
        size_bytes = asset.size_bytes or None
        whole = await ctx.storage.sign_put(
            key, ttl_s=UPLOAD_TTL_S, content_type=asset.content_type, size_bytes=size_bytes
        )
        return Upload(asset, whole.expires_at, whole)
    good = _good(asset, arrived)
    numbers = {part.part_number for part in good}
    parts = [
        await ctx.storage.sign_part(key, asset.upload_id, number, ttl_s=UPLOAD_TTL_S, size_bytes=_length(asset, number))
        for number in range(1, _count(asset) + 1)
        if number not in numbers
    ]
    return Upload(asset, expires_at, None, tuple(parts), tuple(good), _part_size(asset))


def _part_size(asset: Asset) -> int:
    """Follows from the length alone, so that it is the same whenever the upload goes on."""
    return max(PART_BYTES, -(-asset.size_bytes // MAX_PARTS))


def _count(asset: Asset) -> int:
    return -(-asset.size_bytes // _part_size(asset))


def _length(asset: Asset, number: int) -> int:
    return min(_part_size(asset), asset.size_bytes - (number - 1) * _part_size(asset))

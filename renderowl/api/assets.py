"""Routes of assets."""

from typing import Annotated

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody

from renderowl.api.access import Caller, Ctx, PageAsked
from renderowl.api.bodies import Body
from renderowl.api.moments import rfc3339
from renderowl.domain.records import AssetStatus, AssetType
from renderowl.domain.spec.fields import Spec
from renderowl.services import assets, uploading
from renderowl.services.announcing import UploadRequest
from renderowl.services.paging import Page
from renderowl.services.uploading import Upload
from renderowl.services.views import AssetView, asset_view
from renderowl.storage.base import SignedRequest, UploadedPart


class AssetRename(Spec, frozen=True):
    """The asset's new name."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PartDone(Spec, frozen=True):
    """A part that was sent, with the ETag its PUT answered."""

    part_number: Annotated[int, msgspec.Meta(ge=1, le=uploading.MAX_PARTS)]
    etag: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class UploadComplete(Spec, frozen=True):
    """For an upload in parts: all of them. May be left out; then what has arrived is taken."""

    parts: tuple[PartDone, ...] = ()


ALL_THAT_ARRIVED = UploadComplete()


class PartUpload(msgspec.Struct, frozen=True):
    part_number: int
    url: str


class PartArrived(msgspec.Struct, frozen=True):
    """A part that need not be sent again."""

    part_number: int
    etag: str
    size_bytes: int


class UploadInstructions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to send the bytes: one request (`method`, `url`, `headers`), or `parts` of `part_size_bytes`.

    Of an upload that goes on, `parts` are those to be sent and `arrived` those that are there.
    """

    expires_at: str
    method: str | None = None
    url: str | None = None
    headers: dict[str, str] | None = None
    multipart: bool = False
    part_size_bytes: int | None = None
    parts: list[PartUpload] | None = None
    arrived: list[PartArrived] | None = None


class UploadView(msgspec.Struct, frozen=True):
    asset: AssetView
    upload: UploadInstructions


class SignedUrl(msgspec.Struct, frozen=True, omit_defaults=True):
    """A URL that works without a credential until `expires_at`."""

    url: str
    expires_at: str
    name: str | None = None
    content_type: str | None = None
    size_bytes: int | None = None


def _upload_view(upload: Upload) -> UploadView:
    expires_at = rfc3339(upload.expires_at)
    if upload.whole is not None:
        how = UploadInstructions(
            expires_at=expires_at, method="PUT", url=upload.whole.url, headers=upload.whole.headers
        )
    else:
        parts = [PartUpload(part.part_number, part.url) for part in upload.parts]
        arrived = [PartArrived(part.part_number, part.etag, part.size_bytes) for part in upload.arrived]
        how = UploadInstructions(
            expires_at=expires_at,
            multipart=True,
            part_size_bytes=upload.part_size_bytes,
            parts=parts,
            arrived=arrived or None,
        )
    return UploadView(asset_view(upload.asset), how)


def signed_url(signed: SignedRequest, *, name: str, content_type: str, size_bytes: int) -> SignedUrl:
    """What a caller gets of a signed GET."""
    return SignedUrl(signed.url, rfc3339(signed.expires_at), name, content_type, size_bytes)


@get("/", summary="List assets")
async def list_assets(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    page: PageAsked,
    type: FromQuery[AssetType | None] = None,
    status: FromQuery[AssetStatus | None] = None,
) -> Page[AssetView]:
    """The project's assets, newest first."""
    found = await assets.list_page(ctx, principal, project_id, page, type=type, status=status)
    return Page([asset_view(asset) for asset in found.items], found.next_cursor)


@post("/upload", dto=Body[UploadRequest], return_dto=None, summary="Announce an upload")
async def announce_upload(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], data: JSONBody[UploadRequest]
) -> UploadView:
    """Get a signed URL for one file, good for 15 minutes; type and length are bound to it."""
    return _upload_view(await uploading.announce(ctx, principal, project_id, data))


@get("/{asset_id:str}/upload", summary="Go on with an upload")
async def resume_upload(ctx: Ctx, principal: Caller, project_id: FromPath[str], asset_id: FromPath[str]) -> UploadView:
    """What is still to be sent, signed anew for 15 minutes; of an upload in parts also what has arrived.

    An hour after its URLs have expired an upload that was not confirmed is discarded.
    """
    return _upload_view(await uploading.resume(ctx, principal, project_id, asset_id))


@post(
    "/{asset_id:str}/upload-complete",
    dto=Body[UploadComplete],
    return_dto=None,
    status_code=202,
    summary="Confirm an upload",
)
async def complete_upload(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    asset_id: FromPath[str],
    state: State,
    data: JSONBody[UploadComplete] = ALL_THAT_ARRIVED,
) -> AssetView:
    """The file is looked into next: the asset becomes `ready`, or `failed` with why."""
    parts = [UploadedPart(part.part_number, part.etag) for part in data.parts]
    asset = await uploading.complete(ctx, principal, project_id, asset_id, parts)
    if asset.status == "processing":
        state["probe_asset"](asset)
    return asset_view(asset)


@get("/{asset_id:str}", summary="Get an asset")
async def get_asset(
    ctx: Ctx,
    principal: Caller,
    project_id: FromPath[str],
    asset_id: FromPath[str],
    signed: FromQuery[bool] = False,
) -> AssetView:
    """One asset; `?signed=true` adds a download URL once it is ready."""
    asset = await assets.get(ctx, principal, project_id, asset_id)
    if signed and asset.status == "ready":
        _, url = await assets.sign_download(ctx, principal, project_id, asset_id)
        return asset_view(asset, url.url)
    return asset_view(asset)


@patch("/{asset_id:str}", dto=Body[AssetRename], return_dto=None, summary="Rename an asset")
async def rename_asset(
    ctx: Ctx, principal: Caller, project_id: FromPath[str], asset_id: FromPath[str], data: JSONBody[AssetRename]
) -> AssetView:
    """Change the asset's name."""
    return asset_view(await assets.rename(ctx, principal, project_id, asset_id, data.name))


@delete("/{asset_id:str}", summary="Delete an asset")
async def delete_asset(ctx: Ctx, principal: Caller, project_id: FromPath[str], asset_id: FromPath[str]) -> None:
    """Remove the file and the asset."""
    await assets.delete(ctx, principal, project_id, asset_id)


@get("/{asset_id:str}/download", summary="Get a download URL")
async def download_asset(ctx: Ctx, principal: Caller, project_id: FromPath[str], asset_id: FromPath[str]) -> SignedUrl:
    """A signed URL, good for an hour."""
    asset, signed = await assets.sign_download(ctx, principal, project_id, asset_id)
    return signed_url(signed, name=asset.name, content_type=asset.content_type, size_bytes=asset.size_bytes)


router = Router(
    "/projects/{project_id:str}/assets",
    route_handlers=[
        list_assets,
        announce_upload,
        resume_upload,
        complete_upload,
        get_asset,
        rename_asset,
        delete_asset,
        download_asset,
    ],
)

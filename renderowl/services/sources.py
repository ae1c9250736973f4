"""Sources: from what a spec names to what the pipeline needs to know about it."""

from collections.abc import Mapping

import msgspec

from renderowl.db import assets
from renderowl.domain.errors import AssetNotFound, AssetNotReady, FieldError, MediaTooLarge, ValidationFailed
from renderowl.domain.ids import is_id
from renderowl.domain.records import Asset
from renderowl.pipeline.font_files import FontFacts
from renderowl.pipeline.timeline import Media
from renderowl.services.context import Context

SCHEME = "asset://"
MAX_TEXT_BYTES = 4 * 1024**2


class Resolved(msgspec.Struct, frozen=True):
    """By source: the probed media, the text of subtitle files, what fonts hold, and the storage key."""

    media: dict[str, Media]
    texts: dict[str, str]
    fonts: dict[str, FontFacts]
    keys: dict[str, str]


async def resolve(ctx: Context, project_id: str, sources: Mapping[str, list[str]]) -> Resolved:
    """Look up every source (source -> the JSON pointers that use it) among the project's ready assets.

    Raises AssetNotFound, AssetNotReady or ValidationFailed with all problems of that kind at once.
    """
    ids = {src: src[len(SCHEME) :] for src in sources if src.startswith(SCHEME)}
    found = await assets.get_many(ctx.db, project_id, [one for one in ids.values() if is_id(one, "ast")])
    missing: list[FieldError] = []
    waiting: list[FieldError] = []
    other: list[FieldError] = []
    ready: dict[str, Asset] = {}
    for src, pointers in sources.items():
        asset = found.get(ids.get(src, ""))
        for pointer in pointers:
            if src not in ids:
                other.append(FieldError(pointer, "only asset:// sources are fetched in this version: upload it first"))
            elif asset is None:
                missing.append(FieldError(pointer, f"there is no asset {ids[src]!r} in this project"))
            elif asset.status == "failed":
                why = (asset.error or {}).get("message", "it could not be read")
                waiting.append(FieldError(pointer, f"the asset {asset.id} failed: {why}"))
            elif asset.status != "ready":
                waiting.append(FieldError(pointer, f"the asset {asset.id} is {asset.status}, not ready"))
        if asset is not None and asset.status == "ready":
            ready[src] = asset
    if other:
        raise ValidationFailed(errors=other + missing + waiting)
    if missing:
        raise AssetNotFound(errors=missing + waiting)
    if waiting:
        raise AssetNotReady(errors=waiting)
    return Resolved(
        media={
            src: msgspec.structs.replace(msgspec.convert(asset.metadata["media"], Media), src=src)
            for src, asset in ready.items()
            if asset.metadata is not None and "media" in asset.metadata
        },
        texts={src: await _text(ctx, asset) for src, asset in ready.items() if asset.type == "subtitle"},
        fonts={
            src: msgspec.convert(asset.metadata["font"], FontFacts)
            for src, asset in ready.items()
            if asset.metadata is not None and "font" in asset.metadata
        },
        keys={src: asset.storage_key for src, asset in ready.items()},
    )


async def _text(ctx: Context, asset: Asset) -> str:
    if asset.size_bytes > MAX_TEXT_BYTES:
        raise MediaTooLarge(f"the subtitle file {asset.id} is larger than {MAX_TEXT_BYTES} bytes")
    data = b"".join([chunk async for chunk in ctx.storage.read(asset.storage_key)])
    return data.decode("utf-8-sig", errors="replace")

"""Sources: from what a spec names to what the pipeline needs to know about it."""

from collections.abc import Mapping

import msgspec

from renderowl.db import assets
from renderowl.domain.errors import (
    AssetNotFound,
    AssetNotReady,
    FieldError,
    MediaTooLarge,
    SourceRefused,
    ValidationFailed,
)
from renderowl.domain.ids import is_id
from renderowl.domain.records import Asset, Fetched
from renderowl.pipeline.font_files import FontFacts
from renderowl.pipeline.timeline import Media
from renderowl.services.context import Context

SCHEME = "asset://"
MAX_TEXT_BYTES = 4 * 1024**2
MAX_WEB_SOURCES = 200


class Resolved(msgspec.Struct, frozen=True):
    """By source: the probed media, the text of subtitle files, what fonts hold, and the storage key."""

    media: dict[str, Media]
    texts: dict[str, str]
    fonts: dict[str, FontFacts]
    keys: dict[str, str]

    def with_copies(self, copies: Mapping[str, Fetched]) -> "Resolved":
        """The same with further media of ours."""
        media = {src: msgspec.convert(one.metadata["media"], Media) for src, one in copies.items()}
        keys = {src: one.storage_key for src, one in copies.items()}
        return msgspec.structs.replace(self, media=self.media | media, keys=self.keys | keys)


def on_the_web(ctx: Context, sources: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Those of the sources that are to be fetched. Raises SourceRefused with all that may not be, before any is."""
    web = {src: pointers for src, pointers in sources.items() if not src.startswith(SCHEME)}
    problems: list[FieldError] = []
    if len(web) > MAX_WEB_SOURCES:
        message = f"the spec names {len(web)} URLs; at most {MAX_WEB_SOURCES} are fetched"
        raise ValidationFailed(message, errors=[FieldError(next(iter(web.values()))[0], message)])
    for src, pointers in web.items():
        if problem := ctx.outbound.places.problem(src):
            problems += [FieldError(pointer, problem) for pointer in pointers]
    if problems:
        raise SourceRefused(f"{problems[0].path}: {problems[0].message}", errors=problems)
    return web


async def resolve(
    ctx: Context, project_id: str, sources: Mapping[str, list[str]], fetched: Mapping[str, Fetched]
) -> Resolved:
    """Look up every source (source -> the JSON pointers that use it) among the project's ready assets and our copies.

    Raises AssetNotFound or AssetNotReady with all problems at once.
    """
    ids = {src: src[len(SCHEME) :] for src in sources if src.startswith(SCHEME)}
    found = await assets.get_many(ctx.db, project_id, [one for one in ids.values() if is_id(one, "ast")])
    missing: list[FieldError] = []
    waiting: list[FieldError] = []
    ready: dict[str, Asset | Fetched] = {src: one for src, one in fetched.items() if src in sources}
    for src, pointers in sources.items():
        asset = found.get(ids.get(src, ""))
        for pointer in pointers if src not in ready else ():
            if src not in ids:
                waiting.append(FieldError(pointer, "was not fetched yet: it is when a render begins"))
            elif asset is None:
                missing.append(FieldError(pointer, f"there is no asset {ids[src]!r} in this project"))
            elif asset.status == "failed":
                why = (asset.error or {}).get("message", "it could not be read")
                waiting.append(FieldError(pointer, f"the asset {asset.id} failed: {why}"))
            elif asset.status != "ready":
                waiting.append(FieldError(pointer, f"the asset {asset.id} is {asset.status}, not ready"))
        if asset is not None and asset.status == "ready":
            ready[src] = asset
    if missing:
        raise AssetNotFound(errors=missing + waiting)
    if waiting:
        raise AssetNotReady(errors=waiting)
    return Resolved(
        media={
            src: msgspec.structs.replace(msgspec.convert(one.metadata["media"], Media), src=src)
            for src, one in ready.items()
            if one.metadata is not None and "media" in one.metadata
        },
        texts={
            src: await _text(ctx, one)
            for src, one in ready.items()
            if one.metadata is not None and "captions" in one.metadata
        },
        fonts={
            src: msgspec.convert(one.metadata["font"], FontFacts)
            for src, one in ready.items()
            if one.metadata is not None and "font" in one.metadata
        },
        keys={src: one.storage_key for src, one in ready.items()},
    )


async def _text(ctx: Context, one: Asset | Fetched) -> str:
    if one.size_bytes > MAX_TEXT_BYTES:
        raise MediaTooLarge(f"the subtitle file {one.id} is larger than {MAX_TEXT_BYTES} bytes")
    data = b"".join([chunk async for chunk in ctx.storage.read(one.storage_key)])
    return data.decode("utf-8-sig", errors="replace")

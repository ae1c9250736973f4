"""The routes behind signed local URLs. With S3 they answer 404: the signed URLs there are the bucket's own."""

import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, Router, get, put
from litestar.params import FromPath
from litestar.response import Stream

from renderowl.api.access import Ctx
from renderowl.api.limits import UNLIMITED
from renderowl.domain.errors import NotFound, RangeNotSatisfiable, UrlExpired
from renderowl.services import assets, errands
from renderowl.services.context import Context
from renderowl.storage.base import ObjectMissing, Storage
from renderowl.storage.keys import content_disposition
from renderowl.storage.local import LocalStorage

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def _local(ctx: Context) -> LocalStorage:
    if not isinstance(ctx.storage, LocalStorage):
        raise NotFound("media is not stored here")
    return ctx.storage


@get("/{key:path}", include_in_schema=False)
async def serve_object(request: Request[Any, Any, Any], ctx: Ctx, key: FromPath[str]) -> Response[Any]:
    """Serve an object, or the asked range of it."""
    storage = _local(ctx)
    grant = storage.authorize("GET", key.lstrip("/"), dict(request.query_params))
    return await answer_object(request, storage, grant.key, grant.download_name)


async def answer_object(
    request: Request[Any, Any, Any], storage: Storage, key: str, download_name: str | None
) -> Response[Any]:
    """An object, or the asked range of it (RFC 9110, one range; several are answered whole). Raises NotFound."""
    try:
        info = await storage.head(key)
    except ObjectMissing:
        raise NotFound("the file is not there any more") from None
    headers = {
        "accept-ranges": "bytes",
        "etag": f'"{info.etag}"',
        "cache-control": "private, max-age=3600",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    if download_name is not None:
        headers["content-disposition"] = content_disposition(download_name)
    asked = request.headers.get("range")
    unchanged = request.headers.get("if-range") in (None, f'"{info.etag}"')
    start, end = parse_range(asked if unchanged else None, info.size_bytes)
    whole = (start, end) == (0, info.size_bytes) and (asked is None or not unchanged or not _RANGE.fullmatch(asked))
    headers["content-length"] = str(end - start)
    if not whole:
        headers["content-range"] = f"bytes {start}-{end - 1}/{info.size_bytes}"
    return Stream(
        storage.read(key, start=start, end=end),
        status_code=200 if whole else 206,
        headers=headers,
        media_type=info.content_type,
    )


@put("/{key:path}", include_in_schema=False, request_max_body_size=None, status_code=200)
async def receive_object(request: Request[Any, Any, Any], ctx: Ctx, key: FromPath[str]) -> Response[bytes]:
    """Take a signed upload; its type and length must be the announced ones.

    The URL outlives the upload: once the asset is confirmed or deleted, or nobody waits for what a remote endpoint makes,
    nothing is taken any more.
    """
    storage = _local(ctx)
    grant = storage.authorize("PUT", key.lstrip("/"), dict(request.query_params))
    await errands.require_expected(ctx, grant.key)
    length = request.headers.get("content-length", "")
    try:
        stored = await storage.receive(
            grant,
            _while_pending(ctx, grant.key, request.stream()),
            content_type=request.headers.get("content-type"),
            content_length=int(length) if length.isdigit() else None,
            most_bytes=ctx.settings.max_asset_bytes,
        )
    except ObjectMissing:
        raise UrlExpired("this upload was ended or discarded") from None
    if grant.size_bytes is None:
        await assets.count_arrived(ctx, grant.key, stored.size_bytes)
    return Response(b"", status_code=200, headers={"etag": f'"{stored.etag}"'})


async def _while_pending(ctx: Context, key: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body, which is worth nothing when nobody waits for it any more once it has come."""
    async for chunk in chunks:
        yield chunk
    await errands.require_expected(ctx, key)


def parse_range(header: str | None, size_bytes: int) -> tuple[int, int]:
    """`start` and exclusive `end` of the asked bytes; everything when the header asks for no single byte range.

    Raises RangeNotSatisfiable when it lies outside.
    """
    match = _RANGE.fullmatch(header.strip()) if header is not None else None
    if match is None or match.groups() == ("", ""):
        return 0, size_bytes
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
        if int(last) == 0:
            raise RangeNotSatisfiable(f"the file has {size_bytes} bytes")
        return start, end
    start, end = int(first), min(size_bytes, int(last) + 1 if last else size_bytes)
    if start >= size_bytes or end <= start:
        raise RangeNotSatisfiable(f"the file has {size_bytes} bytes")
    return start, end


router = Router("/storage", route_handlers=[serve_object, receive_object], opt=UNLIMITED)

"""Fetching: bytes that a spec names by URL are brought by us, looked into like an upload and kept for the next time.

What is kept is asked for again by its validators: a server that says 304 sends nothing, one that has no validators sends
everything, and the copy is made anew only when the bytes are others.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from renderowl.db import fetched as rows
from renderowl.domain.errors import (
    FieldError,
    MediaTooLarge,
    MediaUnreadable,
    RenderOwlError,
    SourceForbidden,
    SourceNotFound,
    SourceRefused,
    SourceUnavailable,
)
from renderowl.domain.ids import new_id
from renderowl.domain.records import Fetched
from renderowl.pipeline.font_files import probe_font
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.security.addresses import Refused
from renderowl.security.outbound import Answer, Bounds, Outbound, TooLarge, Unreachable
from renderowl.services.announcing import MAX_BYTES
from renderowl.services.assets import count_captions
from renderowl.services.context import Context
from renderowl.services.sources import MAX_TEXT_BYTES
from renderowl.storage.hashed import save

log = structlog.get_logger(__name__)

_LONGEST_VALIDATOR: Final = 1024
_FORBIDDEN: Final = frozenset({401, 402, 403, 407, 451})
_LATER: Final = frozenset({408, 409, 423, 425, 429})

Kind = Literal["media", "captions", "font"]
"""What a spec wants of a source."""
_MAX_BYTES: Final[Mapping[Kind, int]] = {"captions": MAX_TEXT_BYTES, "font": MAX_BYTES["font"]}

Tell = Callable[[int, int | None], None]
"""Hears how many bytes have come, and of how many if that is known."""


class Brought(msgspec.Struct, frozen=True):
    """A copy in storage, and the local file it was made from when bytes had to be fetched."""

    copy: Fetched
    path: Path | None = None


class Came(msgspec.Struct, frozen=True):
    """What an answer held: the SHA-256 of the file it was written to, None when nothing had changed, and its validators."""

    digest: str | None
    etag: str | None
    last_modified: str | None


async def fetch(
    ctx: Context, tools: Toolchain, project_id: str, url: str, *, kind: Kind, folder: Path, tell: Tell
) -> Brought:
    """Bring what a URL has now; local files go into `folder`.

    Raises SourceRefused, SourceForbidden, SourceNotFound and SourceUnavailable for what the way or the other side make of
    it, MediaTooLarge, MediaUnreadable and MediaTypeMismatch for what came.
    """
    known = (await rows.newest(ctx.db, project_id, [url])).get(url)
    if known is not None and kind not in known.metadata:
        known = None
    path = folder / new_id("src")
    max_bytes = min(_MAX_BYTES.get(kind, ctx.settings.max_asset_bytes), ctx.settings.max_asset_bytes)
    bounds = Bounds(max_bytes, ctx.settings.source_timeout_s)
    came = await download(ctx.outbound, url, path, bounds, tell, known)
    validators = {"etag": came.etag, "last_modified": came.last_modified}
    digest = came.digest
    if known is not None and digest in (None, known.content_hash):
        if digest is None:
            validators = {name: value or getattr(known, name) for name, value in validators.items()}
        if await rows.use(ctx.db, known.id, **validators):
            return Brought(known)
        raise SourceUnavailable("the copy of it has just been dropped")  # the next try fetches it anew
    assert digest is not None
    content_type, metadata = await _inspect(tools, url, path, digest, kind)
    copy = Fetched(
        id=path.name,
        project_id=project_id,
        url=url,
        content_hash=digest,
        storage_key=f"projects/{project_id}/sources/{path.name}",
        size_bytes=path.stat().st_size,
        content_type=content_type,
        metadata=metadata,
        **validators,
    )
    await rows.insert(ctx.db, copy)
    await ctx.storage.put_file(copy.storage_key, path, content_type=content_type)
    if not await rows.set_ready(ctx.db, copy.id):  # the project was deleted meanwhile, and its objects before this one
        await ctx.storage.delete([copy.storage_key])
        raise SourceUnavailable("the project is gone")
    log.info("source_fetched", fetched_id=copy.id, size_bytes=copy.size_bytes)
    return Brought(copy, path)


async def download(
    outbound: Outbound, url: str, path: Path, bounds: Bounds, tell: Tell, known: Fetched | None = None
) -> Came:
    """Bring what a URL has to a new file, unless it still has what is `known`.

    Raises what `fetch` does for the way and the other side, and MediaTooLarge.
    """
    try:
        async with outbound.open("GET", url, bounds, headers=_conditions(known)) as answer:
            digest = None if answer.status == 304 and known is not None else await _take(answer, path, tell)
            return Came(digest, _validator(answer, "etag"), _validator(answer, "last-modified"))
    except Refused as error:
        raise SourceRefused(str(error)) from error
    except TooLarge as error:
        raise MediaTooLarge(str(error)) from error
    except Unreachable as error:
        raise SourceUnavailable(str(error)) from error


def all_problems(problems: Mapping[str, RenderOwlError], pointers: Mapping[str, list[str]]) -> RenderOwlError:
    """One error of what is wrong with several sources, naming every field; a lasting problem decides about its kind."""
    lasting = [error for error in problems.values() if error.failure == "permanent"]
    kind = type((lasting or list(problems.values()))[0])
    errors = [FieldError(at, error.detail) for url, error in problems.items() for at in pointers[url]]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return kind(f"{errors[0].path}: {errors[0].message}{more}", errors=errors)


async def sweep(ctx: Context) -> int:
    """Drop the copies that nobody used for long; the janitor's slow tick."""
    dropped = 0
    while left := await rows.expire(ctx.db, unused_for_s=ctx.settings.source_cache_s):
        await ctx.storage.delete([one.storage_key for one in left])
        await rows.delete(ctx.db, [one.id for one in left])
        dropped += len(left)
    return dropped


def _validator(answer: Answer, name: str) -> str | None:
    value = answer.headers.get(name)
    return value if value and len(value) <= _LONGEST_VALIDATOR else None


def _conditions(known: Fetched | None) -> dict[str, str]:
    if known is None:
        return {}
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in asked.items() if value}


async def _take(answer: Answer, path: Path, tell: Tell) -> str:
    """Write the body to `path` and return its SHA-256."""
    _refuse_status(answer.status)
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaUnreadable("it was sent packed, though that was not asked for")
    return await save(_told(answer, tell), path)


async def _told(answer: Answer, tell: Tell) -> AsyncIterator[bytes]:
    taken = 0
    async for chunk in answer.body:
        taken += len(chunk)
        tell(taken, answer.size_bytes)
        yield chunk


def _refuse_status(status: int) -> None:
    if status == 200:
        return
    if status in _FORBIDDEN:
        raise SourceForbidden(f"the server does not give it to us: it answers {status}")
    if 400 <= status < 500 and status not in _LATER:
        raise SourceNotFound(f"the server answers {status}")
    raise SourceUnavailable(f"the server answers {status}")


async def _inspect(tools: Toolchain, url: str, path: Path, digest: str, kind: Kind) -> tuple[str, dict[str, Any]]:
    """The content type by the bytes, and what is kept about them."""
    if kind == "captions":
        return "text/plain; charset=utf-8", {"captions": await asyncio.to_thread(count_captions, path)}
    if kind == "font":
        facts = await probe_font(path, digest)
        return facts.content_type, {"font": msgspec.to_builtins(facts)}
    probed = await probe(path, tools)
    return probed.content_type, {"media": msgspec.to_builtins(probed.media(url, digest))}

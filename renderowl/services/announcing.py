"""Announcements of uploads: what may be uploaded, what is wrong with a request to, and the asset that it begins as."""

from datetime import UTC, datetime, timedelta
from typing import Final

from renderowl.domain.errors import FieldError
from renderowl.domain.ids import new_id
from renderowl.domain.records import Asset, AssetType
from renderowl.domain.spec.fields import Spec
from renderowl.services import projects
from renderowl.services.context import Context
from renderowl.services.sources import MAX_TEXT_BYTES

UPLOAD_TTL_S: Final = 15 * 60

CONTENT_TYPES: Final[dict[str, AssetType]] = {
    "video/mp4": "video",
    "video/quicktime": "video",
    "video/webm": "video",
    "video/x-matroska": "video",
    "video/x-msvideo": "video",
    "video/mp2t": "video",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/aac": "audio",
    "audio/wav": "audio",
    "audio/x-wav": "audio",
    "audio/flac": "audio",
    "audio/ogg": "audio",
    "image/png": "image",
    "image/jpeg": "image",
    "image/gif": "image",
    "image/webp": "image",
    "image/bmp": "image",
    "image/tiff": "image",
    "text/vtt": "subtitle",
    "application/x-subrip": "subtitle",
    "text/srt": "subtitle",
    "application/json": "subtitle",
    "font/ttf": "font",
    "font/otf": "font",
}
"""The content types that may be uploaded, and what kind of asset each makes."""

MAX_BYTES: Final[dict[AssetType, int]] = {"subtitle": MAX_TEXT_BYTES, "font": 32 * 1024**2}
"""What is read into memory as a whole is never larger than this."""


_BY_ENDING: Final = {
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "ts": "video/mp2t",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "ttf": "font/ttf",
    "otf": "font/otf",
}


class UploadRequest(Spec, frozen=True):
    """What is announced before an upload."""

    name: str
    content_type: str
    size_bytes: int
    checksum_sha256: str | None = None


def pending(project_id: str, request: UploadRequest, *, unattended: bool = False) -> Asset:
    """The asset that an upload begins as."""
    now = datetime.now(UTC)
    asset_id = new_id("ast")
    return Asset(
        id=asset_id,
        project_id=project_id,
        name=request.name,
        type=CONTENT_TYPES[request.content_type],
        status="pending",
        content_type=request.content_type,
        size_bytes=request.size_bytes,
        storage_key=f"projects/{project_id}/assets/{asset_id}",
        checksum_sha256=request.checksum_sha256,
        content_hash=None,
        upload_id=None,
        upload_expires_at=now + timedelta(seconds=UPLOAD_TTL_S),
        metadata=None,
        error=None,
        created_at=now,
        updated_at=now,
        unattended=unattended,
    )


def largest_bytes(ctx: Context, type: AssetType) -> int:
    """How long a file of this type may be."""
    return min(ctx.settings.max_asset_bytes, MAX_BYTES.get(type, ctx.settings.max_asset_bytes))


def problems_of(ctx: Context, request: UploadRequest, *, length_known: bool = True) -> list[FieldError]:
    """What is wrong with an announcement, all at once."""
    problems = []
    if not request.name.strip() or len(request.name) > projects.MAX_NAME or "\x00" in request.name:
        problems.append(FieldError("/name", f"must have 1 to {projects.MAX_NAME} characters"))
    if request.content_type not in CONTENT_TYPES:
        problems.append(FieldError("/content_type", f"is none of {', '.join(CONTENT_TYPES)}"))
    largest = largest_bytes(ctx, CONTENT_TYPES.get(request.content_type, "video"))
    if length_known and not 1 <= request.size_bytes <= largest:
        problems.append(FieldError("/size_bytes", f"must be 1 to {largest}"))
    checksum = request.checksum_sha256
    if checksum is not None and (len(checksum) != 64 or not set(checksum.lower()) <= set("0123456789abcdef")):
        problems.append(FieldError("/checksum_sha256", "must be 64 hexadecimal digits"))
    return problems


def content_type_of(name: str, said: str) -> str:
    """What was said, where it is a type that may be uploaded; else what the name's ending says, if it says anything."""
    kind = said.partition(";")[0].strip().lower()
    return kind if kind in CONTENT_TYPES else _BY_ENDING.get(name.rpartition(".")[2].lower(), said)

"""The storage port: objects under keys, read and written as streams or files, and signed URLs for clients.

Keys are relative slash-separated paths made by us (`projects/prj_.../assets/ast_...`), never by a user. One
conformance suite, `renderowl/testing/contracts.py`, runs over every implementation.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec


class ObjectInfo(msgspec.Struct, frozen=True):
    """What is stored under a key."""

    key: str
    size_bytes: int
    content_type: str
    etag: str
    modified_at: float
    """Unix seconds."""


class SignedRequest(msgspec.Struct, frozen=True):
    """A request that a client may make without a credential until `expires_at` (Unix seconds)."""

    method: Literal["GET", "PUT"]
    url: str
    headers: dict[str, str]
    expires_at: float


class PartRequest(msgspec.Struct, frozen=True):
    """The signed PUT of one part of a multipart upload; `part_number` counts from 1."""

    part_number: int
    url: str


class UploadedPart(msgspec.Struct, frozen=True):
    part_number: int
    etag: str
    size_bytes: int = 0


class ObjectMissing(LookupError):
    """There is nothing under this key."""


class Storage(Protocol):
    """Durable objects. Every method is safe to call again; a reader never sees half an object."""

    async def put_file(self, key: str, path: Path, *, content_type: str) -> ObjectInfo:
        """Store a local file under `key`, replacing what is there, all or nothing (multipart above 64 MiB on S3)."""
        ...

    async def put_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        """Store `data` under `key`, all or nothing."""
        ...

    async def get_file(self, key: str, path: Path) -> ObjectInfo:
        """Write the object to `path` by way of a temporary neighbour and a rename. Raises ObjectMissing."""
        ...

    async def head(self, key: str) -> ObjectInfo:
        """Describe the object. Raises ObjectMissing."""
        ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream bytes `start` to `end` (exclusive; None: the end), at most 1 MiB a chunk. Raises ObjectMissing."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete these objects; one that is not there is no error."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Delete everything below `prefix` (which ends in `/`) and return how many objects that were."""
        ...

    def scan(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """The objects whose key starts with `prefix`, in key order; `content_type` may be empty (S3 lists none)."""
        ...

    async def sign_get(self, key: str, *, ttl_s: int, download_name: str | None = None) -> SignedRequest:
        """A URL that serves the object, with ranges, for `ttl_s` seconds; `download_name` sets Content-Disposition."""
        ...

    async def sign_put(self, key: str, *, ttl_s: int, content_type: str, size_bytes: int | None) -> SignedRequest:
        """A URL that takes one PUT of exactly this type and length; the returned headers must be sent as they are.

        Without a length it takes any: who confirms the upload looks at what has come.
        """
        ...

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        """Begin a multipart upload and return its upload id."""
        ...

    async def sign_part(
        self, key: str, upload_id: str, part_number: int, *, ttl_s: int, size_bytes: int
    ) -> PartRequest:
        """A URL that takes the PUT of one part."""
        ...

    async def list_parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        """The parts that have arrived, by number. Raises ObjectMissing when the upload is not known."""
        ...

    async def complete_multipart(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> ObjectInfo:
        """Join the parts into the object. Raises ObjectMissing for an unknown upload, ValueError for a wrong part."""
        ...

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Throw the parts away; an unknown upload is no error."""
        ...

    async def sweep(self, *, older_than_s: float) -> int:
        """Throw away what writers that died left behind (multipart uploads, drafts) and return how many that were."""
        ...

    async def check(self) -> None:
        """Raise OSError, saying why, when the storage cannot be written and read now."""
        ...

    async def close(self) -> None:
        """Free connections."""
        ...

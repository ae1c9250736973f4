"""`LocalStorage`: objects as files below one folder, signed URLs served by our own API.

`objects/<key>` holds the objects, `uploads/<upload id>/` the parts of multipart uploads, `drafts/` what is being
written. A key cannot be both an object and the folder of another one (`a` and `a/b`): writing it raises OSError.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from renderowl.domain.errors import UploadMismatch
from renderowl.storage.base import ObjectInfo, ObjectMissing, PartRequest, SignedRequest, UploadedPart
from renderowl.storage.files import CHUNK_BYTES, Draft, Footer, chunks_of, copy, open_object
from renderowl.storage.keys import check_key, check_prefix
from renderowl.storage.local_uploads import LocalUploads
from renderowl.storage.urls import Grant, grant_url, read_grant

_SCAN_BATCH: Final = 256


class LocalStorage:
    """Keeps the promises of `Storage` on a file system; the first of `secrets` signs the URLs below `base_url`."""

    def __init__(
        self, root: Path, base_url: str, secrets: Sequence[bytes], clock: Callable[[], float] = time.time
    ) -> None:
        self._root = Path(os.path.realpath(root))
        self._objects = self._root / "objects"
        self._uploads = LocalUploads(self._root / "uploads")
        self._drafts = self._root / "drafts"
        self._base_url = base_url.rstrip("/")
        self._secrets = secrets
        self._clock = clock

    # --- objects -------------------------------------------------------------------------------------------------

    async def put_file(self, key: str, path: Path, *, content_type: str) -> ObjectInfo:
        def put() -> ObjectInfo:
            with open(path, "rb") as file:
                return self._write(key, iter(lambda: file.read(CHUNK_BYTES), b""), content_type)

        return await asyncio.to_thread(put)

    async def put_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        return await asyncio.to_thread(self._write, key, [data], content_type)

    async def get_file(self, key: str, path: Path) -> ObjectInfo:
        def get() -> ObjectInfo:
            file, info = self._open(key)
            temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}")
            try:
                with file, open(temporary, "xb") as target:
                    copy(file.fileno(), target.fileno(), info.size_bytes)
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
            return info

        return await asyncio.to_thread(get)

    async def head(self, key: str) -> ObjectInfo:
        file, info = await asyncio.to_thread(self._open, key)
        file.close()
        return info

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        file, info = await asyncio.to_thread(self._open, key)
        with file:
            file.seek(start)
            pieces = chunks_of(file, min(info.size_bytes, info.size_bytes if end is None else end) - start)
            while data := await asyncio.to_thread(next, pieces, b""):
                yield data

    async def delete(self, keys: Sequence[str]) -> None:
        def delete() -> None:
            for path in [self._path(key) for key in keys]:
                self._unlink(path)

        await asyncio.to_thread(delete)

    async def delete_prefix(self, prefix: str) -> int:
        if not prefix.endswith("/"):
            raise ValueError("the prefix to delete ends in a slash")
        keys = [info.key async for info in self.scan(prefix)]
        await self.delete(keys)
        return len(keys)

    async def scan(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        found = self._walk(self._objects, "", check_prefix(prefix))
        while batch := await asyncio.to_thread(_take, found, _SCAN_BATCH):
            for info in batch:
                yield info

    # --- signed URLs ---------------------------------------------------------------------------------------------

    async def sign_get(self, key: str, *, ttl_s: int, download_name: str | None = None) -> SignedRequest:
        return self._sign(
            Grant(method="GET", key=key, expires_at=self._expiry(ttl_s), download_name=download_name or None), {}
        )

    async def sign_put(self, key: str, *, ttl_s: int, content_type: str, size_bytes: int | None) -> SignedRequest:
        grant = Grant(
            method="PUT", key=key, expires_at=self._expiry(ttl_s), content_type=content_type, size_bytes=size_bytes
        )
        return self._sign(grant, {"Content-Type": content_type})

    def authorize(self, method: str, key: str, query: Mapping[str, str]) -> Grant:
        """What the signed URL of this request allows; `key` is the unquoted path behind `/storage/`.

        Raises UrlExpired when the URL was tampered with, is not ours or has expired.
        """
        return read_grant(self._secrets, method, key, query, now=self._clock())

    async def receive(
        self,
        grant: Grant,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str | None,
        content_length: int | None,
        most_bytes: int = 0,
    ) -> ObjectInfo | UploadedPart:
        """Store the body of a granted PUT: exactly the announced type and length, or nothing at all.

        Where no length was announced it may have up to `most_bytes`.

        Raises UploadMismatch when type or length differ, ObjectMissing when the multipart upload is not known. A
        stream that breaks off leaves nothing behind.
        """
        if grant.content_type is not None and content_type != grant.content_type:
            raise UploadMismatch(f"The content type must be {grant.content_type}")
        exact = grant.size_bytes
        if grant.method != "PUT" or (exact is not None and content_length not in (None, exact)):
            raise UploadMismatch(f"The length must be {exact} bytes")
        most = most_bytes if exact is None else exact
        if content_length is not None and content_length > most:
            raise UploadMismatch(f"The body is longer than {most} bytes")
        async with self._received() as draft:
            buffer = bytearray()
            received = 0
            async for chunk in chunks:
                received += len(chunk)
                if received > most:
                    raise UploadMismatch(
                        f"The body is longer than {'' if exact is None else 'the announced '}{most} bytes"
                    )
                buffer += chunk
                if len(buffer) >= CHUNK_BYTES:
                    await asyncio.to_thread(draft.write, bytes(buffer))
                    buffer.clear()
            if exact is not None and received != exact:
                raise UploadMismatch(f"The body has {received} instead of the announced {exact} bytes")
            draft.write(bytes(buffer))
            if grant.upload_id is not None and grant.part_number is not None:
                return await asyncio.to_thread(
                    self._uploads.publish, draft, grant.key, grant.upload_id, grant.part_number
                )
            return await asyncio.to_thread(self._publish, draft, grant.key, grant.content_type or "")

    @contextlib.asynccontextmanager
    async def _received(self) -> AsyncIterator[Draft]:
        """A draft for what comes over the network, made and removed in threads."""
        draft = await asyncio.to_thread(self._draft)
        try:
            yield draft
        finally:
            await asyncio.to_thread(draft.discard)

    # --- multipart uploads ---------------------------------------------------------------------------------------

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        self._path(key)
        return await asyncio.to_thread(self._uploads.start, key, content_type)

    async def sign_part(
        self, key: str, upload_id: str, part_number: int, *, ttl_s: int, size_bytes: int
    ) -> PartRequest:
        grant = Grant(
            method="PUT",
            key=key,
            expires_at=self._expiry(ttl_s),
            size_bytes=size_bytes,
            upload_id=upload_id,
            part_number=part_number,
        )
        return PartRequest(part_number, self._sign(grant, {}).url)

    async def list_parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        return await asyncio.to_thread(self._uploads.parts, key, upload_id)

    async def complete_multipart(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> ObjectInfo:
        def join() -> ObjectInfo:
            content_type, paths = self._uploads.named(key, upload_id, parts)
            with self._draft() as draft:
                for path in paths:
                    draft.append(path)
                info = self._publish(draft, key, content_type)
            self._uploads.discard(key, upload_id)
            return info

        return await asyncio.to_thread(join)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        await asyncio.to_thread(self._uploads.discard, key, upload_id)

    # --- the whole storage ---------------------------------------------------------------------------------------

    async def sweep(self, *, older_than_s: float) -> int:
        def sweep() -> int:
            stale = [
                path
                for folder in (self._drafts, self._uploads.folder)
                if folder.is_dir()
                for path in folder.iterdir()
                if path.stat().st_mtime < self._clock() - older_than_s
            ]
            for path in stale:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            return len(stale)

        return await asyncio.to_thread(sweep)

    async def check(self) -> None:
        def check() -> None:
            probe = self._root / f".check-{uuid.uuid4().hex}"
            with self._draft() as draft:
                draft.write(b"check")
                draft.publish(probe, "text/plain")
            file, _ = open_object(probe)
            file.close()
            probe.unlink()

        await asyncio.to_thread(check)

    async def close(self) -> None:
        """Nothing is held open."""

    # --- behind the scenes, all of it blocking ---------------------------------------------------------------------

    def _path(self, key: str) -> Path:
        """Where the object of a key lies. Raises ValueError for a bad key or one that a symlink leads outside."""
        path = self._objects / check_key(key)
        if not Path(os.path.realpath(path.parent)).is_relative_to(self._objects):
            raise ValueError("the key leads out of the storage")
        return path

    def _draft(self) -> Draft:
        self._drafts.mkdir(parents=True, exist_ok=True)
        return Draft(self._drafts)

    def _write(self, key: str, chunks: Iterable[bytes], content_type: str) -> ObjectInfo:
        self._path(key)
        with self._draft() as draft:
            for chunk in chunks:
                draft.write(chunk)
            return self._publish(draft, key, content_type)

    def _publish(self, draft: Draft, key: str, content_type: str) -> ObjectInfo:
        path = self._path(key)
        footer = draft.publish(path, content_type)
        return _info(key, footer, self._clock())

    def _open(self, key: str) -> tuple[BinaryIO, ObjectInfo]:
        try:
            file, footer = open_object(self._path(key))
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        return file, _info(key, footer, os.fstat(file.fileno()).st_mtime)

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self._objects:
                    return
                folder.rmdir()
        except OSError:  # the folder is not empty, or the key is that of a folder: there was no such object
            return

    def _walk(self, folder: Path, key: str, prefix: str) -> Iterator[ObjectInfo]:
        """The objects below a folder in key order, links not followed; `key` is the folder's, with a slash."""
        try:
            with os.scandir(folder) as entries:
                # A folder sorts with its slash, because that is how its keys go on.
                names = sorted(entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries)
        except FileNotFoundError:
            return
        for name in names:
            path = key + name
            if name.endswith("/"):
                if path.startswith(prefix) or prefix.startswith(path):
                    yield from self._walk(folder / name, path, prefix)
            elif path.startswith(prefix):
                try:
                    file, info = self._open(path)
                except (ObjectMissing, OSError):  # deleted meanwhile, or a link or file that is not ours
                    continue
                file.close()
                yield info

    def _expiry(self, ttl_s: int) -> int:
        return int(self._clock()) + ttl_s

    def _sign(self, grant: Grant, headers: dict[str, str]) -> SignedRequest:
        self._path(grant.key)
        url = grant_url(self._base_url, self._secrets[0], grant)
        return SignedRequest(grant.method, url, headers, float(grant.expires_at))


def _info(key: str, footer: Footer, modified_at: float) -> ObjectInfo:
    return ObjectInfo(key, footer.size_bytes, footer.content_type, footer.etag, modified_at)


def _take(found: Iterator[ObjectInfo], count: int) -> list[ObjectInfo]:
    return list(itertools.islice(found, count))

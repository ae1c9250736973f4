"""`S3Storage`: objects in a bucket of any S3-compatible service, through aioboto3.

botocore retries throttling, 5xx and broken connections with backoff; every call here may be repeated.
"""

import asyncio
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final, Literal

import aioboto3
from botocore.config import Config

from renderowl.domain.errors import Unavailable
from renderowl.storage.base import ObjectInfo, ObjectMissing, PartRequest, SignedRequest, UploadedPart
from renderowl.storage.files import CHUNK_BYTES
from renderowl.storage.keys import check_key, check_prefix, content_disposition
from renderowl.storage.s3_errors import MISSING, s3_errors

MULTIPART_ABOVE_BYTES: Final = 64 * 1024**2
_PART_BYTES: Final = 32 * 1024**2
_MAX_PARTS: Final = 10_000
_DELETE_BATCH: Final = 1000
# With one answer in ten an error, one request in 100,000 fails; when all fail, the waits add up to 15 s at most.
_MAX_ATTEMPTS: Final = 5

Addressing = Literal["path", "virtual"]
"""Where the bucket's name stands in URLs: in the path, or in front of the host."""

_Client = Any  # aioboto3 makes its methods from service descriptions at run time: there is nothing to type


class S3Storage:
    """Keeps the promises of `Storage` in `bucket`, all keys below `prefix`. One client, opened at the first use."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint_url: str | None = None,
        region: str = "us-east-1",
        access_key: str = "",
        secret_key: str = "",
        addressing: Addressing | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._session = aioboto3.Session(
            aws_access_key_id=access_key or None, aws_secret_access_key=secret_key or None, region_name=region
        )
        self._endpoint_url = endpoint_url
        self._config = Config(
            signature_version="s3v4",
            # boto's own choice signs for the global endpoint, which redirects: that breaks the signature of the host.
            s3={"addressing_style": addressing or ("path" if endpoint_url else "virtual")},
            # Not "adaptive": one "slow down" in ten answers made it six times slower than the retries alone.
            retries={"mode": "standard", "total_max_attempts": _MAX_ATTEMPTS},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=32,
            # Checksum trailers are AWS only: other services, and presigned URLs, refuse them.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: _Client = None

    # --- objects -------------------------------------------------------------------------------------------------

    async def put_file(self, key: str, path: Path, *, content_type: str) -> ObjectInfo:
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        if size_bytes <= MULTIPART_ABOVE_BYTES:
            return await self.put_bytes(key, await asyncio.to_thread(path.read_bytes), content_type=content_type)
        upload_id = await self.start_multipart(key, content_type=content_type)
        try:
            parts = await self._put_parts(key, upload_id, path, size_bytes)
            return await self.complete_multipart(key, upload_id, parts)
        except BaseException:
            # Shielded: also a cancelled upload must not leave its parts behind.
            with suppress(Exception):
                await asyncio.shield(self.abort_multipart(key, upload_id))
            raise

    async def _put_parts(self, key: str, upload_id: str, path: Path, size_bytes: int) -> list[UploadedPart]:
        part_bytes = max(_PART_BYTES, -(-size_bytes // _MAX_PARTS))
        client = await self._open()
        parts: list[UploadedPart] = []
        with await asyncio.to_thread(path.open, "rb") as file, s3_errors(key):
            while data := await asyncio.to_thread(file.read, part_bytes):
                number = len(parts) + 1
                answer = await client.upload_part(
                    **self._at(key), UploadId=upload_id, PartNumber=number, Body=data, ContentLength=len(data)
                )
                parts.append(UploadedPart(number, _etag(answer), len(data)))
        return parts

    async def put_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        client = await self._open()
        with s3_errors(key):
            await client.put_object(**self._at(key), Body=data, ContentType=content_type)
        return await self.head(key)

    async def get_file(self, key: str, path: Path) -> ObjectInfo:
        info = await self.head(key)
        temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}")
        try:
            with await asyncio.to_thread(temporary.open, "xb") as file:
                async for chunk in self._stream(info, 0, info.size_bytes):
                    await asyncio.to_thread(file.write, chunk)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return info

    async def head(self, key: str) -> ObjectInfo:
        client = await self._open()
        with s3_errors(key):
            answer = await client.head_object(**self._at(key))
        return ObjectInfo(
            key,
            int(answer["ContentLength"]),
            str(answer.get("ContentType", "")),
            _etag(answer),
            answer["LastModified"].timestamp(),
        )

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        info = await self.head(key)
        async for data in self._stream(info, start, info.size_bytes if end is None else min(end, info.size_bytes)):
            yield data

    async def _stream(self, info: ObjectInfo, start: int, end: int) -> AsyncIterator[bytes]:
        """These bytes of this very version; goes on where a connection broke as long as each brings something."""
        client = await self._open()
        while start < end:
            began_at = start
            span = {"Range": f"bytes={start}-{end - 1}", "IfMatch": f'"{info.etag}"'}
            try:
                with s3_errors(info.key):
                    body = (await client.get_object(**self._at(info.key), **span))["Body"]
                    async with body:  # not `as`: that would be the bare HTTP response, which reads only all at once
                        while data := await body.read(CHUNK_BYTES):
                            start += len(data)
                            yield data
            except Unavailable:
                if start == began_at:
                    raise
            else:
                if start != end:
                    raise OSError(f"{info.key}: {end - start} bytes too few or too many arrived")

    async def delete(self, keys: Sequence[str]) -> None:
        client = await self._open()
        for batch in _batches([self._at(key)["Key"] for key in keys]):
            with s3_errors(batch[0]):
                answer = await client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": name} for name in batch], "Quiet": True}
                )
            failed = [error for error in answer.get("Errors", ()) if error.get("Code") not in MISSING]
            if failed:
                raise OSError(f"{len(failed)} objects could not be deleted: {failed[0].get('Code')}")

    async def delete_prefix(self, prefix: str) -> int:
        if not prefix.endswith("/"):
            raise ValueError("the prefix to delete ends in a slash")
        keys = [info.key async for info in self.scan(prefix)]
        await self.delete(keys)
        return len(keys)

    async def scan(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        client = await self._open()
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + check_prefix(prefix)
        )
        with s3_errors(prefix):
            async for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    # A listing does not tell the type: `head` does.
                    yield ObjectInfo(key, int(item["Size"]), "", _etag(item), item["LastModified"].timestamp())

    # --- signed URLs ---------------------------------------------------------------------------------------------

    async def sign_get(self, key: str, *, ttl_s: int, download_name: str | None = None) -> SignedRequest:
        named = {"ResponseContentDisposition": content_disposition(download_name)} if download_name else {}
        return await self._sign("get_object", "GET", {**self._at(key), **named}, ttl_s, {})

    async def sign_put(self, key: str, *, ttl_s: int, content_type: str, size_bytes: int | None) -> SignedRequest:
        bound: dict[str, Any] = {"ContentType": content_type}
        if size_bytes is not None:
            bound["ContentLength"] = size_bytes
        return await self._sign("put_object", "PUT", {**self._at(key), **bound}, ttl_s, {"Content-Type": content_type})

    async def _sign(
        self, operation: str, method: Literal["GET", "PUT"], params: dict[str, Any], ttl_s: int, headers: dict[str, str]
    ) -> SignedRequest:
        client = await self._open()
        with s3_errors(params["Key"]):
            url = await client.generate_presigned_url(operation, Params=params, ExpiresIn=ttl_s, HttpMethod=method)
        return SignedRequest(method, str(url), headers, time.time() + ttl_s)

    # --- multipart uploads ---------------------------------------------------------------------------------------

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        client = await self._open()
        with s3_errors(key):
            answer = await client.create_multipart_upload(**self._at(key), ContentType=content_type)
        return str(answer["UploadId"])

    async def sign_part(
        self, key: str, upload_id: str, part_number: int, *, ttl_s: int, size_bytes: int
    ) -> PartRequest:
        bound = {"UploadId": upload_id, "PartNumber": part_number, "ContentLength": size_bytes}
        request = await self._sign("upload_part", "PUT", {**self._at(key), **bound}, ttl_s, {})
        return PartRequest(part_number, request.url)

    async def list_parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        client = await self._open()
        pages = client.get_paginator("list_parts").paginate(**self._at(key), UploadId=upload_id)
        with s3_errors(key):
            return [
                UploadedPart(int(part["PartNumber"]), _etag(part), int(part["Size"]))
                async for page in pages
                for part in page.get("Parts", ())
            ]

    async def complete_multipart(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> ObjectInfo:
        if not parts:
            raise ValueError("an upload has at least one part")
        named = [{"PartNumber": part.part_number, "ETag": f'"{part.etag.strip(chr(34))}"'} for part in parts]
        client = await self._open()
        try:
            with s3_errors(key):
                await client.complete_multipart_upload(
                    **self._at(key), UploadId=upload_id, MultipartUpload={"Parts": named}
                )
        except ObjectMissing:
            # botocore repeats a request whose answer was lost: the first may have joined the parts already.
            info = await self.head(key)
            if info.etag != _joined_etag(parts):
                raise
            return info
        return await self.head(key)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        client = await self._open()
        with suppress(ObjectMissing), s3_errors(key):
            await client.abort_multipart_upload(**self._at(key), UploadId=upload_id)

    # --- the whole storage ---------------------------------------------------------------------------------------

    async def sweep(self, *, older_than_s: float) -> int:
        client = await self._open()
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with s3_errors(self._prefix):
            stale = [
                (upload["Key"].removeprefix(self._prefix), upload["UploadId"])
                async for page in pages
                for upload in page.get("Uploads", ())
                if upload["Initiated"].timestamp() < time.time() - older_than_s
            ]
        for key, upload_id in stale:
            await self.abort_multipart(key, upload_id)
        return len(stale)

    async def check(self) -> None:
        key = f".check/{uuid.uuid4().hex}"
        try:
            await self.put_bytes(key, b"check", content_type="text/plain")
            await self.delete([key])
        except (ObjectMissing, Unavailable, OSError) as error:
            raise OSError(f"the bucket {self._bucket} cannot be used: {error}") from error

    async def close(self) -> None:
        self._client = None
        await self._stack.aclose()

    # --- behind the scenes ---------------------------------------------------------------------------------------

    async def _open(self) -> _Client:
        async with self._opening:
            if self._client is None:
                self._client = await self._stack.enter_async_context(
                    self._session.client("s3", endpoint_url=self._endpoint_url, config=self._config)
                )
            return self._client

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._prefix + check_key(key)}


def _batches(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + _DELETE_BATCH] for start in range(0, len(names), _DELETE_BATCH))


def _etag(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _joined_etag(parts: Sequence[UploadedPart]) -> str:
    """The ETag that S3 gives the object joined from these parts."""
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"

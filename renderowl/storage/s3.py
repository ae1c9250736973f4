"""`S3Storage`: objects in a bucket of any S3-compatible service, through aioboto3.

botocore retries throttling, 5xx and broken connections with backoff (adaptive mode); every call here may be repeated.
"""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from renderowl.domain.errors import Unavailable
from renderowl.storage.base import ObjectInfo, ObjectMissing, PartRequest, SignedRequest, UploadedPart
from renderowl.storage.files import CHUNK_BYTES
from renderowl.storage.keys import check_key, check_prefix, content_disposition

MULTIPART_ABOVE_BYTES: Final = 64 * 1024**2
_PART_BYTES: Final = 32 * 1024**2
_MAX_PARTS: Final = 10_000
_DELETE_BATCH: Final = 1000
_MISSING: Final = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_WRONG_PART: Final = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "InvalidRequest"}
_CLOSED_FOR_NOW: Final = {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"}

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
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._session = aioboto3.Session(
            aws_access_key_id=access_key or None, aws_secret_access_key=secret_key or None, region_name=region
        )
        self._endpoint_url = endpoint_url
        self._config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint_url else "auto"},
            retries={"mode": "adaptive", "max_attempts": 8},
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
        with await asyncio.to_thread(path.open, "rb") as file, _errors(key):
            while data := await asyncio.to_thread(file.read, part_bytes):
                number = len(parts) + 1
                answer = await client.upload_part(
                    **self._at(key), UploadId=upload_id, PartNumber=number, Body=data, ContentLength=len(data)
                )
                parts.append(UploadedPart(number, _etag(answer), len(data)))
        return parts

    async def put_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        client = await self._open()
        with _errors(key):
            await client.put_object(**self._at(key), Body=data, ContentType=content_type)
        return await self.head(key)

    async def get_file(self, key: str, path: Path) -> ObjectInfo:
        info = await self.head(key)
        temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}")
        try:
            with await asyncio.to_thread(temporary.open, "xb") as file:
                async for chunk in self.read(key):
                    await asyncio.to_thread(file.write, chunk)
                written = file.tell()
            if written != info.size_bytes:
                raise OSError(f"{key}: {written} of {info.size_bytes} bytes arrived")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return info

    async def head(self, key: str) -> ObjectInfo:
        client = await self._open()
        with _errors(key):
            answer = await client.head_object(**self._at(key))
        return ObjectInfo(
            key,
            int(answer["ContentLength"]),
            str(answer.get("ContentType", "")),
            _etag(answer),
            answer["LastModified"].timestamp(),
        )

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        client = await self._open()
        # An empty range cannot be said in HTTP, and one behind the end is an error there: look first.
        if start or end is not None:
            size_bytes = (await self.head(key)).size_bytes
            end = size_bytes if end is None else min(end, size_bytes)
            if start >= end:
                return
        span = {} if end is None else {"Range": f"bytes={start}-{end - 1}"}
        with _errors(key):
            answer = await client.get_object(**self._at(key), **span)
            body = answer["Body"]
            async with body:  # not `as`: that would be the bare HTTP response, which reads only all at once
                while data := await body.read(CHUNK_BYTES):
                    yield data

    async def delete(self, keys: Sequence[str]) -> None:
        client = await self._open()
        for batch in _batches([self._at(key)["Key"] for key in keys]):
            with _errors(batch[0]):
                answer = await client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": name} for name in batch], "Quiet": True}
                )
            failed = [error for error in answer.get("Errors", ()) if error.get("Code") not in _MISSING]
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
        with _errors(prefix):
            async for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    # A listing does not tell the type: `head` does.
                    yield ObjectInfo(key, int(item["Size"]), "", _etag(item), item["LastModified"].timestamp())

    # --- signed URLs ---------------------------------------------------------------------------------------------

    async def sign_get(self, key: str, *, ttl_s: int, download_name: str | None = None) -> SignedRequest:
        named = {"ResponseContentDisposition": content_disposition(download_name)} if download_name else {}
        return await self._sign("get_object", "GET", {**self._at(key), **named}, ttl_s, {})

    async def sign_put(self, key: str, *, ttl_s: int, content_type: str, size_bytes: int) -> SignedRequest:
        bound = {"ContentType": content_type, "ContentLength": size_bytes}
        return await self._sign("put_object", "PUT", {**self._at(key), **bound}, ttl_s, {"Content-Type": content_type})

    async def _sign(
        self, operation: str, method: Literal["GET", "PUT"], params: dict[str, Any], ttl_s: int, headers: dict[str, str]
    ) -> SignedRequest:
        client = await self._open()
        with _errors(params["Key"]):
            url = await client.generate_presigned_url(operation, Params=params, ExpiresIn=ttl_s, HttpMethod=method)
        return SignedRequest(method, str(url), headers, time.time() + ttl_s)

    # --- multipart uploads ---------------------------------------------------------------------------------------

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        client = await self._open()
        with _errors(key):
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
        with _errors(key):
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
        with _errors(key):
            await client.complete_multipart_upload(
                **self._at(key), UploadId=upload_id, MultipartUpload={"Parts": named}
            )
        return await self.head(key)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        client = await self._open()
        with suppress(ObjectMissing), _errors(key):
            await client.abort_multipart_upload(**self._at(key), UploadId=upload_id)

    # --- the whole storage ---------------------------------------------------------------------------------------

    async def sweep(self, *, older_than_s: float) -> int:
        client = await self._open()
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with _errors(self._prefix):
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
        except (ObjectMissing, Unavailable) as error:
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


@contextmanager
def _errors(key: str) -> Iterator[None]:
    """botocore's errors as ours: ObjectMissing, ValueError (a wrong part), Unavailable or OSError."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _MISSING:
            raise ObjectMissing(key) from None
        if code in _WRONG_PART:
            raise ValueError(f"{key}: {code}") from None
        if status >= 500 or status == 429 or code in _CLOSED_FOR_NOW:
            raise Unavailable(f"The storage answers {code or status}") from error
        raise OSError(f"{key}: the storage answers {code or status}") from error
    except BotoCoreError as error:  # connections, timeouts, credentials
        raise Unavailable("The storage cannot be reached") from error


def _batches(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + _DELETE_BATCH] for start in range(0, len(names), _DELETE_BATCH))


def _etag(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')

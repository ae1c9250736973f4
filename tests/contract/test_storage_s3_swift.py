"""S3 storage keeps the promises of the port on OpenStack Swift, which checks everything about a signed URL."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import httpx
import psutil
import pytest

from renderowl.storage.base import ObjectMissing, UploadedPart
from renderowl.storage.s3 import S3Storage
from renderowl.testing.contracts import MIB, StorageContract
from renderowl.testing.strict_s3 import StrictS3

pytestmark = pytest.mark.swift

_buckets = itertools.count(1)


@pytest.fixture(scope="module")
def swift() -> Iterator[StrictS3]:
    with StrictS3() as server:
        yield server


@pytest.fixture(scope="module")
def client(swift: StrictS3) -> Any:
    """A plain S3 client, for what a storage's owner does."""
    keys = {"aws_access_key_id": swift.access_key, "aws_secret_access_key": swift.secret_key}
    return boto3.client("s3", endpoint_url=swift.url, region_name=swift.region, **keys)


class TestS3StorageOnSwift(StorageContract):
    @pytest.fixture
    async def storage(self, swift: StrictS3, client: Any) -> AsyncIterator[S3Storage]:
        bucket = f"bucket-{next(_buckets)}"
        client.create_bucket(Bucket=bucket)
        storage = S3Storage(bucket, "below/here", swift.url, swift.region, swift.access_key, swift.secret_key)
        yield storage
        await storage.close()

    async def test_a_large_file_goes_in_parts(self, storage, tmp_path, monkeypatch):
        monkeypatch.setattr("renderowl.storage.s3.MULTIPART_ABOVE_BYTES", 1)
        monkeypatch.setattr("renderowl.storage.s3._PART_BYTES", 5 * MIB)
        path, copy = tmp_path / "large", tmp_path / "copy"
        path.write_bytes(bytes(range(256)) * (11 * MIB // 256))
        info = await storage.put_file("large", path, content_type="video/mp4")
        assert (info.size_bytes, info.content_type, info.etag[-2:]) == (11 * MIB, "video/mp4", "-3")
        assert await storage.get_file("large", copy) == info
        assert copy.read_bytes() == path.read_bytes()
        assert b"".join([data async for data in storage.read("large", start=5 * MIB - 2, end=5 * MIB + 2)]) == (
            b"\xfe\xff\x00\x01"
        )

    async def test_completing_an_upload_again_tells_of_the_object(self, storage, http):
        upload_id = await storage.start_multipart("m", content_type="video/mp4")
        part = await storage.sign_part("m", upload_id, 1, ttl_s=60, size_bytes=3)
        await http.put(part.url, content=b"abc")
        parts = await storage.list_parts("m", upload_id)
        info = await storage.complete_multipart("m", upload_id, parts)
        assert await storage.complete_multipart("m", upload_id, parts) == info
        with pytest.raises((ObjectMissing, ValueError)):
            await storage.complete_multipart("m", upload_id, [UploadedPart(1, "0" * 32)])

    async def test_a_part_below_the_least_size_is_refused_unless_it_is_the_last(self, storage, http):
        upload_id = await storage.start_multipart("m", content_type="video/mp4")
        for number in (1, 2):
            part = await storage.sign_part("m", upload_id, number, ttl_s=60, size_bytes=3)
            assert (await http.put(part.url, content=b"abc")).status_code == 200
        with pytest.raises(ValueError, match="EntityTooSmall"):
            await storage.complete_multipart("m", upload_id, await storage.list_parts("m", upload_id))

    async def test_a_prefix_of_several_pages_is_listed_and_deleted_whole(self, storage):
        keys = [f"p/{number:02}" for number in range(23)]
        for key in keys:
            await storage.put_bytes(key, b"x", content_type="text/plain")
        assert [info.key async for info in storage.scan("p/")] == keys
        assert await storage.delete_prefix("p/") == 23
        assert [info.key async for info in storage.scan("")] == []

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("X-Amz-Expires", "604800"),
            ("X-Amz-Date", "20300101T000000Z"),
            ("X-Amz-Signature", "0" * 64),
            ("X-Amz-SignedHeaders", "host;range"),
            ("X-Amz-Credential", "test:other/20300101/us-east-1/s3/aws4_request"),
            ("response-content-disposition", "inline"),
        ],
    )
    async def test_no_parameter_of_a_download_can_be_changed(self, storage, http, parameter, value):
        await storage.put_bytes("g", b"secret", content_type="text/plain")
        signed = httpx.URL((await storage.sign_get("g", ttl_s=60, download_name="a.txt")).url)
        assert (await http.get(signed)).status_code == 200
        for changed in (signed.copy_set_param(parameter, value), signed.copy_remove_param(parameter)):
            answer = await http.get(changed)
            assert 400 <= answer.status_code < 500
            assert b"secret" not in answer.content

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    async def test_a_download_is_no_right_to_write(self, storage, http, method):
        await storage.put_bytes("g", b"kept", content_type="text/plain")
        request = await storage.sign_get("g", ttl_s=60)
        assert 400 <= (await http.request(method, request.url)).status_code < 500
        assert (await storage.head("g")).size_bytes == 4

    async def test_a_download_expires_and_is_for_one_object(self, storage, http):
        await storage.put_bytes("g/1", b"one", content_type="text/plain")
        await storage.put_bytes("g/2", b"two", content_type="text/plain")
        expired = await storage.sign_get("g/1", ttl_s=-1)
        other = (await storage.sign_get("g/1", ttl_s=60)).url.replace("g/1", "g/2")
        unsigned = str(httpx.URL(other).copy_with(query=None))
        for url in (expired.url, other, unsigned):
            assert 400 <= (await http.get(url)).status_code < 500

    @pytest.mark.parametrize("wrong", ["longer", "shorter", "number", "upload", "key", "expired", "signature"])
    async def test_the_url_of_a_part_is_good_for_nothing_else(self, storage, http, wrong):
        upload_id = await storage.start_multipart("m/1", content_type="video/mp4")
        other_id = await storage.start_multipart("m/1", content_type="video/mp4")
        ttl_s = -1 if wrong == "expired" else 60
        url = (await storage.sign_part("m/1", upload_id, 1, ttl_s=ttl_s, size_bytes=4)).url
        changed = {
            "number": url.replace("partNumber=1", "partNumber=2"),
            "upload": url.replace(upload_id, other_id),
            "key": url.replace("m/1", "m/2"),
            "signature": url.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        }.get(wrong, url)
        assert (changed == url) == (wrong in ("longer", "shorter", "expired"))
        body = {"longer": b"12345", "shorter": b"123"}.get(wrong, b"1234")
        assert 400 <= (await http.put(changed, content=body)).status_code < 500
        for known_id in (upload_id, other_id):
            assert await storage.list_parts("m/1", known_id) == []

    async def test_a_wrong_secret_and_a_missing_bucket_are_told(self, swift, storage, client):
        strangers = [
            S3Storage("nowhere", "", swift.url, swift.region, swift.access_key, swift.secret_key),
            S3Storage("bucket-1", "", swift.url, swift.region, swift.access_key, "wrong"),
        ]
        for stranger, said in zip(strangers, ("NoSuchBucket", "SignatureDoesNotMatch"), strict=True):
            with pytest.raises(OSError, match=said):
                await stranger.check()
            await stranger.close()


_HOLD = """
import signal
from renderowl.testing.strict_s3 import StrictS3
with StrictS3() as swift:
    print(swift._server.pid, swift._folder, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_server_and_its_data_go_with_whoever_started_it(number):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    pid, folder = holder.stdout.readline().split()
    server = psutil.Process(int(pid))
    assert os.path.isdir(folder)
    holder.send_signal(number)
    holder.communicate()
    server.wait(timeout=10)
    assert not os.path.exists(folder)

"""S3 storage keeps the promises of the port on moto, which takes signed URLs on trust."""

import itertools
from collections.abc import AsyncIterator, Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from renderowl.storage.s3 import S3Storage
from renderowl.testing.contracts import StorageContract

_buckets = itertools.count(1)


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestS3StorageOnMoto(StorageContract):
    strict_urls = False
    dates_uploads = False

    @pytest.fixture
    async def storage(self, endpoint_url: str) -> AsyncIterator[S3Storage]:
        bucket = f"bucket-{next(_buckets)}"
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=endpoint_url, **keys).create_bucket(Bucket=bucket)
        storage = S3Storage(bucket, "below/here", endpoint_url, "us-east-1", "key", "secret")
        yield storage
        await storage.close()

    async def test_a_large_file_goes_in_parts(self, storage, tmp_path, monkeypatch):
        monkeypatch.setattr("renderowl.storage.s3.MULTIPART_ABOVE_BYTES", 1)
        monkeypatch.setattr("renderowl.storage.s3._PART_BYTES", 5 * 1024 * 1024)
        path = tmp_path / "large"
        path.write_bytes(b"x" * 11 * 1024 * 1024)
        info = await storage.put_file("large", path, content_type="video/mp4")
        assert (info.size_bytes, info.content_type, info.etag[-2:]) == (11 * 1024 * 1024, "video/mp4", "-3")

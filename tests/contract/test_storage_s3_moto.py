"""S3 storage keeps the promises of the port on moto, which takes signed URLs on trust."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from renderowl.storage.s3 import S3Storage
from renderowl.testing.contracts import StorageContract
from renderowl.testing.moto_s3 import make_bucket, moto_s3

_buckets = itertools.count(1)


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    with moto_s3() as url:
        yield url


class TestS3StorageOnMoto(StorageContract):
    strict_urls = False
    dates_uploads = False

    @pytest.fixture
    async def storage(self, endpoint_url: str) -> AsyncIterator[S3Storage]:
        bucket = f"bucket-{next(_buckets)}"
        make_bucket(endpoint_url, bucket)
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

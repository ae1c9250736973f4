"""An S3 service that fails, throttles, loses answers, breaks connections or is down: what our storage makes of it."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from renderowl.domain.errors import Unavailable
from renderowl.storage.s3 import S3Storage
from renderowl.testing.faulty_proxy import Fault, FaultyProxy
from renderowl.testing.moto_s3 import make_bucket
from renderowl.testing.strict_s3 import StrictS3

MIB = 1024 * 1024
KEYS = (StrictS3.access_key, StrictS3.secret_key)


@pytest.fixture
def bucket(store_url: str, request: pytest.FixtureRequest) -> str:
    """A bucket whose name does not depend on which tests ran before: faults are drawn from paths."""
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    make_bucket(store_url, name, access_key=KEYS[0], secret_key=KEYS[1])
    return name


@asynccontextmanager
async def _behind(proxy: FaultyProxy, bucket: str) -> AsyncIterator[S3Storage]:
    async with proxy.serve() as url:
        storage = S3Storage(bucket, "", url, "us-east-1", *KEYS)
        try:
            yield storage
        finally:
            await storage.close()


async def test_hundreds_of_operations_succeed_when_a_tenth_of_the_requests_fails(
    store_url, bucket, tmp_path, monkeypatch
):
    monkeypatch.setattr("renderowl.storage.s3.MULTIPART_ABOVE_BYTES", 6 * MIB)
    monkeypatch.setattr("renderowl.storage.s3._PART_BYTES", 5 * MIB)
    large = bytes(range(256)) * (11 * MIB // 256)
    (tmp_path / "large").write_bytes(large)
    proxy = FaultyProxy(store_url, ("refused", "lost"), share=0.1, seed=14)

    async def small(storage: S3Storage, number: int) -> None:
        key, data = f"small/{number:03}", hashlib.sha256(b"%d" % number).digest() * 100
        put = await storage.put_bytes(key, data, content_type="video/mp4")
        assert await storage.head(key) == put
        assert b"".join([chunk async for chunk in storage.read(key, start=7)]) == data[7:]

    async def in_parts(storage: S3Storage, number: int) -> None:
        key, copy = f"large/{number}", tmp_path / f"copy-{number}"
        info = await storage.put_file(key, tmp_path / "large", content_type="video/mp4")
        assert await storage.get_file(key, copy) == info
        assert copy.read_bytes() == large

    async with _behind(proxy, bucket) as storage:
        slots = asyncio.Semaphore(24)

        async def work(operation: Callable[..., object], number: int) -> None:
            async with slots:
                await operation(storage, number)

        async with asyncio.TaskGroup() as tasks:
            for number in range(6):
                tasks.create_task(work(in_parts, number))
            for number in range(80):
                tasks.create_task(work(small, number))
        assert len([info async for info in storage.scan("small/")]) == 80
        assert await storage.delete_prefix("small/") == 80
        assert await storage.delete_prefix("large/") == 6
        assert [info async for info in storage.scan("")] == []
    assert proxy.counts["requests"] > 400
    assert proxy.counts["refused"] > 10
    assert proxy.counts["lost"] > 10


async def test_a_download_goes_on_where_its_connection_broke(store_url, bucket, tmp_path):
    data = bytes(range(256)) * (16 * MIB // 256)
    proxy = FaultyProxy(store_url, ("cut",), share=0.7, seed=1)
    async with _behind(proxy, bucket) as storage:
        await storage.put_bytes("film", data, content_type="video/mp4")
        await storage.get_file("film", tmp_path / "film")
        assert b"".join([chunk async for chunk in storage.read("film", start=5, end=9 * MIB)]) == data[5 : 9 * MIB]
    assert (tmp_path / "film").read_bytes() == data
    assert proxy.counts["cut"] >= 2


async def test_an_object_replaced_during_its_download_is_never_mixed(store_url, bucket):
    proxy = FaultyProxy(store_url, ("cut",), share=1, seed=1)
    async with _behind(proxy, bucket) as storage:
        await storage.put_bytes("film", b"1" * 4 * MIB, content_type="video/mp4")
        reading = storage.read("film")
        seen = await anext(reading)
        await storage.put_bytes("film", b"2" * 4 * MIB, content_type="video/mp4")
        with pytest.raises(Unavailable, match="PreconditionFailed"):
            async for chunk in reading:
                seen += chunk
    assert set(seen) == set(b"1")


@pytest.mark.parametrize("fault", ["refused", "lost"])
async def test_a_service_that_only_fails_is_unavailable(store_url, bucket, tmp_path, monkeypatch, fault: Fault):
    monkeypatch.setattr("renderowl.storage.s3._MAX_ATTEMPTS", 2)
    proxy = FaultyProxy(store_url, (fault,), share=1, seed=1)
    async with _behind(proxy, bucket) as storage:
        with pytest.raises(Unavailable, match="SlowDown"):
            await storage.put_bytes("a", b"a", content_type="text/plain")
        with pytest.raises(OSError, match="cannot be used"):
            await storage.check()
    assert proxy.counts["requests"] == 4


async def test_an_endpoint_that_is_down_is_unavailable_and_leaves_no_file(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("renderowl.storage.s3._MAX_ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    storage = S3Storage("bucket", "", url, "us-east-1", *KEYS)
    signed = await storage.sign_get("a", ttl_s=60)  # needs nobody
    assert signed.url.startswith(f"{url}/bucket/a?")
    for call in (
        storage.head("a"),
        storage.put_bytes("a", b"a", content_type="text/plain"),
        storage.get_file("a", tmp_path / "a"),
        storage.delete(["a"]),
        storage.delete_prefix("a/"),
        storage.start_multipart("a", content_type="text/plain"),
        storage.sweep(older_than_s=0),
        anext(storage.read("a")),
        anext(storage.scan("")),
    ):
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(OSError, match="cannot be used"):
        await storage.check()
    assert list(tmp_path.iterdir()) == []
    await storage.close()

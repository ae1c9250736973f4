"""The promises of the storage port as tests: one suite, run over every implementation.

Subclass `StorageContract` as `Test...` and give it a `storage` fixture. Clients' requests go over real HTTP.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from renderowl.storage.base import ObjectMissing, Storage, UploadedPart

MIB = 1024 * 1024


async def _all(storage: Storage, key: str, *, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in storage.read(key, start=start, end=end)])


class StorageContract:
    """What every `Storage` promises."""

    strict_urls: ClassVar[bool] = True
    """Whether the server behind the URLs checks them at all; moto does not."""
    dates_uploads: ClassVar[bool] = True
    """Whether the server knows when a multipart upload began; moto says 2010 of all."""

    @pytest.fixture
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            yield client

    async def test_bytes_come_back_with_their_type(self, storage: Storage) -> None:
        put = await storage.put_bytes("a/b c/ü.bin", b"hello", content_type="video/mp4")
        info = await storage.head("a/b c/ü.bin")
        assert (info.key, info.size_bytes, info.content_type) == ("a/b c/ü.bin", 5, "video/mp4")
        assert info.etag == put.etag != ""
        assert await _all(storage, "a/b c/ü.bin") == b"hello"

    async def test_a_second_put_replaces_the_object(self, storage: Storage) -> None:
        await storage.put_bytes("again", b"one", content_type="text/plain")
        await storage.put_bytes("again", b"twice", content_type="image/png")
        assert await _all(storage, "again") == b"twice"
        assert (await storage.head("again")).content_type == "image/png"

    async def test_files_go_in_and_come_out_whole(self, storage: Storage, tmp_path: Path) -> None:
        data = bytes(range(256)) * 12_345
        source, copy = tmp_path / "source", tmp_path / "copy"
        await asyncio.to_thread(source.write_bytes, data)
        await storage.put_file("file", source, content_type="video/mp4")
        info = await storage.get_file("file", copy)
        assert await asyncio.to_thread(copy.read_bytes) == data
        assert info.size_bytes == len(data)
        assert sorted(await asyncio.to_thread(os.listdir, tmp_path)) == ["copy", "source"]

    @pytest.mark.parametrize(
        ("start", "end"), [(0, None), (0, 1), (3, 7), (9, None), (5, 5), (10, None), (99, None), (4, 99), (0, 0)]
    )
    async def test_a_range_is_a_slice(self, storage: Storage, start: int, end: int | None) -> None:
        await storage.put_bytes("range", b"0123456789", content_type="text/plain")
        assert await _all(storage, "range", start=start, end=end) == b"0123456789"[start:end]

    async def test_what_is_not_there_is_missing(self, storage: Storage, tmp_path: Path) -> None:
        for call in (storage.head("no"), storage.get_file("no", tmp_path / "no"), _all(storage, "no")):
            with pytest.raises(ObjectMissing):
                await call
        await storage.delete(["no"])
        assert await asyncio.to_thread(os.listdir, tmp_path) == []

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a\\b", "a\0b", "a\nb", "x" * 300])
    async def test_a_key_that_could_leave_its_place_is_refused(self, storage: Storage, key: str) -> None:
        with pytest.raises(ValueError, match="storage key"):
            await storage.put_bytes(key, b"", content_type="text/plain")
        with pytest.raises(ValueError, match="storage key"):
            await storage.sign_put(key, ttl_s=60, content_type="text/plain", size_bytes=1)

    async def test_a_scan_lists_keys_in_order(self, storage: Storage) -> None:
        keys = ["s/a-b", "s/a/1", "s/a/2", "s/ab", "s/b", "t/a"]
        for key in reversed(keys):
            await storage.put_bytes(key, b"x", content_type="text/plain")
        assert [info.key async for info in storage.scan("s/")] == keys[:5]
        assert [info.key async for info in storage.scan("s/a")] == keys[:4]
        assert [info.key async for info in storage.scan("none/")] == []

    async def test_a_prefix_is_deleted_and_nothing_beside_it(self, storage: Storage) -> None:
        for key in ("p/1", "p/q/2", "pq/3"):
            await storage.put_bytes(key, b"x", content_type="text/plain")
        assert await storage.delete_prefix("p/") == 2
        assert [info.key async for info in storage.scan("p")] == ["pq/3"]
        assert await storage.delete_prefix("p/") == 0

    async def test_a_signed_get_serves_ranges_and_names_the_download(
        self, storage: Storage, http: httpx.AsyncClient
    ) -> None:
        await storage.put_bytes("g/é x", b"0123456789", content_type="text/plain")
        request = await storage.sign_get("g/é x", ttl_s=60, download_name="mein Film é.mp4")
        whole = await http.get(request.url)
        assert (whole.status_code, whole.content) == (200, b"0123456789")
        disposition = whole.headers["content-disposition"]
        assert disposition.startswith("attachment;"), "the page that leads to it stays"
        assert "mein%20Film%20%C3%A9.mp4" in disposition
        part = await http.get(request.url, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")

    async def test_a_signed_put_stores_the_announced_bytes(self, storage: Storage, http: httpx.AsyncClient) -> None:
        request = await storage.sign_put("u/1", ttl_s=60, content_type="video/mp4", size_bytes=2 * MIB)
        answer = await http.put(request.url, content=b"v" * 2 * MIB, headers=request.headers)
        assert answer.status_code == 200
        info = await storage.head("u/1")
        assert (info.size_bytes, info.content_type) == (2 * MIB, "video/mp4")

    @pytest.mark.parametrize("wrong", ["type", "longer", "shorter", "key", "signature", "expired", "method"])
    async def test_a_url_is_good_for_nothing_else(self, storage: Storage, http: httpx.AsyncClient, wrong: str) -> None:
        if not self.strict_urls:
            pytest.skip("this server does not check signed URLs")
        ttl_s = -1 if wrong == "expired" else 60
        request = await storage.sign_put("w/1", ttl_s=ttl_s, content_type="video/mp4", size_bytes=4)
        url, headers, body = request.url, dict(request.headers), b"1234"
        if wrong == "type":
            headers["Content-Type"] = "text/html"
        elif wrong in ("longer", "shorter"):
            body = b"12345" if wrong == "longer" else b"123"
        elif wrong == "key":
            url = url.replace("w/1", "w/2")
        elif wrong == "signature":
            url = url[:-1] + ("0" if url[-1] != "0" else "1")
        method = "GET" if wrong == "method" else "PUT"
        answer = await http.request(method, url, content=body if method == "PUT" else None, headers=headers)
        assert 400 <= answer.status_code < 500
        assert [info.key async for info in storage.scan("w/")] == []

    async def test_parts_are_joined_in_order(self, storage: Storage, http: httpx.AsyncClient) -> None:
        upload_id = await storage.start_multipart("m/1", content_type="video/mp4")
        bodies = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c"]
        for number in (3, 1, 2):
            body = bodies[number - 1]
            part = await storage.sign_part("m/1", upload_id, number, ttl_s=60, size_bytes=len(body))
            assert (await http.put(part.url, content=body)).status_code == 200
        parts = await storage.list_parts("m/1", upload_id)
        assert [(part.part_number, part.size_bytes) for part in parts] == [(1, 5 * MIB), (2, 5 * MIB), (3, 1)]
        with pytest.raises(ObjectMissing):
            await storage.head("m/1")
        info = await storage.complete_multipart("m/1", upload_id, parts)
        assert (info.size_bytes, info.content_type) == (10 * MIB + 1, "video/mp4")
        assert await _all(storage, "m/1", start=5 * MIB - 1, end=5 * MIB + 1) == b"ab"

    async def test_a_wrong_part_is_refused(self, storage: Storage, http: httpx.AsyncClient) -> None:
        upload_id = await storage.start_multipart("m/2", content_type="video/mp4")
        part = await storage.sign_part("m/2", upload_id, 1, ttl_s=60, size_bytes=1)
        await http.put(part.url, content=b"x")
        wrong: Sequence[Sequence[UploadedPart]] = ([], [UploadedPart(1, "0" * 32)], [UploadedPart(2, "0" * 32)])
        for parts in wrong:
            with pytest.raises(ValueError, match=r"part|Part"):
                await storage.complete_multipart("m/2", upload_id, parts)

    async def test_an_aborted_upload_leaves_nothing(self, storage: Storage) -> None:
        upload_id = await storage.start_multipart("m/3", content_type="video/mp4")
        await storage.abort_multipart("m/3", upload_id)
        await storage.abort_multipart("m/3", upload_id)
        with pytest.raises(ObjectMissing):
            await storage.list_parts("m/3", upload_id)

    async def test_a_sweep_removes_forgotten_uploads_only(self, storage: Storage) -> None:
        upload_id = await storage.start_multipart("m/4", content_type="video/mp4")
        if self.dates_uploads:
            assert await storage.sweep(older_than_s=3600) == 0
        assert await storage.list_parts("m/4", upload_id) == []
        assert await storage.sweep(older_than_s=-3600) == 1
        with pytest.raises(ObjectMissing):
            await storage.list_parts("m/4", upload_id)

    async def test_a_usable_storage_passes_its_check(self, storage: Storage) -> None:
        await storage.check()
        assert [info.key async for info in storage.scan("")] == []

"""Local storage keeps the promises of the port; its URLs go through a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from litestar import Litestar, Request, Response, route
from litestar.params import FromPath
from litestar.response import Stream

from renderowl.domain.errors import RenderOwlError
from renderowl.storage.keys import content_disposition
from renderowl.storage.local import LocalStorage
from renderowl.testing.contracts import StorageContract


def _app(storage: LocalStorage) -> Litestar:
    @route("/storage/{key:path}", http_method=["GET", "PUT"], status_code=200)
    async def serve(request: Request, key: FromPath[str]) -> Response:
        key = key.lstrip("/")
        grant = storage.authorize(request.method, key, dict(request.query_params))
        if grant.method == "PUT":
            length = request.headers.get("content-length")
            info = await storage.receive(
                grant,
                request.stream(),
                content_type=request.headers.get("content-type"),
                content_length=int(length) if length else None,
            )
            return Response(b"", headers={"ETag": info.etag})
        info = await storage.head(key)
        first, last, status = 0, info.size_bytes - 1, 200
        if asked := request.headers.get("range"):
            first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
            status = 206
        headers = {"Content-Length": str(last - first + 1)}
        if grant.download_name:
            headers["Content-Disposition"] = content_disposition(grant.download_name)
        body = storage.read(key, start=first, end=last + 1)
        return Stream(body, status_code=status, headers=headers, media_type=info.content_type)

    def problem(_: Request, error: RenderOwlError) -> Response:
        return Response(error.detail, status_code=error.status, media_type="text/plain")

    return Litestar([serve], exception_handlers={RenderOwlError: problem}, openapi_config=None)


class TestLocalStorage(StorageContract):
    @pytest.fixture
    async def storage(self, tmp_path_factory) -> AsyncIterator[LocalStorage]:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        storage = LocalStorage(tmp_path_factory.mktemp("storage"), url, [b"k" * 32])
        server = uvicorn.Server(uvicorn.Config(_app(storage), log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        yield storage
        server.should_exit = True
        await serving


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path, "http://here", [b"k" * 32])


async def _granted(local: LocalStorage, size_bytes: int):
    url = httpx.URL((await local.sign_put("k", ttl_s=60, content_type="a/b", size_bytes=size_bytes)).url)
    return local.authorize("PUT", "k", dict(url.params))


async def test_a_stream_that_breaks_off_leaves_nothing(local, tmp_path):
    async def broken():
        yield b"x" * 100
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await local.receive(await _granted(local, 200), broken(), content_type="a/b", content_length=200)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_body_longer_than_it_says_is_refused_without_its_length_header(local, tmp_path):
    async def long():
        for _ in range(3):
            yield b"x" * 100

    with pytest.raises(RenderOwlError, match="longer"):
        await local.receive(await _granted(local, 200), long(), content_type="a/b", content_length=None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_links_are_not_followed_out_of_the_storage(local, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    await local.put_bytes("in/1", b"x", content_type="a/b")
    (tmp_path / "objects" / "out").symlink_to(outside)
    with pytest.raises(ValueError):
        await local.put_bytes("out/1", b"x", content_type="a/b")
    assert [info.key async for info in local.scan("")] == ["in/1"]
    assert list(outside.iterdir()) == []


async def test_a_foreign_or_cut_file_is_an_error_and_no_object(local, tmp_path):
    await local.put_bytes("whole", b"x" * 1000, content_type="a/b")
    path = tmp_path / "objects" / "whole"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(OSError, match="not a stored object"):
        await local.head("whole")


async def test_a_reader_keeps_the_version_it_began_with(local):
    await local.put_bytes("v", b"1" * 3 * 1024 * 1024, content_type="a/b")
    reading = local.read("v")
    seen = await anext(reading)
    await local.put_bytes("v", b"2" * 10, content_type="a/b")
    seen += b"".join([chunk async for chunk in reading])
    assert seen == b"1" * 3 * 1024 * 1024

"""Uploads that break off and go on, files that are there already, and files that are in use; local and on S3."""

import hashlib
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from renderowl.domain.errors import Unavailable
from renderowl.domain.records import Asset, Principal
from renderowl.pipeline.tools import discover
from renderowl.services import assets, uploading
from renderowl.storage.base import ObjectInfo, UploadedPart
from renderowl.testing.media import MadeMedia
from renderowl.testing.moto_s3 import make_bucket, moto_s3
from renderowl.testing.service import Service, open_service
from renderowl.testing.signals import until

MIB = 1024 * 1024
_buckets = itertools.count(1)
PART = 5 * MIB
"""The smallest that S3 takes."""


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server of S3's API."""
    with moto_s3() as url:
        yield url


@pytest.fixture(params=["local", "s3"])
async def service(
    request: pytest.FixtureRequest,
    database_url: str,
    redis_url: str,
    storage_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Service]:
    """The API over either storage, with small parts."""
    monkeypatch.setattr("renderowl.services.uploading.PART_BYTES", PART)
    overrides: dict[str, Any] = {"multipart_threshold_bytes": 6 * MIB}
    if request.param == "s3":
        endpoint, bucket = request.getfixturevalue("s3"), f"bucket-{next(_buckets)}"
        make_bucket(endpoint, bucket)
        overrides |= {
            "storage_url": f"s3://{bucket}?endpoint_url={endpoint}&region=us-east-1",
            "s3_access_key": "key",
            "s3_secret_key": "secret",
        }
    async with open_service(database_url, redis_url, storage_dir, **overrides) as service:
        yield service


async def put(service: Service, url: str, data: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """Send to a signed URL: of this service, or of the bucket's server."""
    if url.startswith("http://testserver"):
        return await service.as_(None).put(url, content=data, headers=headers)
    async with httpx.AsyncClient(timeout=30) as http:
        return await http.put(url, content=data, headers=headers)


async def test_an_interrupted_upload_goes_on_with_what_is_missing(service: Service) -> None:
    project_id = await service.project()
    data = bytes(range(256)) * (12 * MIB // 256)
    body = {"name": "big.mp4", "content_type": "video/mp4", "size_bytes": len(data)}
    told = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()
    assert [part["part_number"] for part in told["upload"]["parts"]] == [1, 2, 3]
    asset = f"/projects/{project_id}/assets/{told['asset']['id']}"
    sent = await put(service, told["upload"]["parts"][1]["url"], data[PART : 2 * PART])
    early = await service.http.post(f"{asset}/upload-complete")
    assert (early.status_code, early.json()["errors"][0]["path"]) == (422, "/parts")
    assert "1, 3" in early.json()["detail"]

    left = (await service.http.get(f"{asset}/upload")).json()["upload"]
    etag = sent.headers["etag"].strip('"')
    assert left["arrived"] == [{"part_number": 2, "etag": etag, "size_bytes": PART}]
    assert left["part_size_bytes"] == PART
    assert [part["part_number"] for part in left["parts"]] == [1, 3]
    for part in left["parts"]:
        piece = data[(part["part_number"] - 1) * PART : part["part_number"] * PART]
        assert (await put(service, part["url"], piece)).status_code == 200
    assert "parts" in (await service.http.get(f"{asset}/upload")).json()["upload"]
    done = await service.http.post(f"{asset}/upload-complete")
    assert (done.status_code, done.json()["size_bytes"]) == (202, len(data))
    late = await service.http.get(f"{asset}/upload")
    assert (late.status_code, late.json()["code"]) == (409, "conflict")


async def test_an_upload_whose_parts_were_swept_begins_anew(service: Service) -> None:
    project_id = await service.project()
    body = {"name": "big.mp4", "content_type": "video/mp4", "size_bytes": 11 * MIB}
    told = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()
    await put(service, told["upload"]["parts"][0]["url"], bytes(PART))
    await service.ctx.storage.sweep(older_than_s=-3600)
    asset = f"/projects/{project_id}/assets/{told['asset']['id']}"
    left = (await service.http.get(f"{asset}/upload")).json()["upload"]
    assert "arrived" not in left
    for part, size in zip(left["parts"], (PART, PART, MIB), strict=True):
        assert (await put(service, part["url"], bytes(size))).status_code == 200
    assert (await service.http.post(f"{asset}/upload-complete")).status_code == 202


async def confirmed(service: Service, project_id: str, data: bytes) -> Asset:
    """An asset in parts that was confirmed and that nobody looks into."""
    body = {"name": "p.png", "content_type": "image/png", "size_bytes": len(data)}
    told = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()
    for part in told["upload"]["parts"]:
        piece = data[(part["part_number"] - 1) * PART : part["part_number"] * PART]
        assert (await put(service, part["url"], piece)).status_code == 200
    owner = await service.ctx.db.fetch_value("SELECT owner_id FROM projects WHERE id = $1", project_id)
    principal = Principal(owner, frozenset({"read", "write"}), "session", "ses_test")
    return await uploading.complete(service.ctx, principal, project_id, told["asset"]["id"], ())


async def test_an_upload_whose_looker_died_once_its_parts_were_joined_is_taken_up(
    service: Service, media: MadeMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id, tools = await service.project(), await discover()
    data = (await media.picture()).read_bytes() + bytes(11 * MIB)
    asset = await confirmed(service, project_id, data)
    assert asset.status == "processing"
    assert await keys(service) == []  # it is as long as the parts are many, and not the request's to wait for

    async def die(key: str, path: Path) -> None:
        raise Unavailable("died here")

    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(service.ctx.storage, "get_file", die)
        await assets.process(service.ctx, tools, asset)
    assert await keys(service) == [asset.storage_key]
    done = await assets.process(service.ctx, tools, asset)
    assert done is not None
    assert (done.status, done.content_hash) == ("ready", hashlib.sha256(data).hexdigest())


async def test_of_an_asset_deleted_while_its_parts_are_joined_nothing_is_left(
    service: Service, media: MadeMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id, tools = await service.project(), await discover()
    asset = await confirmed(service, project_id, (await media.picture()).read_bytes() + bytes(11 * MIB))

    async def join_late(key: str, upload_id: str, parts: Sequence[UploadedPart]) -> ObjectInfo:
        assert (await service.http.delete(f"/projects/{project_id}/assets/{asset.id}")).status_code == 204
        return await service.ctx.storage.put_bytes(key, b"joined", content_type="image/png")

    monkeypatch.setattr(service.ctx.storage, "complete_multipart", join_late)
    assert await assets.process(service.ctx, tools, asset) is None
    assert await keys(service) == []


async def uploaded(service: Service, project_id: str, data: bytes, name: str) -> dict[str, Any]:
    """A picture that is ready."""
    body = {"name": name, "content_type": "image/png", "size_bytes": len(data)}
    told = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()
    again = (await service.http.get(f"/projects/{project_id}/assets/{told['asset']['id']}/upload")).json()["upload"]
    assert (await put(service, again["url"], data, again["headers"])).status_code == 200
    path = f"/projects/{project_id}/assets/{told['asset']['id']}"
    assert (await service.http.post(f"{path}/upload-complete")).status_code == 202

    async def looked_into() -> dict[str, Any] | None:
        found: dict[str, Any] = (await service.http.get(path)).json()
        return found if found["status"] in ("ready", "failed") else None

    return await until(looked_into, timeout_s=60)


async def keys(service: Service) -> list[str]:
    return [one.key async for one in service.ctx.storage.scan("projects/") if "/assets/" in one.key]


async def test_the_same_bytes_are_stored_once_and_kept_until_the_last_asset_goes(
    service: Service, media: MadeMedia
) -> None:
    data = (await media.picture()).read_bytes()
    project_id = await service.project()
    one, two = [await uploaded(service, project_id, data, name) for name in ("one.png", "two.png")]
    elsewhere = await uploaded(service, await service.project(), data, "three.png")
    assert {one["status"], two["status"], elsewhere["status"]} == {"ready"}
    assert len(await keys(service)) == 2  # no project shares with another
    await service.http.delete(f"/projects/{project_id}/assets/{one['id']}")
    assert len(await keys(service)) == 2
    url = (await service.http.get(f"/projects/{project_id}/assets/{two['id']}/download")).json()["url"]
    found = await service.as_(None).get(url) if url.startswith("http://testserver") else httpx.get(url)
    assert found.content == data
    await service.http.delete(f"/projects/{project_id}/assets/{two['id']}")
    assert len(await keys(service)) == 1


async def test_an_asset_is_kept_while_a_render_uses_it(service: Service, media: MadeMedia) -> None:
    project_id = await service.project()
    asset = await uploaded(service, project_id, (await media.picture()).read_bytes(), "p.png")
    film = {"tracks": [{"clips": [{"type": "image", "src": f"asset://{asset['id']}", "duration": 1}]}]}
    body = {"composition_id": "timeline", "input_props": film}
    render = (await service.http.post(f"/projects/{project_id}/renders", json=body)).json()
    path = f"/projects/{project_id}/assets/{asset['id']}"
    kept = await service.http.delete(path)
    assert (kept.status_code, kept.json()["code"]) == (409, "conflict")
    assert render["id"] in kept.json()["detail"]
    assert (await service.http.post(f"/projects/{project_id}/renders/{render['id']}/cancel")).status_code == 200
    assert (await service.http.delete(path)).status_code == 204

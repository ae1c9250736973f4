"""Assets over HTTP: announced, uploaded by signed URL, looked into, downloaded."""

import hashlib
from urllib.parse import urlsplit

import pytest

from renderowl.pipeline.fonts import FONTS
from renderowl.testing.media import MadeMedia, png_bomb
from renderowl.testing.service import Service


async def test_an_upload_becomes_ready_with_its_metadata_and_can_be_downloaded(
    service: Service, media: MadeMedia
) -> None:
    data = (await media.video(tone_hz=440)).read_bytes()
    project_id = await service.project()
    asset = await service.upload(project_id, "clip.mp4", "video/mp4", data)
    assert asset["status"] == "ready", asset["error"]
    assert asset["type"] == "video"
    facts = asset["metadata"]
    assert (facts["width"], facts["height"], facts["fps"], facts["codec"]) == (320, 180, 30.0, "h264")
    assert facts["duration_s"] == pytest.approx(1.0, abs=0.05)
    assert facts["audio"]["channels"] == 1
    assert "media" not in facts
    signed = (await service.http.get(f"/projects/{project_id}/assets/{asset['id']}/download")).json()
    whole = await service.as_(None).get(signed["url"])
    assert (whole.status_code, whole.content) == (200, data)
    assert (await service.http.get(f"/projects/{project_id}")).json()["asset_count"] == 1
    with_url = (await service.http.get(f"/projects/{project_id}/assets/{asset['id']}?signed=true")).json()
    assert with_url["url"].startswith("http")


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, None),
        ("bytes=-5", 206, -5, None),
        ("bytes=5-999999999", 206, 5, None),
        ("bytes=999999999-", 416, 0, 0),
        ("bytes=abc", 200, 0, None),
    ],
)
async def test_downloads_serve_ranges(
    service: Service, media: MadeMedia, asked: str, status: int, start: int, end: int | None
) -> None:
    data = (await media.picture()).read_bytes()
    project_id = await service.project()
    asset = await service.upload(project_id, "p.png", "image/png", data)
    url = (await service.http.get(f"/projects/{project_id}/assets/{asset['id']}/download")).json()["url"]
    answer = await service.as_(None).get(url, headers={"range": asked})
    assert answer.status_code == status
    if status != 416:
        assert answer.content == data[start:end]
        assert answer.headers["content-length"] == str(len(data[start:end]))


async def test_the_signed_url_takes_only_the_announced_type_and_length(service: Service) -> None:
    project_id = await service.project()
    body = {"name": "a.png", "content_type": "image/png", "size_bytes": 10}
    told = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()
    url, anyone = told["upload"]["url"], service.as_(None)
    wrong = [
        await anyone.put(url, content=b"x" * 9, headers={"content-type": "image/png"}),
        await anyone.put(url, content=b"x" * 11, headers={"content-type": "image/png"}),
        await anyone.put(url, content=b"x" * 10, headers={"content-type": "text/html"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in wrong] == [(422, "upload_mismatch")] * 3
    tampered = await anyone.put(url.replace(told["asset"]["id"], "ast_other"), content=b"x" * 10)
    assert (tampered.status_code, tampered.json()["code"]) == (403, "url_expired")
    early = await service.http.post(f"/projects/{project_id}/assets/{told['asset']['id']}/upload-complete")
    assert (early.status_code, early.json()["code"]) == (422, "upload_mismatch")


async def test_a_large_upload_goes_in_parts(service: Service) -> None:
    project_id = await service.project()
    data = bytes(range(256)) * 100_000  # 25.6 MB of nothing that can be played
    body = {"name": "big.mp4", "content_type": "video/mp4", "size_bytes": len(data)}
    told = (await service.http.post(f"/projects/{project_id}/assets/upload", json=body)).json()
    upload, anyone = told["upload"], service.as_(None)
    assert upload["multipart"] is True
    size, parts = upload["part_size_bytes"], []
    for part in upload["parts"]:
        piece = data[(part["part_number"] - 1) * size : part["part_number"] * size]
        sent = await anyone.put(part["url"], content=piece)
        assert sent.status_code == 200, sent.text
        parts.append({"part_number": part["part_number"], "etag": sent.headers["etag"]})
    path = f"/projects/{project_id}/assets/{told['asset']['id']}/upload-complete"
    wrong = await service.http.post(path, json={"parts": [{**parts[0], "etag": "nonsense"}]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "upload_mismatch")
    done = await service.http.post(path, json={"parts": parts})
    assert (done.status_code, done.json()["status"]) == (202, "processing")


@pytest.mark.parametrize(
    ("name", "content_type", "data", "code"),
    [
        ("text.mp4", "video/mp4", b"this is only text, whatever its name says", "media_unreadable"),
        ("list.mp4", "video/mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", "media_type_mismatch"),
        ("hls.mp4", "video/mp4", b"#EXTM3U\n#EXT-X-VERSION:3\nfile:///etc/passwd\n", "media_type_mismatch"),
        ("draw.png", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "media_type_mismatch"),
        ("bomb.png", "image/png", png_bomb(), "media_too_large"),
        ("noise.mp3", "audio/mpeg", b"\x00" * 500, "media_unreadable"),
        ("sub.srt", "application/x-subrip", b"\xff\xfe no captions", "media_unreadable"),
        ("font.ttf", "font/ttf", b"\x00\x01\x00\x00\x00\x09" + b"glyf" * 100, "media_unreadable"),
        ("web.ttf", "font/ttf", b"wOF2\x00\x01\x00\x00" + bytes(100), "media_unreadable"),
        ("picture.ttf", "font/ttf", b"\x89PNG\r\n\x1a\n" + bytes(100), "media_type_mismatch"),
    ],
    ids=["text", "ffconcat", "playlist", "svg", "bomb", "noise", "captions", "font", "woff2", "no font"],
)
async def test_lying_and_unreadable_files_fail_with_their_own_error(
    service: Service, name: str, content_type: str, data: bytes, code: str
) -> None:
    project_id = await service.project()
    asset = await service.upload(project_id, name, content_type, data)
    assert asset["status"] == "failed"
    assert asset["error"]["code"] == code, asset["error"]
    download = await service.http.get(f"/projects/{project_id}/assets/{asset['id']}/download")
    assert (download.status_code, download.json()["code"]) == (409, "conflict")


async def test_a_font_tells_its_family_and_how_many_characters_it_has(service: Service) -> None:
    (path,) = next(font for font in FONTS if font.family == "Heebo").paths()
    asset = await service.upload(await service.project(), "brand.ttf", "font/ttf", path.read_bytes())
    assert (asset["status"], asset["type"]) == ("ready", "font"), asset["error"]
    assert set(asset["metadata"]) == {"family", "characters"}
    assert asset["metadata"]["family"] == "Heebo"
    assert asset["metadata"]["characters"] > 200


async def test_a_truncated_video_fails(service: Service, media: MadeMedia) -> None:
    data = (await media.video(tone_hz=440)).read_bytes()
    project_id = await service.project()
    asset = await service.upload(project_id, "cut.mp4", "video/mp4", data[: len(data) // 3])
    assert (asset["status"], asset["error"]["code"]) == ("failed", "media_unreadable")


async def test_a_wrong_checksum_fails(service: Service, media: MadeMedia) -> None:
    data = (await media.picture()).read_bytes()
    project_id = await service.project()
    good = await service.upload(
        project_id, "p.png", "image/png", data, checksum_sha256=hashlib.sha256(data).hexdigest()
    )
    bad = await service.upload(project_id, "p.png", "image/png", data, checksum_sha256="0" * 64)
    assert (good["status"], bad["status"], bad["error"]["code"]) == ("ready", "failed", "upload_mismatch")


async def test_an_announcement_names_every_wrong_field(service: Service) -> None:
    project_id = await service.project()
    body = {"name": " ", "content_type": "text/html", "size_bytes": 11 * 1024**3, "checksum_sha256": "zz"}
    answer = await service.http.post(f"/projects/{project_id}/assets/upload", json=body)
    assert answer.status_code == 422
    paths = {error["path"] for error in answer.json()["errors"]}
    assert paths == {"/name", "/content_type", "/size_bytes", "/checksum_sha256"}


async def test_assets_are_listed_by_type_and_status_renamed_and_deleted(service: Service, media: MadeMedia) -> None:
    project_id = await service.project()
    picture = await service.upload(project_id, "p.png", "image/png", (await media.picture()).read_bytes())
    await service.upload(project_id, "t.wav", "audio/wav", (await media.tone()).read_bytes())
    await service.upload(project_id, "s.srt", "application/x-subrip", b"1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    path = f"/projects/{project_id}/assets"
    kinds = {kind: len((await service.http.get(path, params={"type": kind})).json()["items"]) for kind in
             ("image", "audio", "subtitle", "video")}  # fmt: skip
    assert kinds == {"image": 1, "audio": 1, "subtitle": 1, "video": 0}
    assert len((await service.http.get(path, params={"status": "ready"})).json()["items"]) == 3
    assert (await service.http.get(path, params={"status": "nonsense"})).status_code == 422
    one = f"{path}/{picture['id']}"
    assert (await service.http.patch(one, json={"name": "q.png"})).json()["name"] == "q.png"
    url = (await service.http.get(f"{one}/download")).json()["url"]
    assert (await service.http.delete(one)).status_code == 204
    assert (await service.http.get(one)).status_code == 404
    assert (await service.as_(None).get(url)).status_code == 404
    assert urlsplit(url).path.startswith("/storage/")

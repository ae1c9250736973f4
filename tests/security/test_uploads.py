"""Signed uploads and what is served from our origin."""

import re
from typing import Any

import pytest

from renderowl.services import assets
from renderowl.testing.service import Service

GOOD = b"1\n00:00:01,000 --> 00:00:02,000\nhi\n"
EVIL = b"1\n00:00:01,000 --> 00:00:02,000\nEV\n"


async def announced(service: Service, project_id: str) -> dict[str, object]:
    body = {"name": "a.srt", "content_type": "application/x-subrip", "size_bytes": len(GOOD)}
    answer = await service.http.post(f"/projects/{project_id}/assets/upload", json=body)
    told: dict[str, object] = answer.json()
    return told


async def test_the_bytes_of_a_confirmed_asset_cannot_be_replaced_with_its_old_url(service: Service) -> None:
    project_id = await service.project()
    told = await announced(service, project_id)
    upload, asset = told["upload"], told["asset"]
    assert isinstance(upload, dict)
    assert isinstance(asset, dict)
    anybody = service.as_(None)
    put = {"url": upload["url"], "headers": upload["headers"]}
    assert (await anybody.put(content=GOOD, **put)).status_code == 200
    at = f"/projects/{project_id}/assets/{asset['id']}"
    await service.http.post(f"{at}/upload-complete")
    again = await anybody.put(content=EVIL, **put)
    assert (again.status_code, again.json()["code"]) == (403, "url_expired")
    await service.http.delete(at)
    late = await anybody.put(content=EVIL, **put)
    assert (late.status_code, late.json()["code"]) == (403, "url_expired")
    assert [key async for key in service.ctx.storage.scan("")] == []


@pytest.mark.parametrize(
    "change",
    [
        ("expires_at=1", "expires_at=2"),
        ("size_bytes=", "size_bytes=1"),
        ("application%2Fx-subrip", "text%2Fhtml"),
        ("/storage/projects/", "/storage/%2e%2e/projects/"),
        ("/assets/", "/assets/%00"),
        ("?", "?upload_id=x&"),
        ("signature=", "signature=%C3%A9"),
    ],
)
async def test_a_changed_url_is_refused(service: Service, change: tuple[str, str]) -> None:
    told = await announced(service, await service.project())
    upload = told["upload"]
    assert isinstance(upload, dict)
    assert change[0] in upload["url"]
    url = upload["url"].replace(*change, 1)
    answer = await service.as_(None).put(url, content=GOOD, headers=upload["headers"])
    assert answer.status_code in (403, 404)
    assert [key async for key in service.ctx.storage.scan("")] == []


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/javascript", "text/xml", ""])
async def test_what_a_browser_would_run_cannot_be_uploaded(service: Service, content_type: str) -> None:
    body = {"name": "x.mp4", "content_type": content_type, "size_bytes": 10}
    answer = await service.http.post(f"/projects/{await service.project()}/assets/upload", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/content_type")


@pytest.mark.parametrize(("content_type", "size_bytes"), [("text/vtt", 5 * 1024**2), ("font/ttf", 64 * 1024**2)])
async def test_what_is_read_into_memory_as_a_whole_is_small(
    service: Service, content_type: str, size_bytes: int
) -> None:
    body = {"name": "x", "content_type": content_type, "size_bytes": size_bytes}
    answer = await service.http.post(f"/projects/{await service.project()}/assets/upload", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/size_bytes")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\r\nSet-Cookie: x=1", 'a"; filename="b.html', "..\\b", "日本.srt"]
)
async def test_a_name_is_neither_a_path_nor_a_header(service: Service, name: str) -> None:
    project_id = await service.project()
    asset = await service.upload(project_id, name, "application/x-subrip", GOOD)
    assert asset["status"] == "ready"
    url = (await service.http.get(f"/projects/{project_id}/assets/{asset['id']}/download")).json()["url"]
    served = await service.as_(None).get(url)
    assert "set-cookie" not in served.headers
    assert served.headers["content-security-policy"].startswith("sandbox")
    assert "nosniff" in served.headers["x-content-type-options"]
    one_name_in_two_forms = r"""attachment; filename="[^"\\/;%\r\n]+"; filename\*=UTF-8''[A-Za-z0-9%._~-]+"""
    assert re.fullmatch(one_name_in_two_forms, served.headers["content-disposition"])
    keys = [info.key async for info in service.ctx.storage.scan("")]
    assert keys == [f"projects/{project_id}/assets/{asset['id']}"]


@pytest.mark.parametrize("said", [b"[" * 20_000, b"1\n00:00:00,000 --> 00:00:01,000\n&#" + b"9" * 5000 + b";\n\n"])
async def test_captions_that_break_their_reader_hold_up_nobody_elses(service: Service, said: bytes) -> None:
    """Six of them ended the prober of the process, once: what anybody uploaded after that stayed `processing`."""
    project_id = await service.project()
    for n in range(8):
        done = await service.upload(project_id, "a.json", "application/json", said + b" " * n)
        assert done["status"] in ("failed", "ready")
    assert (await service.upload(project_id, "a.srt", "application/x-subrip", GOOD))["status"] == "ready"


async def test_a_file_that_our_own_reader_breaks_on_is_a_bad_one(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = await service.project()

    async def broken(*_: Any) -> dict[str, Any]:
        raise KeyError("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(assets, "_inspect", broken)
        done = await service.upload(project_id, "a.srt", "application/x-subrip", GOOD)
    assert (done["status"], done["error"]["code"]) == ("failed", "media_unreadable")
    assert "fault" not in done["error"]["message"]
    assert (await service.upload(project_id, "b.srt", "application/x-subrip", GOOD))["status"] == "ready"

"""Signed playlists over HTTP: open to whoever has the URL, for that render, until it expires; and to nobody else."""

import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from renderowl.db.database import to_json
from renderowl.security.signing import derive, sign
from renderowl.testing.service import Service

FILM = {
    "composition_id": "timeline",
    "input_props": {"tracks": [{"clips": [{"type": "color", "color": "#ff0000", "duration": 2}]}]},
}
PLAYLIST = '#EXTM3U\n#EXT-X-MAP:URI="a%20b.hls.mp4",BYTERANGE="4@0"\n#EXTINF:2.0,\na%20b.hls.mp4\n#EXT-X-ENDLIST\n'


async def finished(service: Service) -> tuple[str, dict[str, Any]]:
    """The path of a render that is completed with an HLS film, and the render."""
    project_id = await service.project()
    render = (await service.http.post(f"/projects/{project_id}/renders", json=FILM)).json()
    prefix = f"projects/{project_id}/renders/{render['id']}/1-t/"
    files = []
    for name, kind, content_type, data in (
        ("a b.m3u8", "video", "application/vnd.apple.mpegurl", PLAYLIST.encode()),
        ("a b.hls.mp4", "media", "video/mp4", b"media"),
    ):
        await service.ctx.storage.put_bytes(prefix + kind, data, content_type=content_type)
        told = {"kind": kind, "name": name, "content_type": content_type, "key": prefix + kind}
        files.append({**told, "size_bytes": len(data)})
    await service.ctx.db.execute(
        "UPDATE renders SET status = 'completed', completed_at = now(), output = $2::jsonb WHERE id = $1",
        render["id"],
        to_json({"outputs": files}),
    )
    return f"/projects/{project_id}/renders/{render['id']}", render


async def test_a_finished_playlist_plays_without_a_credential(service: Service) -> None:
    path, _ = await finished(service)
    signed = (await service.http.get(f"{path}/output", params={"name": "a b.m3u8"})).json()
    nobody = service.as_(None)
    playlist = await nobody.get(signed["url"])
    assert playlist.status_code == 200
    assert playlist.headers["content-type"].startswith("application/vnd.apple.mpegurl")
    assert playlist.headers["cache-control"] == "private, no-cache"
    url = playlist.text.splitlines()[3]
    part = await nobody.get(url, headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"medi")
    kept = (await service.http.get(f"{path}/output", params={"name": "a b.m3u8", "as_stored": True})).json()
    assert (await nobody.get(kept["url"])).text == PLAYLIST
    for _ in range(100):  # a player asks again and again, and says nothing of who it is
        assert (await nobody.get(signed["url"])).status_code == 200
    plain = (await service.http.get(f"{path}/output", params={"name": "a b.hls.mp4"})).json()
    assert "/storage/" in plain["url"]


async def test_a_changed_or_old_path_opens_nothing(service: Service) -> None:
    path, render = await finished(service)
    _, other = await finished(service)
    signed = (await service.http.get(f"{path}/output")).json()
    _, _, token, name = urlsplit(signed["url"]).path.split("/")
    key = derive(service.ctx.settings.secret_key, "play")
    old = f"{render['id']}.{int(time.time()) - 1}"
    for wrong in (token + "0", token.replace(render["id"], other["id"]), f"{old}.{sign(key, old.encode())}", "x"):
        assert (await service.as_(None).get(f"/play/{wrong}/{name}")).status_code == 403
    for missing in ("preview.m3u8", "1-video-0000000000000.ts", "a b.hls.mp4", "..%2Fx"):
        assert (await service.as_(None).get(f"/play/{token}/{missing}")).status_code == 404


async def test_a_film_that_was_not_to_be_watched_has_no_playlist(service: Service) -> None:
    path, _ = await finished(service)
    answer = await service.http.get(f"{path}/playlist")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await service.http.get(path)).json()["playable"] is False


@pytest.mark.parametrize("settings", [{"preview": {"hls": True}, "format": "webm"}, {"outputs": [{"codec": "vp9"}]}])
async def test_what_cannot_be_made_is_refused_before_it_is_queued(service: Service, settings: dict[str, Any]) -> None:
    project_id = await service.project()
    answer = await service.http.post(f"/projects/{project_id}/renders", json=FILM | {"output_settings": settings})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["path"] in ("/output_settings/preview/hls", "/output_settings/outputs/0/codec")

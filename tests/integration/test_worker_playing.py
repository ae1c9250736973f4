"""Films that are watched while they are made, several files of one render, and HLS films, from a real worker."""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from renderowl.db import pieces as piece_rows
from renderowl.domain.errors import Conflict, NotFound, UrlExpired
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import discover
from renderowl.services import collecting, playing
from renderowl.testing.farm import Farm, forget_cache
from renderowl.testing.media import MadeMedia
from renderowl.testing.signals import until
from renderowl.testing.watching import text_of, times, watched

FAST = {"preset": "ultrafast"}
COLORS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")


async def film(farm: Farm, folder: Path, *, seconds: float = 6, size: tuple[int, int] = (320, 180)) -> dict[str, Any]:
    """A film of four colours with a tone through all of it."""
    tone = await farm.upload(await MadeMedia(folder, await discover()).tone(duration_s=4 * seconds), "audio/wav")
    clips = [{"type": "color", "color": color, "duration": seconds} for color in COLORS]
    sound = [{"type": "audio", "src": tone}]
    return {"width": size[0], "height": size[1], "fps": 25, "tracks": [{"clips": clips}, {"clips": sound}]}


@pytest.mark.parametrize("farm", ["within one step", "step by step"], indirect=True)
async def test_a_film_can_be_watched_whole_and_without_a_seam_and_is_the_very_same(
    farm: Farm, storage_dir: Path, tmp_path: Path
) -> None:
    spec = await film(farm, tmp_path)
    plain = await farm.completed(await farm.submit(spec, FAST))
    forget_cache(storage_dir)
    await farm.ctx.db.execute("DELETE FROM cache_entries")
    shown = await farm.completed(await farm.submit(spec, {**FAST, "preview": {"hls": True}}))
    assert (await farm.download(shown, tmp_path)).read_bytes() == (await farm.download(plain, tmp_path)).read_bytes()

    audio, video = sorted(await watched(farm, shown, tmp_path))
    frames = times(video, "video")
    assert len(frames) == 600
    assert {round(25 * (after - before)) for before, after in itertools.pairwise(frames)} == {1}
    sound = times(audio, "audio")
    assert max(after - before for before, after in itertools.pairwise(sound)) < 0.022
    assert abs(frames[0] - sound[0] - 1024 / 48000) < 0.001, "a lossy codec's first block is heard before the film"
    (playable,) = [event for event in farm.events() if event.type == "render.playable"]
    assert playable.render_id == shown.id
    assert playable.data == {"duration_s": 24.0, "has_sound": True}


async def test_what_is_in_the_cache_is_only_cut_for_the_playlist(farm: Farm, tmp_path: Path) -> None:
    spec = await film(farm, tmp_path)
    await farm.completed(await farm.submit(spec, FAST))
    spec["tracks"][0]["clips"][2]["color"] = "#123456"
    again = await farm.completed(await farm.submit(spec, {**FAST, "preview": {"hls": True}}))
    assert again.cache["reused"] == again.cache["segments"] - 1
    assert len(times(sorted(await watched(farm, again, tmp_path))[1], "video")) == 600


async def test_a_film_plays_before_it_is_made_and_the_playlist_ends_with_the_render(farm: Farm, tmp_path: Path) -> None:
    spec = await film(farm, tmp_path, seconds=15, size=(1280, 720))
    render_id = await farm.submit(spec, {"preset": "veryslow", "preview": {"hls": True}})
    with pytest.raises(Conflict, match="not"):
        await playing.sign_preview(farm.ctx, farm.principal, farm.project_id, render_id)

    async def plays() -> bool:
        render = await farm.get(render_id)
        return render.preview is not None and render.preview.playable

    await until(plays, timeout_s=60)
    render = await farm.get(render_id)
    assert render.status == "processing"
    audio, video = sorted(await watched(farm, render, tmp_path))
    assert times(video, "video")
    assert len(times(audio, "audio")) > 60 * 46
    token = (await playing.sign_preview(farm.ctx, farm.principal, farm.project_id, render_id)).url.split("/")[-2]
    before = await text_of(farm, f"/play/{token}/preview-video.m3u8")
    assert "#EXT-X-ENDLIST" not in before
    await farm.cancel(render_id)
    after = await text_of(farm, f"/play/{token}/preview-video.m3u8")
    assert after.startswith(before)
    assert after.endswith("#EXT-X-ENDLIST\n")


async def test_pieces_are_gone_some_time_after_the_end(farm: Farm, tmp_path: Path) -> None:
    render = await farm.completed(
        await farm.submit(await film(farm, tmp_path, seconds=1), {**FAST, "preview": {"hls": True}})
    )
    prefix = f"projects/{farm.project_id}/renders/{render.id}/1-hls/"
    assert [one async for one in farm.ctx.storage.scan(prefix)]
    await collecting.collect(farm.ctx, ended_for_s=0)
    assert not [one async for one in farm.ctx.storage.scan(prefix)]
    assert await piece_rows.list_of(farm.ctx.db, render.id, 1, "video") == []
    with pytest.raises(Conflict, match="the film is"):
        await playing.sign_preview(farm.ctx, farm.principal, farm.project_id, render.id)


async def test_one_render_makes_several_files_and_encodes_once_what_they_share(farm: Farm, tmp_path: Path) -> None:
    outputs = [{"format": "mov"}, {"width": 160, "poster": {"at": 2}}, {"format": "hls"}, {"format": "mp3"}]
    settings = {**FAST, "output_name": "film.mp4", "outputs": outputs}
    render = await farm.completed(await farm.submit(await film(farm, tmp_path, seconds=2), settings))
    assert render.output is not None
    made = {file["name"]: file for file in render.output["outputs"]}
    names = ["film.mp4", "film-2.mov", "film-3.mp4", "film-3.poster.jpg", "film-4.m3u8", "film-4.hls.mp4", "film-5.mp3"]
    assert list(made) == names
    assert [made[name].get("width") for name in names[:3]] == [320, 320, 160]
    encoded = [one.key async for one in farm.ctx.storage.scan("cache/segments/")]
    assert len(encoded) == 2 * len({*COLORS}), "the full size once, the small one once"
    tools = await discover()
    for name in ("film.mp4", "film-2.mov", "film-3.mp4", "film-4.hls.mp4"):
        path = tmp_path / f"got-{name}"
        await farm.ctx.storage.get_file(made[name]["key"], path)
        found = await probe(path, tools, ours=True)
        assert (found.frames, found.has_audio) == (200, True), name


async def test_a_finished_playlist_names_signed_urls_and_as_it_is_stored_its_neighbours(
    farm: Farm, tmp_path: Path
) -> None:
    settings = {**FAST, "format": "hls", "output_name": "my film.m3u8", "thumbnails": {"interval_s": 1, "sprite": True}}
    render = await farm.completed(await farm.submit(await film(farm, tmp_path, seconds=2), settings))
    assert render.output is not None
    files = {file["name"]: file for file in render.output["outputs"]}
    assert list(files) == ["my film.m3u8", "my film.hls.mp4", "my film.thumbnails.vtt", "my film.thumbnails-1.jpg"]
    stored = b"".join([chunk async for chunk in farm.ctx.storage.read(files["my film.m3u8"]["key"])]).decode()
    assert stored.count("my%20film.hls.mp4") == 1 + stored.count("#EXTINF"), "the map and every part"
    assert stored.endswith("#EXT-X-ENDLIST\n")
    playlist = await text_of(farm, playing.sign_play(farm.ctx, render.id, "my film.m3u8").url)
    assert playlist.count("signature=") == stored.count("my%20film.hls.mp4")
    vtt = await text_of(farm, playing.sign_play(farm.ctx, render.id, "my film.thumbnails.vtt").url)
    assert re.findall(r"#xywh=\S+", vtt)[:2] == ["#xywh=0,0,160,90", "#xywh=160,0,160,90"]
    assert vtt.count("signature=") == vtt.count("-->") == 8


async def test_a_signed_path_opens_one_render_until_it_expires(farm: Farm, tmp_path: Path) -> None:
    one = await farm.completed(await farm.submit(await film(farm, tmp_path, seconds=1), {**FAST, "format": "hls"}))
    token = playing.sign_play(farm.ctx, one.id, "video.m3u8").url.split("/")[-2]
    for wrong in (
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        token.replace("rnd_", "rnd_x"),
        "x",
        "\udcff",
        "a.b.c",
    ):
        with pytest.raises(UrlExpired):
            await playing.serve(farm.ctx, wrong, "video.m3u8")
    for missing in ("video.mp4", "preview.m3u8", "1-video-0000000000000.ts", "../x", "video.hls.mp4"):
        with pytest.raises(NotFound):
            await playing.serve(farm.ctx, token, missing)

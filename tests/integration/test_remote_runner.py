"""Films made at a RunPod-shaped endpoint by the real handler: submitted once, followed, brought home, called back, paid for."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.records import Render
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.services import endpoint, projects, renders, usage
from renderowl.services.errands import callback_url
from renderowl.services.views import RemoteView
from renderowl.testing.media import MadeMedia
from renderowl.testing.moto_s3 import make_bucket, moto_s3
from renderowl.testing.remote_farm import PRICE_PER_S, RemoteFarm, open_remote_farm
from renderowl.testing.signals import until
from renderowl.worker import remote

FAST = {"preset": "ultrafast"}


def film(seconds: float = 1.0, **more: Any) -> dict[str, Any]:
    """A small film of a text."""
    clips = [{"type": "text", "text": "far away", "duration": seconds}]
    return {"width": 320, "height": 180, "fps": 30, "tracks": [{"clips": clips}], **more}


@pytest.fixture
async def away(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[RemoteFarm]:
    """A farm with a remote runner in this process."""
    async with open_remote_farm(database_url, redis_url, tmp_path) as opened:
        await opened.run_here()
        yield opened


async def refused(away: RemoteFarm, render_id: str) -> Render:
    """The render, which must have failed, whatever the waits between its tries."""

    async def look() -> Render | None:
        await away.hurry()
        render = await away.farm.get(render_id)
        return render if render.status == "failed" else None

    return await until(look, timeout_s=60)


async def test_a_film_with_uploaded_media_is_made_there_and_published_here(
    away: RemoteFarm, media: MadeMedia, tools: Toolchain, tmp_path: Path
) -> None:
    source = await away.farm.upload(await media.counter(frames=60), "video/mp4")
    tone = await away.farm.upload(await media.tone(duration_s=2.0), "audio/wav")
    clips = [{"type": "video", "src": source, "duration": 2}]
    spec = film() | {"tracks": [{"clips": clips}, {"clips": [{"type": "audio", "src": tone, "duration": 2}]}]}
    settings = FAST | {"poster": {"at": 0.5}, "output_name": "far.mp4"}
    render = await away.farm.completed(await away.farm.submit(spec, settings))

    found = await probe(await away.farm.download(render, tmp_path), tools, ours=True)
    assert (found.width, found.height, found.frames, found.has_audio) == (320, 180, 60, True)
    assert render.output is not None
    assert [(file["kind"], file["name"]) for file in render.output["outputs"]] == [
        ("video", "far.mp4"),
        ("poster", "far.poster.jpg"),
    ]
    assert render.requires == ["remote"]
    assert len(away.runpod.submissions) == 1
    shown = [one["percent"] for one in away.farm.progress(render.id)]
    assert shown == sorted(shown)
    assert any(0 < percent < 100 for percent in shown), "the room hears how far it is"
    (errand,) = await away.ended_errands(render.id)
    assert errand["outcome"] == "completed"
    stored = [
        found.key async for found in away.farm.ctx.storage.scan(f"projects/{render.project_id}/renders/{render.id}/")
    ]
    assert sorted(stored) == sorted(file["key"] for file in render.output["outputs"]), "nothing else is left behind"


async def test_what_it_took_is_shown_with_the_render_and_the_keys_usage(away: RemoteFarm) -> None:
    away.runpod.fates.append(("FAILED", "a worker was preempted"))
    render_id = await away.farm.submit(film(), FAST)
    await away.submitted(2)
    render = await away.farm.completed(render_id)
    rows = await away.ended_errands(render_id)
    (view,) = await renders.newest(away.farm.ctx, [await away.farm.get(render.id)])
    assert view.remote is not None
    assert view.remote.submissions == 2
    took_s = sum(one.execution_ms or 0 for one in away.runpod.submissions) / 1000
    assert view.remote.execution_s == pytest.approx(took_s, abs=0.002)
    assert view.remote.cost == pytest.approx(took_s * PRICE_PER_S, abs=0.001)
    assert [row["outcome"] for row in rows] == ["failed", "completed"]

    key_id = await away.farm.ctx.db.fetch_value("SELECT id FROM api_keys")
    used = await usage.of_key(away.farm.ctx, away.world.principal, key_id, days=2)
    assert used.remote == used.days[-1].remote == view.remote
    assert used.days[0].remote == RemoteView(0, 0.0, 0.0)


async def test_without_any_callback_the_endpoint_is_asked(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with open_remote_farm(database_url, redis_url, tmp_path, remote_poll_s=0.2) as away:
        away.runpod.sends_webhooks = False
        await away.run_here()
        await away.farm.completed(await away.farm.submit(film(), FAST))
        assert len(away.runpod.submissions) == 1


async def test_a_callback_is_a_hint_whatever_it_says(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    render_id = await away.farm.submit(film(), FAST)
    await away.submitted(1)
    url = away.runpod.submissions[0].asked["webhook"]
    async with httpx.AsyncClient() as http:
        for said in ({"status": "COMPLETED", "output": {"files": []}}, {"status": "FAILED", "error": "no"}, {}):
            looks = away.runpod.looks
            answer = await http.post(url, json=said)
            assert answer.json() == {"received": True, "wanted": True}
            await until(_looked_again(away, looks), timeout_s=30)
            assert (await away.farm.get(render_id)).status == "processing"
        away.runpod.free.set()
        await away.farm.completed(render_id)
        for _ in range(3):
            again = await http.post(url, json=away.runpod.submissions[0].view())
            assert again.json() == {"received": True, "wanted": False}
    assert len(away.runpod.submissions) == 1


def _looked_again(away: RemoteFarm, looks: int) -> Any:
    async def look() -> bool:
        return away.runpod.looks > looks

    return look


async def test_progress_in_a_callback_is_told_to_the_room(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    render_id = await away.farm.submit(film(), FAST)
    await away.submitted(1)
    async with httpx.AsyncClient() as http:
        await http.post(away.runpod.submissions[0].asked["webhook"], json={"status": "progress", "progress": 42})

    async def heard() -> bool:
        return any(one["percent"] == 42 for one in away.farm.progress(render_id))

    await until(heard, timeout_s=30)


async def test_a_forged_callback_is_refused(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    await away.farm.submit(film(), FAST)
    await away.submitted(1)
    url = away.runpod.submissions[0].asked["webhook"]
    bare, _, signature = url.partition("?signature=")
    other = callback_url(away.farm.ctx, "ern_01kahy6r9t7v5x3z1b8d6f4h2k").partition("?signature=")[2]
    async with httpx.AsyncClient() as http:
        for forged in (bare, f"{bare}?signature=", f"{bare}?signature={signature[:-1]}", f"{bare}?signature={other}"):
            answer = await http.post(forged, json={"id": "job-9-u1", "status": "COMPLETED"})
            assert answer.status_code == 401, answer.text
        assert (await http.post(url, content=b"[no JSON")).status_code == 400


async def test_an_error_of_our_own_handler_fails_the_render_as_it_would_here(away: RemoteFarm) -> None:
    told = {"code": "encoder_failed", "message": "FFmpeg found invalid data"}
    away.runpod.fates.append(("FAILED", json.dumps(told)))
    render_id = await away.farm.submit(film(), FAST)
    render = await refused(away, render_id)
    assert render.error is not None
    assert (render.error["code"], render.error["message"]) == ("encoder_failed", "FFmpeg found invalid data")
    assert len(away.runpod.submissions) == 1, "what is permanent is not tried again"


@pytest.mark.parametrize(
    ("status", "code", "tries"), [("FAILED", "remote_failed", 4), ("TIMED_OUT", "deadline_exceeded", 2)]
)
async def test_other_ends_are_tried_again_as_their_class_allows(
    away: RemoteFarm, status: str, code: str, tries: int
) -> None:
    away.runpod.fates += [(status, None)] * 9
    render_id = await away.farm.submit(film(), FAST)
    render = await refused(away, render_id)
    assert render.error is not None
    assert render.error["code"] == code
    rows = await away.ended_errands(render_id)
    assert len(away.runpod.submissions) == len(rows) == tries
    assert len({(row["step_attempt"], row["token"]) for row in rows}) == tries, "each was an attempt of its own"


async def test_a_refusal_is_no_submission_and_is_tried_again(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    away.runpod.refuses = 429
    render_id = await away.farm.submit(film(), FAST)

    async def refused_once() -> bool:
        return any(row["outcome"] == "not_submitted" for row in await away.errands(render_id))

    await until(refused_once, timeout_s=30)
    away.runpod.refuses = 0
    await away.submitted(1)
    refused_one, taken = (await away.errands(render_id))[-2:]
    assert (refused_one["outcome"], taken["outcome"]) == ("not_submitted", None)


async def test_what_the_endpoint_has_forgotten_is_submitted_anew(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    render_id = await away.farm.submit(film(), FAST)
    await away.noted(render_id)
    forgotten = away.runpod.submissions[0]
    url, forgotten.id = forgotten.asked["webhook"], "job-somebody-elses"
    async with httpx.AsyncClient() as http:
        await http.post(url, json={})
    await away.submitted(2)
    assert [row["outcome"] for row in await away.errands(render_id)] == ["forgotten", None]


@pytest.mark.parametrize("running", [False, True])
async def test_cancelling_a_render_cancels_it_there_and_it_is_paid_for(away: RemoteFarm, running: bool) -> None:
    if not running:
        away.runpod.free.clear()
    render_id = await away.farm.submit(film(20, width=1280, height=720), {"preset": "veryslow"})
    await away.noted(render_id)
    sent = away.runpod.submissions[0]

    async def begun() -> bool:
        return not running or sent.process is not None

    await until(begun, timeout_s=30)
    if sent.process is not None:
        sent.process.send_signal(signal.SIGSTOP)  # it would stop by itself on hearing that nobody waits for the film
    await away.farm.cancel(render_id)
    (errand,) = await away.ended_errands(render_id)
    assert away.runpod.cancelled == [sent.id]
    assert (sent.status, errand["outcome"]) == ("CANCELLED", "cancelled")
    render = await away.farm.get(render_id)
    assert render.status == "cancelled"
    assert render.remote is not None
    assert render.remote["submissions"] == 1
    assert (render.remote["cost"] > 0) == running


async def test_a_result_that_is_not_what_it_says_is_not_published(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    render_id = await away.farm.submit(film(), FAST)
    await away.noted(render_id)
    taken = away.runpod.submissions[0]
    taken.status, taken.output, taken.execution_ms = "COMPLETED", {"version": "0", "errand_id": "ern_x", "files": []}, 5
    async with httpx.AsyncClient() as http:
        await http.post(taken.asked["webhook"], json={})
    await away.submitted(2)
    assert [row["outcome"] for row in await away.errands(render_id)] == ["useless", None]


async def test_only_what_asks_for_it_goes_there_when_so_set(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with open_remote_farm(database_url, redis_url, tmp_path, remote_renders="asked") as away:
        await away.run_here()
        here = await away.farm.submit(film(), FAST)
        there = await away.farm.submit(film(), FAST, requires=["remote"])
        await away.farm.completed(there)
        assert (await away.farm.get(here)).status == "queued", "the runner takes nothing that is not meant for it"
        assert len(away.runpod.submissions) == 1


async def test_a_film_that_plays_while_it_is_made_stays_here(away: RemoteFarm) -> None:
    playing = FAST | {"preview": {"hls": True}}
    assert (await away.farm.get(await away.farm.submit(film(), playing))).requires == []
    with pytest.raises(ValidationFailed) as wrong:
        await away.farm.submit(film(), playing, requires=["remote"])
    assert [error.path for error in wrong.value.errors] == ["/output_settings/preview/hls"]


async def test_a_submission_that_is_not_answered_is_given_up_and_never_repeated(
    away: RemoteFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = msgspec.structs.replace(endpoint._BOUNDS, total_s=0.5)
    monkeypatch.setattr(endpoint, "_BOUNDS", hasty)
    away.runpod.free.clear()
    away.runpod.answers.clear()
    render_id = await away.farm.submit(film(), FAST)

    async def given_up() -> bool:
        return any(row["status"] == "lost" for row in await away.errands(render_id))

    await until(given_up, timeout_s=30)
    away.runpod.answers.set()
    await away.submitted(2)
    stray, again = (await away.errands(render_id))[:2]
    assert (stray["step_attempt"], again["step_attempt"]) == (1, 2)


async def test_media_in_s3_go_by_the_buckets_own_urls(
    database_url: str, redis_url: str, tmp_path: Path, media: MadeMedia, tools: Toolchain
) -> None:
    with moto_s3() as at:
        make_bucket(at, "films")
        stored = {"storage_url": f"s3://films/here?endpoint_url={at}&region=us-east-1"}
        credentials = {"s3_access_key": "key", "s3_secret_key": "secret"}
        async with open_remote_farm(database_url, redis_url, tmp_path, **stored, **credentials) as away:
            await away.run_here()
            source = await away.farm.upload(await media.counter(frames=30), "video/mp4")
            spec = film() | {"tracks": [{"clips": [{"type": "video", "src": source, "duration": 1}]}]}
            render = await away.farm.completed(await away.farm.submit(spec, FAST))
            found = await probe(await away.farm.download(render, tmp_path), tools, ours=True)
            assert found.frames == 30
            assert away.runpod.submissions[0].asked["input"]["order_url"].startswith(at)


async def test_what_a_deleted_project_had_out_is_called_back(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    render_id = await away.farm.submit(film(), FAST)
    await away.noted(render_id)
    await projects.delete(away.farm.ctx, away.farm.principal, away.farm.project_id)
    (errand,) = await away.ended_errands(render_id)
    assert errand["outcome"] == "cancelled"
    assert [found.key async for found in away.farm.ctx.storage.scan("projects/")] == []


async def test_what_is_never_heard_of_is_given_up_when_its_time_is_up(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    render_id = await away.farm.submit(film(), FAST)
    await away.noted(render_id)
    await away.farm.ctx.db.execute(
        "UPDATE errands SET status = 'lost', remote_id = NULL, look_at = now(), expires_at = now() - interval '1 s'"
    )
    (errand,) = await away.ended_errands(render_id)
    assert errand["outcome"] == "never_seen"


async def test_what_waits_there_for_too_long_is_called_back_and_fails_as_too_late(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "REMOTE_GRACE_S", -9.5)  # of the ten seconds that follow half a one is left
    short = {"remote_wait_s": 5.0, "remote_execution_s": 5.0, "remote_poll_s": 0.2}
    async with open_remote_farm(database_url, redis_url, tmp_path, **short) as away:
        away.runpod.free.clear()
        await away.run_here()
        render_id = await away.farm.submit(film(), FAST)
        render = await refused(away, render_id)
        assert render.error is not None
        assert render.error["code"] == "deadline_exceeded"
        assert [row["outcome"] for row in await away.ended_errands(render_id)] == ["cancelled", "cancelled"]
        assert [one.status for one in away.runpod.submissions] == ["CANCELLED", "CANCELLED"]

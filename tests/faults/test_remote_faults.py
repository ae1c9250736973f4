"""Remote runners that are killed, stopped and drained: no attempt is submitted twice, and nothing out there is forgotten."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from renderowl.client.reports import RemoteReporter
from renderowl.services.reports import report_key
from renderowl.testing.remote_farm import RemoteFarm, killed, open_remote_farm
from renderowl.testing.runpod import API_KEY
from renderowl.testing.signals import until

SPEC = {
    "width": 320,
    "height": 180,
    "fps": 30,
    "tracks": [{"clips": [{"type": "text", "text": "far away", "duration": 1}]}],
}
FAST = {"preset": "ultrafast"}


@pytest.fixture
async def away(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[RemoteFarm]:
    """A farm whose runners are processes; their leases are short."""
    quick = {"lease_s": 3.0, "heartbeat_s": 0.5, "drain_timeout_s": 0.3, "remote_poll_s": 0.5}
    async with open_remote_farm(database_url, redis_url, tmp_path, **quick) as opened:
        yield opened
        told = "".join(opened.logs)
        assert "step_begins" in told
        assert API_KEY not in told
        assert "signature=" not in told, "a URL that opens something"


@pytest.fixture
def deaf_url() -> Iterator[str]:
    """Where connections are made and nothing is ever read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def errand_is(away: RemoteFarm, render_id: str, status: str) -> None:
    """Wait until the render's first errand is so."""

    async def look() -> bool:
        rows = await away.errands(render_id)
        return bool(rows) and rows[0]["status"] == status

    await until(look, timeout_s=120)


async def step_of(away: RemoteFarm, render_id: str) -> Any:
    return await away.farm.ctx.db.fetch_one("SELECT * FROM steps WHERE render_id = $1", render_id)


async def test_killed_between_the_commit_and_the_submission(away: RemoteFarm, deaf_url: str) -> None:
    runner = await away.run_apart(remote_endpoint=deaf_url)
    render_id = await away.farm.submit(SPEC, FAST)
    await errand_is(away, render_id, "recorded")
    await killed(runner)
    await away.run_apart()
    await away.farm.completed(render_id, timeout_s=150)

    first, second = await away.errands(render_id)
    assert (first["status"], first["remote_id"]) == ("lost", None)
    (sent,) = away.runpod.submissions
    assert second["remote_id"] == sent.id
    assert second["id"] in sent.asked["webhook"], "what was recorded first was never sent"


async def test_killed_between_the_submission_and_its_id(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    away.runpod.answers.clear()
    runner = await away.run_apart()
    render_id = await away.farm.submit(SPEC, FAST)
    await away.submitted(1)
    await killed(runner)
    away.runpod.answers.set()
    await away.run_apart()
    await away.submitted(2)
    away.runpod.free.set()
    await away.farm.completed(render_id, timeout_s=150)

    stray, made = await away.ended_errands(render_id)
    assert len(away.runpod.submissions) == 2
    assert (stray["step_attempt"], made["step_attempt"]) == (1, 2), "each attempt was submitted once"
    assert stray["remote_id"] == away.runpod.submissions[0].id, "its first word gave it away"
    assert stray["outcome"] in ("failed", "cancelled"), "it stopped when it heard that nobody waits for it"
    assert made["outcome"] == "completed"
    assert (await away.farm.get(render_id)).remote["submissions"] == 2, "both are paid for"


async def test_killed_before_the_id_is_noted_but_the_work_itself_told_it(away: RemoteFarm) -> None:
    away.runpod.answers.clear()
    runner = await away.run_apart()
    render_id = await away.farm.submit(SPEC, FAST)
    await errand_is(away, render_id, "submitted")
    await killed(runner)
    away.runpod.answers.set()
    await away.run_apart()
    await away.farm.completed(render_id, timeout_s=150)
    assert len(away.runpod.submissions) == 1
    (errand,) = await away.ended_errands(render_id)
    assert (errand["held_by"], errand["outcome"]) == (2, "completed")


async def test_killed_while_it_waits(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    runner = await away.run_apart()
    render_id = await away.farm.submit(SPEC, FAST)
    await errand_is(away, render_id, "submitted")
    await killed(runner)
    step = await step_of(away, render_id)
    key = report_key(away.farm.ctx, step["id"], 1)
    async with httpx.AsyncClient(base_url=away.world.http_url) as http:
        reporter = RemoteReporter(http, key=key, step_id=step["id"], attempt=1)

        async def between_two_claims() -> bool:
            return not await reporter.report(0.01) and (await step_of(away, render_id))["status"] == "queued"

        await until(between_two_claims, timeout_s=120)
        assert not await reporter.report(0.01), "nobody is told, and nobody is told to stop"
        await away.run_apart()

        async def taken_over() -> bool:
            return await reporter.report(0.02)

        await until(taken_over, timeout_s=120)
    away.runpod.free.set()
    await away.farm.completed(render_id, timeout_s=150)
    assert len(away.runpod.submissions) == 1, "what is out there is waited for, not made again"
    (errand,) = await away.ended_errands(render_id)
    assert (errand["step_attempt"], errand["held_by"], errand["outcome"]) == (1, 2, "completed")
    assert any(0 < one["percent"] < 100 for one in away.farm.progress(render_id)), "its reports count for the new claim"


async def test_a_drained_runner_leaves_what_is_out_there_to_the_next(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    runner = await away.run_apart()
    render_id = await away.farm.submit(SPEC, FAST)
    await errand_is(away, render_id, "submitted")
    runner.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(runner.wait(), 60) == 0
    await away.run_apart()
    away.runpod.free.set()
    await away.farm.completed(render_id, timeout_s=150)
    assert len(away.runpod.submissions) == 1
    assert away.runpod.cancelled == []
    step = await step_of(away, render_id)
    assert (step["failures"], step["lost"]) == (0, 0), "a deploy costs nothing"


async def test_a_runner_that_wakes_up_after_its_lease_is_fenced(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    sleeper = await away.run_apart()
    render_id = await away.farm.submit(SPEC, FAST)
    await errand_is(away, render_id, "submitted")
    sleeper.send_signal(signal.SIGSTOP)
    await away.run_apart()
    away.runpod.free.set()
    render = await away.farm.completed(render_id, timeout_s=150)
    sleeper.send_signal(signal.SIGCONT)
    sleeper.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(sleeper.wait(), 60) == 0
    again = await away.farm.get(render_id)
    assert again.output == render.output
    assert len(away.runpod.submissions) == 1
    assert again.output is not None
    for file in again.output["outputs"]:
        assert (await away.farm.ctx.storage.head(file["key"])).size_bytes == file["size_bytes"]


async def test_a_render_cancelled_while_no_runner_lives_is_called_back_by_the_next(away: RemoteFarm) -> None:
    away.runpod.free.clear()
    runner = await away.run_apart()
    render_id = await away.farm.submit(SPEC, FAST)
    await errand_is(away, render_id, "submitted")
    await killed(runner)
    await away.farm.cancel(render_id)
    await away.run_apart()
    (errand,) = await away.ended_errands(render_id)
    assert errand["outcome"] == "cancelled"
    assert away.runpod.cancelled == [away.runpod.submissions[0].id]

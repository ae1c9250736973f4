"""What operators see of a real deployment: metrics of every process, `top`, pauses, and one trace of one render."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from renderowl.embedded.process import free_port
from renderowl.settings import PREFIX
from renderowl.testing.deployment import TOKEN, Deployment, open_deployment
from renderowl.testing.otlp import Collected, Collector, collector
from renderowl.testing.signals import until

METRICS_TOKEN = "let-me-scrape"


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as opened:
        yield opened


def film(name: str, *, seconds: float = 10.0) -> dict[str, Any]:
    """A film of two scenes, long enough to be cut."""
    clips = [{"type": "text", "text": f"{name} {n}", "duration": seconds, "style": {"font_size": 90}} for n in range(2)]
    return {
        "composition_id": "timeline",
        "input_props": {"width": 1280, "height": 720, "fps": 30, "tracks": [{"clips": clips}]},
    }


async def _completed(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        render: dict[str, Any] = (await http.get(path)).json()
        assert render["status"] not in ("failed", "cancelled"), render
        return render if render["status"] == "completed" else None

    return await until(look, timeout_s=90)


async def _scrape(port: int, token: str | None = None) -> dict[tuple[str, ...], float]:
    """(name, label values...) -> value."""
    async with httpx.AsyncClient() as http:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        answer = await http.get(f"http://127.0.0.1:{port}/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def _renderowl(deployment: Deployment, *argv: str) -> str:
    settings = deployment.ctx.settings
    env = {f"{PREFIX}DATABASE_URL": settings.database_url, f"{PREFIX}REDIS_URL": settings.redis_url, "COLUMNS": "160"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", *argv), env=env, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_every_process_tells_what_it_did_for_a_render(deployment: Deployment) -> None:
    scheduler_port, worker_port = free_port(), free_port()
    _, api_port = await deployment.api(metrics_token=METRICS_TOKEN)
    await deployment.scheduler(metrics_port=scheduler_port)
    await deployment.worker(metrics_port=worker_port)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{api_port}", headers={"authorization": f"Bearer {TOKEN}"}
    ) as http:
        room = f"ws://127.0.0.1:{api_port}/ws/projects/{deployment.project_id}/renders"
        async with connect(room, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as member:
            posted = await http.post(f"/projects/{deployment.project_id}/renders", json=film("metrics"))
            assert posted.status_code == 202, posted.text
            while json.loads(await member.recv())["type"] != "render.completed":
                pass  # who takes nothing of what is told is dropped
            await _completed(http, posted.headers["location"])
            assert (await http.get("/metrics")).status_code == 401, "a credential of the API is none for its metrics"
            api = await _scrape(api_port, METRICS_TOKEN)
    assert api["renderowl_hub_members",] == 1
    assert api["renderowl_hub_rooms",] == 1
    assert api["renderowl_hub_frames_total",] >= 3, "that it was queued, started and completed"
    assert api["renderowl_queue_steps", "normal"] == 0
    assert (api["renderowl_workers", "active"], api["renderowl_slots", "free"]) == (1, 2)

    async def told() -> dict[tuple[str, ...], float] | None:  # the last step is counted after the render is completed
        found = await _scrape(worker_port)
        ended = sum(value for key, value in found.items() if key[0] == "renderowl_steps_ended_total")
        return found if ended == 4 else None

    worker, scheduler = await until(told, timeout_s=30), await _scrape(scheduler_port)
    steps = {key[2]: value for key, value in worker.items() if key[0] == "renderowl_steps_ended_total" and value}
    assert steps == {"prepare": 1, "segment": 2, "assemble": 1}
    assert scheduler["renderowl_admission_wait_seconds_count", "normal"] == sum(steps.values())
    assert worker["renderowl_step_seconds_count", "segment"] == 2
    assert worker["renderowl_ffmpeg_speed_count", "segment"] == 2
    assert worker["renderowl_ffmpeg_speed_sum", "segment"] > 0
    assert worker["renderowl_renders_ended_total", "completed"] == 1
    assert worker["renderowl_fenced_writes_total",] == 0
    assert worker["renderowl_steps_running",] == 0
    assert ("renderowl_workers", "active") not in worker, "who does not look at the queue says nothing of it"


async def test_a_paused_queue_admits_nothing_until_it_is_resumed_and_top_shows_both(deployment: Deployment) -> None:
    _, port = await deployment.api()
    await deployment.scheduler()
    await deployment.worker()
    assert await _renderowl(deployment, "queue", "pause", "--reason", "new disks") == "paused all\n"
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {TOKEN}"}
    ) as http:
        body = film("pause") | {"priority": "high"}
        path = (await http.post(f"/projects/{deployment.project_id}/renders", json=body)).headers["location"]
        seen = json.loads(await _renderowl(deployment, "top", "--once", "--json"))
        assert [one["scope"] for one in seen["pauses"]] == ["all"]
        assert {one["priority"]: one["steps"] for one in seen["queue"]}["high"] == 1
        assert (seen["slots"], seen["held"], seen["running"]) == (2, 0, [])
        shown = await _renderowl(deployment, "top", "--once")
        assert "new disks" in shown
        assert (await http.get(path)).json()["status"] == "queued"
        status = json.loads(await _renderowl(deployment, "queue", "status", "--json"))
        assert [(one["scope"], one["reason"]) for one in status["paused"]] == [("all", "new disks")]
        assert await _renderowl(deployment, "queue", "resume", "--everything") == "resumed all\n"

        async def running() -> dict[str, Any] | None:
            found: list[dict[str, Any]] = json.loads(await _renderowl(deployment, "top", "--once", "--json"))["running"]
            segments = [one for one in found if one["step"]["kind"] == "segment" and one["done"] is not None]
            return segments[0] if segments else None

        one = await until(running, timeout_s=30)
        assert (one["step"]["priority"], one["step"]["status"]) == ("high", "running")
        assert 0 <= one["done"] <= 1
        await _completed(http, path)


async def test_one_render_is_one_trace_over_all_processes(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as collected:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        api, port = await deployment.api(trusted_proxies="127.0.0.1")
        scheduler, worker = await deployment.scheduler(), await deployment.worker()
        caller, trace_id = "00f067aa0ba902b7", "4bf92f3577b34da6a3ce929d0e0e4736"
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {TOKEN}"}
        ) as http:
            posted = await http.post(
                f"/projects/{deployment.project_id}/renders",
                json=film("trace"),
                headers={"traceparent": f"00-{trace_id}-{caller}-01"},
            )
            await _completed(http, posted.headers["location"])
        for program in (api, scheduler, worker):
            program.send(signal.SIGTERM)
            await program.ended()
        _check_trace(collected, trace_id, caller)


def _check_trace(collected: Collector, trace_id: str, caller: str) -> None:
    spans = collected.trace(trace_id)
    by_id = {span.span_id: span for span in spans}
    assert [span.name for span in spans if span.parent_id not in by_id] == ["POST /projects/{project_id}/renders"]

    def way(span: Collected) -> list[str]:
        """From the caller down to the span."""
        above = by_id.get(span.parent_id)
        assert above is not None or span.parent_id == caller
        return [*(way(above) if above is not None else []), f"{span.service.removeprefix('renderowl-')}: {span.name}"]

    ways = {tuple(way(span)) for span in spans}
    begin = ("api: POST /projects/{project_id}/renders", "api: submit render", "scheduler: wait in queue")
    assert (*begin, "worker: prepare", "worker: plan") in ways
    assert (*begin, "worker: segment") in ways
    assert (*begin, "worker: assemble", "worker: join") in ways
    assert (*begin, "worker: assemble", "worker: publish") in ways
    segments = [span for span in spans if span.name == "segment"]
    assert len({span.span_id for span in segments}) == 2
    assert all(span.attributes["renderowl.outcome"] == "completed" and not span.failed for span in segments)

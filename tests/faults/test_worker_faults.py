"""Real worker processes that are killed, stopped, drained and cancelled: steps go elsewhere, no encoder is left behind."""

import asyncio
import contextlib
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from renderowl.db import steps
from renderowl.domain.records import Step
from renderowl.settings import PREFIX, Settings
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.signals import until
from renderowl.testing.watching import times, watched

pytestmark = pytest.mark.timeout(480)  # a busy machine encodes ten times as slowly
LEASE_S = 3.0


class WorkerProcess:
    """`renderowl worker` with one slot and a folder of its own."""

    def __init__(self, process: asyncio.subprocess.Process, work_dir: Path) -> None:
        self.process = process
        self.work_dir = work_dir

    def encoders(self) -> list[psutil.Process]:
        """The processes that work in its folder, whoever their parent is now."""
        return [
            one for one in psutil.process_iter() if _works_below(one, self.work_dir) and one.pid != self.process.pid
        ]

    async def encoding(self) -> list[psutil.Process]:
        """Its encoders, once there are any."""

        async def look() -> list[psutil.Process]:
            return self.encoders()

        return await until(look, timeout_s=120)

    async def idle(self, *, timeout_s: float) -> None:
        """Return when none of its encoders is left."""

        async def look() -> bool:
            return not self.encoders()

        await until(look, timeout_s=timeout_s)

    def send(self, number: int) -> None:
        os.kill(self.process.pid, number)


def _works_below(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder)
    except psutil.Error:
        return False


@pytest.fixture
def settings(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> Settings:
    return farm_settings(
        database_url, redis_url, storage_dir, tmp_path / "unused", lease_s=LEASE_S, heartbeat_s=0.5, drain_timeout_s=0.3
    )


@pytest.fixture
async def farm(settings: Settings) -> AsyncIterator[Farm]:
    async with open_farm(settings, workers=0) as opened:
        yield opened


StartWorker = Callable[[], Awaitable[WorkerProcess]]


@pytest.fixture
async def start_worker(farm: Farm, settings: Settings, tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Starts worker processes and waits until they are registered; none is left at the end."""
    started: list[WorkerProcess] = []

    async def start() -> WorkerProcess:
        work_dir = tmp_path / f"worker-{len(started)}"
        work_dir.mkdir()
        values = {name: getattr(settings, name) for name in _PASSED_ON} | {"work_dir": work_dir}
        environment = {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}
        with open(tmp_path / f"worker-{len(started)}.log", "wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "renderowl", "worker", "--slots", "1"),
                env=os.environ | environment,
                stderr=log,
                stdout=log,
            )
        worker = WorkerProcess(process, work_dir)
        started.append(worker)

        async def registered() -> bool:
            assert process.returncode is None, "the worker did not start"
            return bool(await farm.ctx.db.fetch_value("SELECT 1 FROM workers WHERE pid = $1", process.pid))

        await until(registered, timeout_s=120)
        return worker

    yield start
    for worker in started:
        with contextlib.suppress(ProcessLookupError):
            worker.send(signal.SIGCONT)
            worker.process.kill()
        await worker.process.wait()
        await worker.idle(timeout_s=30)


_PASSED_ON = (
    *("database_url", "redis_url", "storage_url", "secret_key", "public_url"),
    *("lease_s", "heartbeat_s", "drain_timeout_s"),
)


def scenes(count: int, *, seconds: float = 8.0) -> dict[str, Any]:
    """A film of different scenes, each a segment that takes a while to encode because it never stands still."""
    clips = [
        {"type": "text", "text": f"scene {n}", "duration": seconds, "fade_in": seconds, "style": {"font_size": 200}}
        for n in range(count)
    ]
    return {"width": 1920, "height": 1080, "fps": 30, "tracks": [{"clips": clips}]}


async def _segments(farm: Farm, render_id: str) -> list[Step]:
    return [step for step in await steps.list_of_render(farm.ctx.db, render_id, 1) if step.kind == "segment"]


async def _segment_runs(farm: Farm, render_id: str) -> Step | None:
    return next((step for step in await _segments(farm, render_id) if step.status == "running"), None)


async def _worker_id(farm: Farm, worker: WorkerProcess) -> str:
    found: str = await farm.ctx.db.fetch_value("SELECT id FROM workers WHERE pid = $1", worker.process.pid)
    return found


async def test_a_killed_workers_steps_run_elsewhere_and_its_encoders_die_with_it(
    farm: Farm, start_worker: StartWorker
) -> None:
    first = await start_worker()
    render_id = await farm.submit(scenes(3), {"preset": "slow"})

    async def one_done_and_one_running() -> bool:
        segments = await _segments(farm, render_id)
        return {"completed", "running"} <= {step.status for step in segments}

    await until(one_done_and_one_running, timeout_s=120)
    await first.encoding()
    second = await start_worker()
    lost = await _segment_runs(farm, render_id)
    assert lost is not None
    await first.encoding()
    killed_at = time.monotonic()
    first.send(signal.SIGKILL)
    await first.idle(timeout_s=2)

    async def given_up() -> bool:
        return next(one for one in await _segments(farm, render_id) if one.id == lost.id).lost == 1

    async def runs_elsewhere() -> bool:
        step = next(one for one in await _segments(farm, render_id) if one.id == lost.id)
        return step.attempt > lost.attempt and step.status in ("running", "completed")

    await until(given_up, timeout_s=30)
    assert time.monotonic() - killed_at < LEASE_S + 5 + 10
    await until(runs_elsewhere, timeout_s=120)  # the other worker may have to end its own step first
    render = await farm.completed(render_id, timeout_s=300)
    done = await _segments(farm, render.id)
    assert sum(step.lost for step in done) == 1
    assert sum(step.attempt for step in done) == 4, "what was finished is kept"
    await second.idle(timeout_s=5)


async def test_a_film_that_plays_while_it_is_made_plays_on_when_its_worker_is_killed(
    farm: Farm, start_worker: StartWorker, tmp_path: Path
) -> None:
    first = await start_worker()
    render_id = await farm.submit(scenes(2), {"preset": "medium", "preview": {"hls": True}})

    async def pieces() -> int:
        return int(await farm.ctx.db.fetch_value("SELECT count(*) FROM preview_pieces WHERE render_id = $1", render_id))

    async def plays_amid_a_segment() -> bool:
        segments = await _segments(farm, render_id)
        return await pieces() > 0 and any(step.status == "running" for step in segments)

    await until(plays_amid_a_segment, timeout_s=120)
    first.send(signal.SIGKILL)
    await first.idle(timeout_s=2)
    assert (await farm.get(render_id)).status == "processing"
    shown = await pieces()
    await start_worker()
    render = await farm.completed(render_id, timeout_s=300)
    assert sum(step.lost for step in await _segments(farm, render_id)) == 1
    assert await pieces() > shown
    (video,) = await watched(farm, render, tmp_path)
    frames = times(video, "video")
    assert {round(30 * (after - before)) for before, after in itertools.pairwise(frames)} == {1}
    assert len(frames) == 2 * 8 * 30
    assert [event.type for event in farm.events()].count("render.playable") == 1


async def test_cancelling_leaves_no_process_within_three_seconds(farm: Farm, start_worker: StartWorker) -> None:
    worker = await start_worker()
    render_id = await farm.submit(scenes(1, seconds=60), {"preset": "veryslow"})
    await worker.encoding()

    async def reports() -> bool:
        return any(one["current_frame"] > 0 for one in farm.progress(render_id))

    await until(reports, timeout_s=120)
    began = time.monotonic()
    await farm.cancel(render_id)
    await worker.idle(timeout_s=3)
    assert time.monotonic() - began < 3
    assert (await farm.get(render_id)).status == "cancelled"
    assert worker.process.returncode is None


async def test_a_worker_that_is_asked_to_stop_gives_its_step_back_free_of_charge(
    farm: Farm, start_worker: StartWorker
) -> None:
    first = await start_worker()
    render_id = await farm.submit(scenes(1), {"preset": "veryslow"})
    await until(lambda: _segment_runs(farm, render_id), timeout_s=120)
    await first.encoding()
    first.send(signal.SIGTERM)
    assert await asyncio.wait_for(first.process.wait(), 30) == 0
    assert not first.encoders()
    assert list((first.work_dir / "runs").iterdir()) == []
    (step,) = await _segments(farm, render_id)
    assert (step.status, step.failures, step.lost) == ("queued", 0, 0)
    gone = await farm.ctx.db.fetch_value("SELECT status FROM workers WHERE pid = $1", first.process.pid)
    assert gone == "gone"
    await start_worker()
    await farm.completed(render_id, timeout_s=300)


async def test_a_worker_that_slept_past_its_lease_is_fenced(farm: Farm, start_worker: StartWorker) -> None:
    zombie = await start_worker()
    render_id = await farm.submit(scenes(1), {"preset": "medium"})
    await until(lambda: _segment_runs(farm, render_id), timeout_s=120)
    await zombie.encoding()
    zombie.send(signal.SIGSTOP)
    heir = await start_worker()
    render = await farm.completed(render_id, timeout_s=300)
    (step,) = await _segments(farm, render_id)
    assert step.worker_id == await _worker_id(farm, heir)
    zombie.send(signal.SIGCONT)
    await zombie.idle(timeout_s=10)
    after = await farm.get(render_id)
    assert after == render
    assert after.output is not None
    keys = [one.key async for one in farm.ctx.storage.scan(f"projects/{farm.project_id}/renders/{render_id}/")]
    assert [key for key in keys if "/logs/" not in key] == [one["key"] for one in after.output["outputs"]]


@pytest.fixture(autouse=True)
def _logs_on_failure(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Show what the workers said."""
    yield
    for log in sorted(tmp_path.glob("worker-*.log")):
        print(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}")

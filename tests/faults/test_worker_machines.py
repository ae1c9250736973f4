"""Workers on machines of their own, which share Postgres, Redis and an S3 store and nothing else (`make test-netns`)."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from renderowl import settings as settings_module
from renderowl.db import steps
from renderowl.domain.records import Render, Step
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.farm import Farm, open_farm
from renderowl.testing.moto_s3 import make_bucket
from renderowl.testing.namespaces import Machine, machine
from renderowl.testing.signals import until
from renderowl.testing.strict_s3 import StrictS3

pytestmark = [pytest.mark.netns, pytest.mark.timeout(480)]  # a busy machine encodes ten times as slowly

_buckets = itertools.count(1)
SECONDS, SCENES = 8, 4
SPEC = {
    "width": 1280,
    "height": 720,
    "fps": 30,
    "tracks": [
        {
            "clips": [
                {
                    "type": "text",
                    "text": f"scene {n}",
                    "duration": SECONDS,
                    "style": {"font_size": 200},
                    "fade_in": SECONDS,  # what stands still is made too soon
                }
                for n in range(SCENES)
            ]
        }
    ],
}

StartWorker = Callable[..., Awaitable[asyncio.subprocess.Process]]
NewMachine = Callable[[], Awaitable[Machine]]


@pytest.fixture(scope="module")
def store() -> Iterator[StrictS3]:
    with StrictS3() as server:
        yield server


@pytest.fixture
async def farm(database_url: str, redis_url: str, store: StrictS3, tmp_path: Path) -> AsyncIterator[Farm]:
    bucket = f"films-{next(_buckets)}"
    make_bucket(store.url, bucket, access_key=store.access_key, secret_key=store.secret_key, region=store.region)
    settings = settings_module.load(
        {},
        database_url=database_url,
        redis_url=redis_url,
        storage_url=f"s3://{bucket}?endpoint_url={quote(store.url, safe='')}&region={store.region}",
        s3_access_key=store.access_key,
        s3_secret_key=store.secret_key,
        work_dir=str(tmp_path / "unused"),
        secret_key="a secret key of the tests, long enough",
        public_url="http://testserver",
        lease_s=4.0,
        heartbeat_s=0.5,
        drain_timeout_s=0.3,
    )
    async with open_farm(settings, workers=0) as opened:
        yield opened


@pytest.fixture
async def new_machine(farm: Farm, tmp_path: Path) -> AsyncIterator[NewMachine]:
    async with contextlib.AsyncExitStack() as stack:
        names = itertools.count(1)

        async def make() -> Machine:
            return await stack.enter_async_context(machine(farm.ctx.settings, tmp_path / f"machine-{next(names)}"))

        yield make


@pytest.fixture
async def start_worker(farm: Farm, new_machine: NewMachine) -> AsyncIterator[StartWorker]:
    """Starts workers and waits until they are registered; none is left at the end."""
    started: list[tuple[asyncio.subprocess.Process, Machine]] = []

    async def start(on: Machine, *options: str) -> asyncio.subprocess.Process:
        process = await on.worker(*options)
        started.append((process, on))

        async def registered() -> bool:
            assert process.returncode is None, (on.folder / "worker.log").read_text()[-2000:]
            return bool(await farm.ctx.db.fetch_value("SELECT 1 FROM workers WHERE pid = $1", process.pid))

        await until(registered, timeout_s=120)
        return process

    yield start
    for process, on in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        print(f"== {on.name}\n{(on.folder / 'worker.log').read_text(errors='replace')[-3000:]}")


async def _steps(farm: Farm, render_id: str, kind: str = "segment") -> list[Step]:
    return [step for step in await steps.list_of_render(farm.ctx.db, render_id, 1) if step.kind == kind]


async def _namespaces(farm: Farm, render_id: str) -> dict[str, set[int]]:
    """The network namespaces in which a render's steps were done, by kind."""
    found: dict[str, set[int]] = {}
    for step in await steps.list_of_render(farm.ctx.db, render_id, 1):
        pid = await farm.ctx.db.fetch_value("SELECT pid FROM workers WHERE id = $1", step.worker_id)
        found.setdefault(step.kind, set()).add(os.stat(f"/proc/{pid}/ns/net").st_ino)
    return found


async def _is_right(farm: Farm, render: Render, tools: Toolchain, folder: Path) -> None:
    film = await probe(await farm.download(render, folder), tools, ours=True)
    assert (film.width, film.height, film.frames) == (1280, 720, SECONDS * SCENES * 30)


async def _id(farm: Farm, worker: asyncio.subprocess.Process) -> str:
    found: str = await farm.ctx.db.fetch_value("SELECT id FROM workers WHERE pid = $1", worker.pid)
    return found


async def _held_by(farm: Farm, render_id: str, worker_id: str) -> Step | None:
    running = [step for step in await _steps(farm, render_id) if step.status == "running"]
    return next((step for step in running if step.worker_id == worker_id), None)


async def test_one_film_is_made_on_several_machines(
    farm: Farm, new_machine: NewMachine, start_worker: StartWorker, tools: Toolchain, tmp_path: Path
) -> None:
    for _ in range(2):
        await start_worker(await new_machine())
    render_id = await farm.submit(SPEC, {"preset": "medium"})
    render = await farm.completed(render_id, timeout_s=300)
    ours = os.stat("/proc/self/ns/net").st_ino
    namespaces = await _namespaces(farm, render_id)
    assert len(namespaces["segment"]) == 2
    assert ours not in set().union(*namespaces.values())
    await _is_right(farm, render, tools, tmp_path)


async def test_a_machine_that_is_cut_off_loses_its_step_and_may_come_back(
    farm: Farm, new_machine: NewMachine, start_worker: StartWorker, tools: Toolchain, tmp_path: Path
) -> None:
    lonely, other = await new_machine(), await new_machine()
    cut_off = await start_worker(lonely)
    await start_worker(other)
    worker_id = await _id(farm, cut_off)
    render_id = await farm.submit(SPEC, {"preset": "slow"})
    held = await until(lambda: _held_by(farm, render_id, worker_id), timeout_s=120)
    await lonely.unplug()
    render = await farm.completed(render_id, timeout_s=300)
    (taken,) = [step for step in await _steps(farm, render_id) if step.id == held.id]
    assert (taken.lost, taken.worker_id == worker_id) == (1, False)
    await _is_right(farm, render, tools, tmp_path)
    await lonely.plug()

    async def knows() -> bool:
        said = (lonely.folder / "worker.log").read_text()
        return not lonely.encoders() and ("step_fenced" in said or "step_stopped" in said)

    await until(knows, timeout_s=120)
    assert await farm.get(render_id) == render, "what the worker had made changes nothing"
    assert cut_off.returncode is None
    assert await farm.ctx.db.fetch_value("SELECT count(*) FROM steps WHERE status <> 'completed'") == 0


async def test_machines_come_and_go_under_a_film(
    farm: Farm, new_machine: NewMachine, start_worker: StartWorker, tools: Toolchain, tmp_path: Path
) -> None:
    first = await start_worker(await new_machine())
    render_id = await farm.submit(SPEC, {"preset": "slow"})
    first_id = await _id(farm, first)
    await until(lambda: _held_by(farm, render_id, first_id), timeout_s=120)
    second = await start_worker(await new_machine())
    second_id = await _id(farm, second)
    await until(lambda: _held_by(farm, render_id, second_id), timeout_s=120)
    first.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(first.wait(), 30) == 0
    render = await farm.completed(render_id, timeout_s=300)
    done = await _steps(farm, render_id)
    assert all((step.failures, step.lost) == (0, 0) for step in done), "leaving costs nothing"
    await _is_right(farm, render, tools, tmp_path)

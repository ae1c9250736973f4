"""How long each failure of the scheduler's table is felt: real processes, killed and stopped, ten times each."""

import argparse
import asyncio
import contextlib
import random
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import paths  # noqa: F401 - lets the next line find results
import psutil
import redis.asyncio
from results import median, save

from renderowl.bus.base import RoomMessage
from renderowl.db import events, steps
from renderowl.db.migrate import migrate
from renderowl.domain.errors import Conflict, Unavailable
from renderowl.domain.records import Principal, Step
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.services import callers, renders
from renderowl.services.asking import RenderRequest
from renderowl.services.stopping import end_tasks
from renderowl.testing import books
from renderowl.testing.deployment import TOKEN, Deployment, Program, open_deployment
from renderowl.testing.signals import until

GOAL_S: Final = 20.0
PATIENCE_S: Final = 90.0
SMALL: Final = {"type": "color", "color": "#336699", "duration": 1}


class Trial:
    """A deployment with two schedulers, and the failures that can be tried on it. Times are seconds."""

    def __init__(
        self, deployment: Deployment, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, folder: Path
    ) -> None:
        self.deployment = deployment
        self.ctx = deployment.ctx
        self.postgres = postgres
        self.valkey = valkey
        self.folder = folder
        self.caller: Principal
        self.schedulers: list[Program] = []
        self.steady: Program
        self.took_s: dict[str, list[float]] = defaultdict(list)

    async def begin(self) -> None:
        """Start what most failures need."""
        self.caller = await callers.authenticate(self.ctx, TOKEN)
        self.schedulers = [await self.deployment.scheduler() for _ in range(2)]
        self.steady = await self.deployment.worker(work_dir=self.folder / "steady")
        await self.begun(await self.submit(SMALL))

    async def submit(self, *clips: dict[str, Any], **output_settings: Any) -> str:
        """A film of these clips, sent again while Postgres is away."""
        spec = {"width": 1280, "height": 720, "fps": 30, "tracks": [{"clips": list(clips)}]}
        while True:
            with contextlib.suppress(Unavailable):
                request = RenderRequest("timeline", spec, output_settings)
                return (await renders.submit(self.ctx, self.caller, self.deployment.project_id, request)).render.id
            await asyncio.sleep(0.01)

    async def value(self, statement: str, *arguments: object) -> Any:
        """What Postgres says, None while it says nothing."""
        with contextlib.suppress(Unavailable):
            return await self.ctx.db.fetch_value(statement, *arguments)

    async def begun(self, *render_ids: str) -> None:
        """Wait until workers have taken up these renders."""
        wait = "SELECT NOT EXISTS (SELECT 1 FROM renders WHERE id = ANY($1::text[]) AND status = 'queued')"
        await until(lambda: self.value(wait, list(render_ids)), timeout_s=PATIENCE_S, every_s=0.005)

    async def ended(self, render_id: str) -> None:
        """Cancel a render if it is not at an end already."""
        with contextlib.suppress(Conflict):
            await renders.cancel(self.ctx, self.caller, self.deployment.project_id, render_id)

    def note(self, what: str, since: float) -> None:
        """Keep how long something took."""
        self.took_s[what].append(round(time.monotonic() - since, 3))

    # --- the rows ---------------------------------------------------------------------------------------------------

    async def scheduler_killed(self) -> None:
        """One of two schedulers dies; the other goes on."""
        killed = self.schedulers.pop(0)
        killed_at = time.monotonic()
        await killed.kill()
        await self.begun(await self.submit(SMALL))
        self.note("scheduler killed: next step begins", killed_at)
        self.schedulers.append(await self.deployment.scheduler())

    async def redis_restarted(self) -> None:
        """Redis dies and is started at once."""
        killed_at = time.monotonic()
        psutil.Process(self.valkey.pid).kill()
        await self.restarted(self.valkey)
        await self.begun(await self.submit(SMALL))
        self.note("Redis restarted: next step begins", killed_at)

    async def redis_flushed(self) -> None:
        """Redis forgets two dispatches that their worker has not read yet."""
        all_done = "SELECT NOT EXISTS (SELECT 1 FROM renders WHERE status IN ('queued', 'processing'))"
        await until(lambda: self.value(all_done), timeout_s=PATIENCE_S)
        self.steady.send(signal.SIGSTOP)
        waiting = [await self.submit(SMALL), await self.submit(SMALL)]
        given = "SELECT count(*) = 2 FROM steps JOIN dispatches ON step_id = id WHERE render_id = ANY($1::text[])"
        await until(lambda: self.value(given, waiting), timeout_s=PATIENCE_S)
        async with redis.asyncio.Redis.from_url(self.valkey.url) as server:
            await server.flushall()
        flushed_at = time.monotonic()
        self.steady.send(signal.SIGCONT)
        await self.begun(*waiting)
        self.note("Redis flushed: lost dispatches begin", flushed_at)

    async def postgres_restarted(self) -> None:
        """Postgres dies and is started at once."""
        killed_at = time.monotonic()
        psutil.Process(self.postgres.pid).kill()
        await self.restarted(self.postgres)
        await self.begun(await self.submit(SMALL))
        self.note("Postgres restarted: next step begins", killed_at)

    async def api_killed(self) -> None:
        """An event is committed, and whoever did it dies before it is published."""
        feed, project_id = self.ctx.bus.rooms(), self.deployment.project_id
        await feed.follow(project_id)
        async with self.ctx.db.transaction():
            event = await events.append(self.ctx.db, project_id, "render.retrying", {}, render_id="rnd_0", attempt=1)
        committed_at = time.monotonic()
        heard = asyncio.Event()

        def hear(item: RoomMessage | str) -> None:
            if isinstance(item, RoomMessage) and item.seq == event.seq:
                heard.set()

        listening = asyncio.create_task(feed.listen(hear))
        await heard.wait()
        await end_tasks([listening])
        self.note("API killed after a commit: the room hears of it", committed_at)

    async def complete_races_cancel(self) -> None:
        """A film is cancelled at about the moment at which it completes; the books are read at the end of all trials."""
        render_id = await self.submit(SMALL)
        await self.begun(render_id)
        await asyncio.sleep(random.uniform(0.3, 0.8))
        asked_at = time.monotonic()
        await self.ended(render_id)
        self.note("complete races cancel: the caller is answered", asked_at)

    async def workers_lost(self) -> None:
        """One worker is killed and one sleeps past its lease; a third takes over; the sleeper wakes up."""
        killed, asleep = [await self.worker(name) for name in ("killed", "asleep")]
        # a film is not cut within a fade: these are two long segments
        fades = {"duration": 60, "fade_in": 30, "fade_out": 30, "style": {"font_size": 200}}
        scenes = [{"type": "text", "text": f"{time.time()} {n}", **fades} for n in range(2)]
        render_id = await self.submit(*scenes, preset="veryslow")
        held = await asyncio.gather(self.holds(render_id, killed), self.holds(render_id, asleep))
        heir = await self.deployment.start("worker", worker_slots=4, work_dir=self.folder / "heir")
        await until(lambda: self.value("SELECT 1 FROM workers WHERE pid = $1", heir.process.pid), timeout_s=PATIENCE_S)
        lost_at = time.monotonic()
        asleep.send(signal.SIGSTOP)
        killed.send(signal.SIGKILL)
        await until(lambda: self.idle("killed"), timeout_s=PATIENCE_S)
        self.note("worker killed: its last FFmpeg is gone", lost_at)

        async def notice(what: str, step: Step) -> None:
            again = "SELECT 1 FROM steps WHERE id = $1 AND attempt > $2 AND status = 'running'"
            await until(lambda: self.value(again, step.id, step.attempt), timeout_s=PATIENCE_S)
            self.note(what, lost_at)

        await asyncio.gather(
            notice("worker killed: its step runs elsewhere", held[0]),
            notice("worker asleep: its step runs elsewhere", held[1]),
        )
        woke_at = time.monotonic()
        asleep.send(signal.SIGCONT)
        await until(lambda: self.idle("asleep"), timeout_s=PATIENCE_S)
        self.note("worker wakes up: its last FFmpeg is gone", woke_at)
        await self.ended(render_id)
        for worker in (asleep, heir):
            worker.send(signal.SIGTERM)
            await worker.ended()

    # --- how --------------------------------------------------------------------------------------------------------

    async def worker(self, name: str) -> Program:
        """A worker with one slot and a folder of its own."""
        program = await self.deployment.start("worker", worker_slots=1, work_dir=self.folder / name)
        here = "SELECT 1 FROM workers WHERE pid = $1"
        await until(lambda: self.value(here, program.process.pid), timeout_s=PATIENCE_S)
        return program

    async def holds(self, render_id: str, worker: Program) -> Step:
        """The segment that a worker encodes, once it does."""
        mine = "SELECT id FROM workers WHERE pid = $1"
        worker_id = await self.ctx.db.fetch_value(mine, worker.process.pid)

        async def look() -> Step | None:
            found = await steps.list_of_render(self.ctx.db, render_id, 1)
            return next(
                (one for one in found if (one.worker_id, one.kind, one.status) == (worker_id, "segment", "running")),
                None,
            )

        return await until(look, timeout_s=PATIENCE_S)

    async def idle(self, name: str) -> bool:
        """Whether no FFmpeg works in a worker's folder."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                below = Path(process.cwd()).is_relative_to(self.folder / name)
                if below and process.status() != psutil.STATUS_ZOMBIE:
                    return False
        return True

    async def restarted(self, server: EmbeddedPostgres | EmbeddedValkey) -> None:
        """Start a server again as soon as it is gone."""

        async def gone() -> bool:
            return not server.running

        await until(gone, every_s=0.001)
        server.start()


async def measure(times: int) -> None:
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as name:
        folder = Path(name)
        with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedValkey(folder / "valkey") as valkey:
            await migrate(postgres.url)
            here = folder / "deployment"
            here.mkdir()
            async with open_deployment(postgres.url, valkey.url, here) as deployment:
                trial = Trial(deployment, postgres, valkey, here)
                await trial.begin()
                rows: list[Callable[[], Awaitable[None]]] = [
                    *(trial.scheduler_killed, trial.redis_restarted, trial.redis_flushed, trial.postgres_restarted),
                    *(trial.api_killed, trial.complete_races_cancel),
                ]
                await repeat(rows, times)
                trial.steady.send(signal.SIGTERM)
                await trial.steady.ended()
                await repeat([trial.workers_lost], times)
                wrong = (await books.read(deployment.ctx.db)).faults()
    assert wrong == [], wrong
    said = [f"{what:<48} {median(took):7.2f} {max(took):7.2f} s" for what, took in sorted(trial.took_s.items())]
    save(
        "scheduler_recovery",
        title="A killed worker's step runs elsewhere",
        goal=GOAL_S,
        result=max(trial.took_s["worker killed: its step runs elsewhere"]),
        unit="s",
        meaning=(
            f"the slowest of {times}, with the default lease of 15 s. Below it every row of the scheduler's failure table, "
            f"{times} times each: median and slowest. Killed servers are started again at once, and that is in the figure. "
            "Afterwards every render was at one end, told once"
        ),
        took_s=dict(trial.took_s),
        said=[f"{'':<48} {'median':>7} {'slowest':>7}", *said],
    )


async def repeat(rows: list[Callable[[], Awaitable[None]]], times: int) -> None:
    """Every row so many times, in turns."""
    for _ in range(times):
        for row in rows:
            await row()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    asyncio.run(measure(parser.parse_args().times))

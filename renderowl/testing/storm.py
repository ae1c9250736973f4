"""`make storm`: films are submitted while every part of the service is killed and paused; then all that happened is judged.

`python -m renderowl.testing.storm --seconds 600 --seed 7`. The seed decides what is done to whom and when, and which films
are asked for; when a step is at which frame is up to the machine.
"""

import argparse
import asyncio
import contextlib
import functools
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import psutil
import redis.asyncio

from renderowl.client.http import Client
from renderowl.client.problem import Problem
from renderowl.client.resources import Render
from renderowl.db.migrate import migrate
from renderowl.domain.errors import Unavailable
from renderowl.domain.lifecycle import is_active
from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.process import free_port
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.testing import books
from renderowl.testing.books import Books
from renderowl.testing.deployment import Deployment, Program, open_deployment
from renderowl.testing.listening import Listener, ending, hear_polls, hear_socket, hear_stream
from renderowl.testing.signals import until
from renderowl.testing.verdict import Verdict, judge
from renderowl.testing.weather import Caller, Felt, Gust, Part, forecast

CALLERS: Final = 4
CALM_S: Final = 180.0
"""How long the last renders may take once nothing is disturbed any more: three lost workers and their waits."""
_LEASES: Final[dict[str, Any]] = {"lease_s": 4.0, "heartbeat_s": 1.0, "drain_timeout_s": 2.0}
_COMMANDS: Final[dict[Part, str]] = {
    "api": "serve",
    "scheduler": "scheduler",
    "worker 1": "worker",
    "worker 2": "worker",
}

Say = Callable[[str], None]


class Storm:
    """A deployment under a storm, and what was learned of it."""

    def __init__(
        self,
        seed: int,
        deployment: Deployment,
        postgres: EmbeddedPostgres,
        valkey: EmbeddedValkey,
        folder: Path,
        say: Say,
    ) -> None:
        self.seed = seed
        self.deployment = deployment
        self.servers: dict[Part, EmbeddedPostgres | EmbeddedValkey] = {"postgres": postgres, "redis": valkey}
        self.programs: dict[Part, Program] = {}
        self.work_dirs = [folder / "worker 1", folder / "worker 2"]
        self.port = free_port()
        self.accepted: dict[str, str] = {}
        """Render ids by the idempotency key they were submitted with."""
        self.faults: list[str] = []
        self.felt: list[Felt] = []
        self._turns = {part: asyncio.Lock() for part in (*_COMMANDS, *self.servers)}
        self._say = say
        self._began = time.monotonic()
        self._over = False

    def note(self, text: str) -> None:
        """Say what happens, and when."""
        self._say(f"{time.monotonic() - self._began:7.2f} {text}")

    async def blow(self, seconds: float) -> None:
        """The storm and the calm after it: returns when every render that was accepted is at an end."""
        for part in _COMMANDS:
            await self._start(part)
        await until(self._answers, timeout_s=60)
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._keep(part)) for part in _COMMANDS] + [group.create_task(self._watch())]
            callers = [group.create_task(self._call(number)) for number in range(CALLERS)]
            async with asyncio.TaskGroup() as gusts:
                for gust in forecast(self.seed, seconds):
                    await self._at(gust.at_s)
                    gusts.create_task(self._strike(gust))
                await self._at(seconds)
            self._over = True
            self.note("calm")
            await until(self._all_run, timeout_s=60)
            done, late = await asyncio.wait(callers, timeout=CALM_S)
            for caller in done:
                caller.result()
            if late:
                self.faults.append(f"{len(late)} callers still wait for the end of a render")
            for task in (*helpers, *late):
                task.cancel()

    async def settled(self) -> Books:
        """The books when everything is at an end, or after a while as they are then."""
        found: list[Books] = []

        async def look() -> bool:
            with contextlib.suppress(Unavailable):
                found[:] = [await books.read(self.deployment.ctx.db)]
                return not any(is_active(render.status) for render in found[0].renders.values())
            return False

        with contextlib.suppress(TimeoutError):
            await until(look, timeout_s=CALM_S)
        return found[0]

    async def end(self) -> None:
        """Stop the programs as a deploy does."""
        for part, program in self.programs.items():
            program.send(signal.SIGTERM)
            if await program.ended() != 0:
                self.faults.append(f"{part} did not end well: {program.log.read_text()[-500:]}")

    async def _at(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, self._began + seconds - time.monotonic()))

    # --- what happens to the parts ----------------------------------------------------------------------------------

    async def _start(self, part: Part) -> None:
        settings = dict(_LEASES)
        if part == "api":
            settings |= {"port": self.port}
        if part.startswith("worker"):
            settings |= {"worker_slots": 1, "work_dir": self.work_dirs[int(part[-1]) - 1]}
        self.programs[part] = await self.deployment.start(_COMMANDS[part], **settings)

    async def _keep(self, part: Part) -> None:
        """Start a program again whenever it has ended, as whatever runs a service does."""
        while True:
            await self.programs[part].process.wait()
            async with self._turns[part]:
                await self._start(part)

    async def _strike(self, gust: Gust) -> None:
        async with self._turns[gust.part]:
            self.note(f"{gust.harm} {gust.part} for {gust.for_s} s")
            began_s = time.monotonic()
            processes = list(self._processes(gust.part))
            match gust.harm:
                case "flush":
                    await self._flush()
                case "pause":
                    _send(processes, signal.SIGSTOP)
                    await asyncio.sleep(gust.for_s)
                    _send(processes, signal.SIGCONT)
                case "stop":
                    _send(processes[:1], signal.SIGTERM)
                case "kill":
                    _send(processes[:1], signal.SIGKILL)
                    await asyncio.sleep(gust.for_s)
                    if gust.part in self.servers:
                        await self._restart(self.servers[gust.part])
            self.felt.append(Felt(gust.part, gust.harm, began_s, time.monotonic()))

    async def _all_run(self) -> bool:
        return all(program.process.returncode is None for program in self.programs.values())

    def _processes(self, part: Part) -> Iterator[psutil.Process]:
        """A part's process, and those below it that a pause must hold as well."""
        server = self.servers.get(part)
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.programs[part].process.pid if server is None else server.pid)
            yield first
            yield from first.children(recursive=True)

    async def _flush(self) -> None:
        async with redis.asyncio.Redis.from_url(self.deployment.ctx.settings.redis_url) as server:
            with contextlib.suppress(redis.RedisError, OSError):
                await server.flushall()

    async def _restart(self, server: EmbeddedPostgres | EmbeddedValkey) -> None:
        async def gone() -> bool:
            return not server.running

        await until(gone)
        while True:
            try:
                server.start()
                return
            except EmbeddedError as error:
                self.note(f"not yet: {error}")
                await asyncio.sleep(0.5)

    # --- what callers do --------------------------------------------------------------------------------------------

    async def _call(self, number: int) -> None:
        caller = Caller(self.seed, number)
        async with self.deployment.client(self.port) as client:
            while not self._over:
                key, order = caller.next()
                body = msgspec.structs.asdict(order)
                cancel_after_s = body.pop("cancel_after_s")
                render_id = (await self._insist(functools.partial(self._submit, client, key, body))).id
                self.accepted[key] = render_id
                if cancel_after_s is not None:
                    await asyncio.sleep(cancel_after_s)
                    cancelling = functools.partial(client.cancel_render, self.deployment.project_id, render_id)
                    await self._insist(cancelling)
                await self._wait(client, render_id)

    async def _submit(self, client: Client, key: str, body: dict[str, Any]) -> Render:
        return await client.create_render(self.deployment.project_id, "timeline", idempotency_key=key, **body)

    async def _wait(self, client: Client, render_id: str) -> None:
        while True:
            found = await self._insist(lambda: client.get_render(self.deployment.project_id, render_id))
            if not is_active(found.status):
                return
            await asyncio.sleep(0.2)

    async def _insist(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer; that something is at an end already is one."""
        while True:
            try:
                return await ask()
            except Problem as problem:
                if problem.status == 409 and problem.code == "conflict":
                    return None
                if not problem.retryable:
                    self.faults.append(self._complaint(problem))
            except (httpx.HTTPError, OSError):
                pass
            await asyncio.sleep(0.1)

    def _complaint(self, problem: Problem) -> str:
        """What a caller was told, and what the API had logged about it: its folder is gone when the verdict is read."""
        logged = self.deployment.said_of(str(problem.document.get("request_id")))
        return "\n".join([f"a caller was told {problem.document}", *logged])

    async def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient() as http:
                return (await http.get(f"http://127.0.0.1:{self.port}/readyz")).is_success
        return False

    async def _watch(self) -> None:
        """Compare the books with those of a while ago, all along."""
        before: Books | None = None
        while True:
            with contextlib.suppress(Unavailable):
                now = await books.read(self.deployment.ctx.db)
                self.faults += [] if before is None else now.faults_since(before)
                before = now
            await asyncio.sleep(2)


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextlib.asynccontextmanager
async def _sky(seed: int, folder: Path, say: Say) -> AsyncIterator[Storm]:
    with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedValkey(folder / "valkey") as valkey:
        await migrate(postgres.url)
        here = folder / "deployment"
        here.mkdir()
        async with open_deployment(postgres.url, valkey.url, here) as deployment:
            yield Storm(seed, deployment, postgres, valkey, here, say)


async def weather(seed: int, seconds: float, folder: Path, say: Say) -> Verdict:
    """A storm of so many seconds with everything below an empty folder, and what is to be said of it."""
    async with _sky(seed, folder, say) as storm:
        listeners = [Listener(name) for name in ("socket", "stream", "poll")]
        url, project_id = f"http://127.0.0.1:{storm.port}", storm.deployment.project_id
        async with ending(*listeners):
            for listener, hear in zip(listeners, (hear_socket, hear_stream, hear_polls), strict=True):
                listener.begin(hear(listener, url, await storm.deployment.token(), project_id))
            await storm.blow(seconds)
            found = await storm.settled()
            for listener in listeners:
                await listener.reaches(found.last_seq[project_id])
        await storm.end()
        verdict = await judge(storm.deployment, found, listeners, storm.accepted, storm.work_dirs, storm.felt)
    verdict.faults[:0] = storm.faults
    verdict.gusts = Counter(f"{gust.harm} {gust.part}" for gust in forecast(seed, seconds))
    return verdict


def main() -> int:
    """Blow, judge, say what was found; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if chosen.seed is None else chosen.seed

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    say(f"SEED={seed}, {chosen.seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="renderowl-storm-") as folder:
        verdict = asyncio.run(weather(seed, chosen.seconds, Path(folder), say))
    say(verdict.text())
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())

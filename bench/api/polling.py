"""Polling with an ETag and creating renders: requests a second and CPU a request, beside hand-written routes.

RenderOwl's API, and the same two routes by hand in Litestar and in FastAPI: one process each, over one Postgres and one
Valkey, asked in turns. The peers look the key up, read and write the same tables and read the same progress; they count
no requests, check no spec, know no scopes, problems, webhooks or automations, and log nothing.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import asking
import httpx
import msgspec
import paths
import psutil
from house import FILM, Account, House, account, cpu_s, house, ready, running
from results import median, percentile, save

from renderowl.embedded.process import free_port

OURS: Final = "RenderOwl"
LITESTAR: Final = "Litestar by hand"
FASTAPI: Final = "FastAPI by hand"
ACCOUNTS: Final = 48
"""Requests are spread over so many, so that all of them stay within the enterprise tier's 6,000 a minute."""
CONNECTIONS: Final = 16
WARM: Final = 300
POLL: Final = "poll, 304"
CREATE: Final = "create a render"


class Server(NamedTuple):
    """Something to ask."""

    name: str
    port: int
    process: psutil.Process


def install() -> str:
    """A virtual environment with FastAPI; its Python. The versions of what RenderOwl has too are RenderOwl's."""
    folder = paths.ROOT / ".renderowl" / "bench" / "api"
    python = folder / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        packages = [
            "fastapi",
            "uvicorn",
            "asyncpg",
            "redis[hiredis]",
            "-c",
            str(paths.ROOT / "requirements/runtime.lock"),
        ]
        subprocess.run([str(uv), "pip", "install", "--quiet", "--python", str(python), *packages], check=True)
    return str(python)


@contextlib.asynccontextmanager
async def servers(home: House) -> AsyncIterator[list[Server]]:
    """RenderOwl and its peers."""
    environment = {"DATABASE_URL": home.database_url, "REDIS_URL": home.redis_url}
    peers = {LITESTAR: (sys.executable, "litestar_peer.py"), FASTAPI: (install(), "fastapi_peer.py")}
    with contextlib.ExitStack() as stack:
        found = [Server(OURS, home.ports[0], home.processes[0])]
        for name, (python, script) in peers.items():
            command = [python, str(Path(__file__).parent / "peers" / script), str(port := free_port())]
            found.append(Server(name, port, stack.enter_context(running(command, environment))))
            await ready(port, "/health")
        yield found


async def polls(server: Server, accounts: Sequence[Account]) -> list[bytes]:
    """A poll of each account's render with the ETag that this server gives it now."""
    asked = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
        for one in accounts:
            path = f"/projects/{one.project_id}/renders/{one.render_id}/progress"
            headers = {"authorization": f"Bearer {one.key}"}
            answer = await http.get(path, headers=headers)
            assert answer.json()["progress"]["percent"] > 0, answer.text
            asked.append(asking.request("GET", path, headers | {"if-none-match": answer.headers["etag"]}))
    return asked


def creations(accounts: Sequence[Account]) -> list[bytes]:
    """A render for each account."""
    body = msgspec.json.encode(FILM)
    return [
        asking.request("POST", f"/projects/{one.project_id}/renders", {"authorization": f"Bearer {one.key}"}, body)
        for one in accounts
    ]


async def sample(server: Server, requests: list[bytes], count: int, status: int) -> dict[str, float]:
    """Ask so often, after some that do not count."""
    await asking.ask_all(server.port, asking.in_turn(requests, WARM), CONNECTIONS)
    before = cpu_s(server.process)
    answers = await asking.ask_all(server.port, asking.in_turn(requests, count), CONNECTIONS)
    spent_s = cpu_s(server.process) - before
    assert dict(answers.statuses) == {status: count}, f"{server.name}: {answers.statuses}"
    return {
        "per_second": round(answers.per_second, 1),
        "cpu_us": round(spent_s / count * 1e6, 1),
        "p99_ms": round(percentile(answers.waits_ms, 0.99), 2),
    }


async def measure(rounds: int, count: int) -> None:
    taken: dict[str, dict[str, list[dict[str, float]]]] = {POLL: {}, CREATE: {}}
    async with house(1, renders_per_day_enterprise="0") as home, servers(home) as found:
        accounts = [await account(home.ctx, "enterprise") for _ in range(ACCOUNTS)]
        for n in range(rounds):
            for server in found[n % len(found) :] + found[: n % len(found)]:
                for job, requests, status, times in (
                    (POLL, await polls(server, accounts), 304, count),
                    (CREATE, creations(accounts), 202, count // 4),
                ):
                    got = await sample(server, requests, times, status)
                    taken[job].setdefault(server.name, []).append(got)
                    print(f"  {job}, {server.name}: {got}", flush=True)
    for name, job in (("api_polling", POLL), ("api_create", CREATE)):
        told = {server: summary(samples) for server, samples in taken[job].items()}
        cost = told[OURS]["cpu_us"]
        save(
            name,
            title=f"CPU of the API for a request ({job}), over the same route by hand in Litestar",
            goal=None,
            result=cost / told[LITESTAR]["cpu_us"],
            unit="x",
            meaning="user and system time of the server's process a request, medians of the rounds, all in turns in one run",
            asked={
                server: {**each, "ours_over_this": round(cost / each["cpu_us"], 2)} for server, each in told.items()
            },
            rounds=taken[job],
            connections=CONNECTIONS,
            load_average_1min_before=round(LOAD_BEFORE, 2),
        )


def summary(samples: list[dict[str, float]]) -> dict[str, Any]:
    """The medians of a server's rounds."""
    return {name: round(median([one[name] for one in samples]), 2) for name in samples[0]}


LOAD_BEFORE: Final = os.getloadavg()[0]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=4000, help="polls a round; renders are a quarter of that")
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.count))

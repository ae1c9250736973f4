"""Several API processes and one key at its limit: how many they let in, and what counting costs."""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import paths  # noqa: F401 - makes bench/ importable
import psutil
from results import median, save

from renderowl import app, settings
from renderowl.db import accounts as account_rows
from renderowl.db.migrate import migrate
from renderowl.domain.ids import new_id
from renderowl.domain.records import Tier
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.process import free_port
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.services import accounts
from renderowl.services.context import Context

PROCESSES: Final = 4
LIMIT: Final = 600
ASKED: Final = 1200
CONNECTIONS: Final = 16
WINDOW_S: Final = 60.0
WITHOUT_LIMIT: Final = "0"
HARDLY_LIMITED: Final = "1000000"
_START_S: Final = 60.0


@contextlib.asynccontextmanager
async def servers(**limits: str) -> AsyncIterator[tuple[Context, list[int], list[psutil.Process]]]:
    """API processes over one Postgres and Valkey, with these limits; all gone at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="renderowl-bench-") as name,
        EmbeddedPostgres(Path(name) / "postgres", durable=False) as postgres,
        EmbeddedValkey(Path(name) / "valkey") as valkey,
        contextlib.ExitStack() as stack,
    ):
        await migrate(postgres.url)
        (Path(name) / "storage").mkdir()
        values = {
            "database_url": postgres.url,
            "redis_url": valkey.url,
            "storage_url": (Path(name) / "storage").as_uri(),
            "secret_key": "a secret of the benchmark, of no other use",
            "log_level": "warning",
        } | limits
        ports, processes = [], []
        for _ in range(PROCESSES):
            port = free_port()
            environment = {f"{settings.PREFIX}{key.upper()}": value for key, value in values.items()}
            process = subprocess.Popen(
                [sys.executable, "-m", "renderowl", "serve"],
                env=os.environ | environment | {"RENDEROWL_PORT": str(port)},
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            ports.append(port)
            processes.append(psutil.Process(process.pid))
        for port in ports:
            await ready(port)
        async with app.open_context(settings.load({}, **values)) as ctx:
            yield ctx, ports, processes


async def ready(port: int) -> None:
    """Return when the API behind this port answers."""
    deadline = time.monotonic() + _START_S
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise TimeoutError("an API process did not start")


async def key_of(ctx: Context, tier: Tier) -> str:
    """A new account's key."""
    user = await account_rows.insert_user(
        ctx.db, user_id=new_id("usr"), email=f"{new_id('usr')}@example.org", password_hash=None, tier=tier
    )
    assert user is not None
    return (await accounts.make_key(ctx.db, user.id, name="Bench", scopes=["read"])).plaintext


async def ask(ports: Sequence[int], key: str, count: int) -> tuple[Counter[tuple[int, int]], float]:
    """How often each process gave each status, and how long it all took."""
    seen: Counter[tuple[int, int]] = Counter()
    numbers = iter(range(count))
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:

        async def asker() -> None:
            for number in numbers:
                port = ports[number % len(ports)]
                seen[port, (await http.get(f"http://127.0.0.1:{port}/projects")).status_code] += 1

        began = time.monotonic()
        await asyncio.gather(*(asker() for _ in range(CONNECTIONS)))
        return seen, time.monotonic() - began


async def let_in(rounds: int) -> list[dict[str, Any]]:
    """What became of the requests of each round, each with a key of its own."""
    found = []
    async with servers(requests_per_minute_free=str(LIMIT)) as (ctx, ports, _):
        for _ in range(rounds):
            seen, took_s = await ask(ports, await key_of(ctx, "free"), ASKED)
            assert took_s < WINDOW_S, "the machine is too slow: the window has moved on"
            by_process = [seen[port, 200] for port in ports]
            found.append(
                {"let_in": sum(by_process), "by_process": by_process, "asked": ASKED, "took_s": round(took_s, 2)}
            )
    return found


async def cost(rounds: int) -> dict[str, list[float]]:
    """CPU of one API process a request, in microseconds: without a limit, and with one that nobody reaches."""
    found: dict[str, list[float]] = {"no limit": [], "counted": []}
    limits = {"requests_per_minute_pro": HARDLY_LIMITED, "requests_per_minute_enterprise": WITHOUT_LIMIT}
    async with servers(**limits) as (ctx, ports, processes):
        keys = {"no limit": await key_of(ctx, "enterprise"), "counted": await key_of(ctx, "pro")}
        for key in keys.values():
            await ask(ports[:1], key, 200)
        for _ in range(rounds):
            for name, key in keys.items():
                before = processes[0].cpu_times()
                await ask(ports[:1], key, ASKED)
                after = processes[0].cpu_times()
                used_s = after.user + after.system - before.user - before.system
                found[name].append(round(used_s / ASKED * 1e6, 1))
    return found


async def measure(rounds: int) -> None:
    each = await let_in(rounds)
    costs = await cost(rounds)
    print(each, costs)
    save(
        "api_limits",
        title=f"Let in beyond the limit by {PROCESSES} API processes",
        goal=0,
        result=max(abs(one["let_in"] - LIMIT) for one in each),
        unit="requests",
        meaning=f"{ASKED:,} requests with a key whose account may make {LIMIT} a minute, to {PROCESSES} processes in"
        " turn; the worst round",
        rounds=each,
        cpu_us_per_request=costs,
        counting_us=median(costs["counted"]) - median(costs["no limit"]),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(measure(parser.parse_args().rounds))

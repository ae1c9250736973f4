"""Several API processes and one key at its limit: how many they let in, and what counting costs."""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import httpx
import paths  # noqa: F401 - makes bench/ importable
from house import cpu_s, house, key_of
from results import median, save

PROCESSES: Final = 4
LIMIT: Final = 600
ASKED: Final = 1200
CONNECTIONS: Final = 16
WINDOW_S: Final = 60.0
WITHOUT_LIMIT: Final = "0"
HARDLY_LIMITED: Final = "1000000"


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
    async with house(PROCESSES, requests_per_minute_free=str(LIMIT)) as home:
        for _ in range(rounds):
            seen, took_s = await ask(home.ports, await key_of(home.ctx, "free"), ASKED)
            assert took_s < WINDOW_S, "the machine is too slow: the window has moved on"
            by_process = [seen[port, 200] for port in home.ports]
            found.append(
                {"let_in": sum(by_process), "by_process": by_process, "asked": ASKED, "took_s": round(took_s, 2)}
            )
    return found


async def cost(rounds: int) -> dict[str, list[float]]:
    """CPU of one API process a request, in microseconds: without a limit, and with one that nobody reaches."""
    found: dict[str, list[float]] = {"no limit": [], "counted": []}
    limits = {"requests_per_minute_pro": HARDLY_LIMITED, "requests_per_minute_enterprise": WITHOUT_LIMIT}
    async with house(PROCESSES, **limits) as home:
        keys = {"no limit": await key_of(home.ctx, "enterprise"), "counted": await key_of(home.ctx, "pro")}
        for key in keys.values():
            await ask(home.ports[:1], key, 200)
        for _ in range(rounds):
            for name, key in keys.items():
                before = cpu_s(home.processes[0])
                await ask(home.ports[:1], key, ASKED)
                used_s = cpu_s(home.processes[0]) - before
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

"""The memory of an API process over 100,000 requests: polls, and a render for every fifty of them."""

import argparse
import asyncio
import itertools
from collections.abc import Iterator
from typing import Any, Final

import asking
import paths  # noqa: F401 - makes bench/ importable
from house import account, cpu_s, house
from polling import CONNECTIONS, OURS, Server, creations, polls
from results import save

ACCOUNTS: Final = 48
CREATE_EVERY: Final = 50
GOAL: Final = 1.05
"""How much larger it may be at the end than after the first step: what grows for ever shows in ten steps."""


def mixed(polling: list[bytes], creating: list[bytes], count: int) -> Iterator[bytes]:
    """`count` requests, every fiftieth of them a render."""
    asked, made = itertools.cycle(polling), itertools.cycle(creating)
    return (next(made) if n % CREATE_EVERY == 0 else next(asked) for n in range(count))


async def measure(requests: int) -> None:
    steps: dict[str, Any] = {}
    step = requests // 10
    async with house(1, renders_per_day_enterprise="0") as home:
        accounts = [await account(home.ctx, "enterprise") for _ in range(ACCOUNTS)]
        server = Server(OURS, home.ports[0], home.processes[0])
        began = server.process.memory_info().rss
        for n in range(1, 11):
            polling = await polls(server, accounts)
            before = cpu_s(server.process)
            answers = await asking.ask_all(server.port, mixed(polling, creations(accounts), step), CONNECTIONS)
            assert set(answers.statuses) <= {304, 202}, answers.statuses
            steps[f"{n * step:,}"] = round(server.process.memory_info().rss / 1e6, 2)
            spent_s = cpu_s(server.process) - before
            print(f"  {n * step:,}: {steps[f'{n * step:,}']} MB, {spent_s / step * 1e6:.0f} us a request", flush=True)
    first, last = steps[f"{step:,}"], steps[f"{requests:,}"]
    save(
        "api_memory",
        title=f"The API's memory after {requests:,} requests, over that after {step:,}",
        goal=GOAL,
        result=last / first,
        unit="x",
        meaning="resident memory of the one process; polls with an ETag, a render for every fifty of them",
        mb_at_start=round(began / 1e6, 2),
        mb=steps,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    asyncio.run(measure(parser.parse_args().requests))

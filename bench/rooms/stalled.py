"""A room with a member that reads nothing: how long the others wait, and what the API's memory does.

Rounds without and with the stalled member take turns. It stands behind the smallest receive buffer the kernel gives, and
events are large, so that its window, the kernel's send buffer and the server's own bounds fill up within the round.
"""

import argparse
import asyncio
import contextlib
import json
import time
from typing import Any, Final, NamedTuple

import paths  # noqa: F401 - makes bench/ importable
from crowd import Crowd, crowd
from house import House, house, spread
from results import median, percentile, save

GOAL_RATIO: Final = 1.1
"""Unchanged, but for noise."""
MEMBERS: Final = 50
HZ: Final = 20.0
EVENT_BYTES: Final = 30_000
WARM_EVENTS: Final = 100
SETTLE_S: Final = 1.0
_LOOK_S: Final = 0.25


class Round(NamedTuple):
    """One round: the others' waits, the memory's peak above its start, and when the stalled member was sent away."""

    waits_ms: list[float]
    grown_kb: float
    closed_after_s: float | None


async def look(home: House, all_members: int, seen: dict[str, float]) -> None:
    """Note the API's highest memory, and when its connections became fewer."""
    process, began = home.stats(), time.time()
    while True:
        seen["peak"] = max(seen.get("peak", 0.0), process.memory_info().rss)
        with contextlib.suppress(OSError):
            sockets = [each for each in process.net_connections("tcp") if each.laddr.port == home.port and each.raddr]
            if len(sockets) < all_members and "closed_after_s" not in seen:
                seen["closed_after_s"] = time.time() - began
        await asyncio.sleep(_LOOK_S)


async def speak(home: House, room: str, count: int) -> None:
    """So many large events, evenly."""
    began = time.monotonic()
    for n in range(count):
        await home.happen(room, {"sent": time.time(), "text": "x" * EVENT_BYTES})
        await asyncio.sleep(max(0.0, began + (n + 1) / HZ - time.monotonic()))


async def one_round(home: House, room: str, members: Crowd, *, stalled: bool, seconds: float) -> Round:
    """Everybody comes, the room warms up, then it is measured."""
    targets = [home.member(room) for _ in range(MEMBERS)]
    await members.connect(targets)
    await speak(home, room, WARM_EVENTS)
    if stalled:
        await members.connect([home.member(room, stalled=True)])
    await asyncio.sleep(SETTLE_S)
    await members.begin(keep=True)
    before = home.stats().memory_info().rss
    seen: dict[str, float] = {}
    looking = asyncio.create_task(look(home, MEMBERS + stalled, seen))
    count = round(seconds * HZ)
    try:
        await speak(home, room, count)
        await asyncio.sleep(SETTLE_S)
    finally:
        looking.cancel()
    heard, tally = await members.heard(), await members.tally()
    await members.leave()
    await asyncio.sleep(SETTLE_S)
    assert tally.lost == 0, f"{tally.lost} of the others were lost"
    waits = [(at - json.loads(text)["data"]["sent"]) * 1000 for text, times in heard.items() for at in times]
    assert len(waits) == count * MEMBERS, f"{count * MEMBERS - len(waits)} frames were lost"
    made = Round(waits, (seen["peak"] - before) / 1000, seen.get("closed_after_s"))
    print(
        f"  {'with' if stalled else 'without'}: p99 {percentile(waits, 0.99):.1f} ms, memory +{made.grown_kb:.0f} KB, "
        f"stalled member closed after {made.closed_after_s}",
        flush=True,
    )
    return made


async def measure(rounds: int, seconds: float) -> None:
    made: dict[bool, list[Round]] = {False: [], True: []}
    async with house() as home, crowd() as members:
        [room] = await home.open_rooms(1)
        await one_round(
            home, room, members, stalled=False, seconds=seconds
        )  # what the first round loads is not counted
        for n in range(rounds):
            print(f"round {n + 1} of {rounds}", flush=True)
            for stalled in (False, True) if n % 2 == 0 else (True, False):
                made[stalled].append(await one_round(home, room, members, stalled=stalled, seconds=seconds))

    def side(rounds: list[Round]) -> dict[str, Any]:
        every = [value for each in rounds for value in each.waits_ms]
        return {
            "p50_ms": round(percentile(every, 0.5), 2),
            "p99_ms": round(median([percentile(each.waits_ms, 0.99) for each in rounds]), 2),
            "rounds_p99_ms": [round(percentile(each.waits_ms, 0.99), 2) for each in rounds],
            "memory_grown_kb": [round(each.grown_kb) for each in rounds],
            "closed_after_s": [each.closed_after_s and round(each.closed_after_s, 1) for each in rounds],
            "waits_ms": [round(value, 2) for value in spread(every)],
        }

    sides = {"all read": side(made[False]), "one reads nothing": side(made[True])}
    save(
        "rooms_stalled",
        title="The others' p99 in a room with a stalled member, over that without",
        goal=GOAL_RATIO,
        result=sides["one reads nothing"]["p99_ms"] / sides["all read"]["p99_ms"],
        unit="x",
        meaning=f"{MEMBERS} others, {HZ:.0f} durable events of {EVENT_BYTES // 1000} KB a second; median of the rounds' "
        "p99, from before the event's transaction to each member",
        sides=sides,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.seconds))

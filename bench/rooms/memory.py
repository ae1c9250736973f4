"""What an idle socket costs in memory, and how long 5,000 members of one room wait for a durable event.

Memory is the growth of the server's resident set from before the sockets to a moment after the last one is in, over
their number; a first crowd has come and gone by then, so that what the first connection loads is not counted.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final

import paths  # noqa: F401 - makes bench/ importable
import psutil
from crowd import Crowd, Target, crowd
from house import House, house, rss_bytes, spread
from peers import missing, peers
from results import percentile, save

GOAL_KB: Final = 40.0
IN_A_ROOM: Final = 5
WARM_UP: Final = 200
SETTLE_S: Final = 3.0
PAUSE_S: Final = 0.5
LIMITS: Final = {"room_connections": 20_000}


async def kb_each(process: psutil.Process, targets: list[Target], members: Crowd) -> float:
    """Kilobytes the server grew by for each of the sockets, which stay open."""
    await members.connect(targets[:WARM_UP])
    await members.leave()
    await asyncio.sleep(SETTLE_S)
    before = rss_bytes(process)
    took_s = await members.connect(targets)
    await members.begin()
    await asyncio.sleep(SETTLE_S)
    grown = (rss_bytes(process) - before) / len(targets) / 1000
    print(f"  {grown:.1f} KB a socket; {len(targets)} were in after {took_s:.1f} s", flush=True)
    return round(grown, 1)


async def waits_ms(home: House, room: str, members: Crowd, count: int) -> tuple[list[float], list[float]]:
    """From before the event's transaction to every member, and to the last member of each event."""
    await members.begin(keep=True)
    for n in range(count):
        await home.happen(room, {"number": n, "sent": time.time()})
        await asyncio.sleep(PAUSE_S)
    waits, last = [], []
    for message, times in (await members.heard()).items():
        sent = json.loads(message)["data"]["sent"]
        waits += [(at - sent) * 1000 for at in times]
        last.append((max(times) - sent) * 1000)
    return waits, last


async def measure(sockets: int, events: int) -> None:
    kb: dict[str, float] = {}
    async with house(**LIMITS) as home, peers(home.environment["RENDEROWL_REDIS_URL"]) as found, crowd() as members:
        [one, *small] = await home.open_rooms(1 + sockets // IN_A_ROOM)
        print(f"RenderOwl, rooms of {IN_A_ROOM}", flush=True)
        spread_out = [home.member(room) for room in small for _ in range(IN_A_ROOM)]
        kb[f"RenderOwl, rooms of {IN_A_ROOM}"] = await kb_each(home.stats(), spread_out, members)
        await members.leave()
        await home.stop()
        await home.start()
        print("RenderOwl, one room", flush=True)
        kb["RenderOwl, one room"] = await kb_each(home.stats(), [home.member(one) for _ in range(sockets)], members)
        waits, last = await waits_ms(home, one, members, events)
        tally = await members.tally()
        await members.leave()
        for peer in found:
            print(peer.name, flush=True)
            member: Callable[[str], Target] = peer.member
            kb[peer.name] = await kb_each(peer.process, [member("one") for _ in range(sockets)], members)
            await members.leave()
        not_measured = missing(found)
    assert len(waits) == sockets * events, f"{sockets * events - len(waits)} frames were lost"
    assert tally.lost == 0, f"{tally.lost} members were lost"
    figures: dict[str, Any] = {"sockets": sockets, "kb_a_socket": kb, "not_measured": not_measured}
    save(
        "rooms_memory",
        title="Memory for each idle socket",
        goal=GOAL_KB,
        result=max(value for name, value in kb.items() if name.startswith("RenderOwl")),
        unit="KB",
        meaning=f"growth of the API's resident memory over {sockets} sockets of one process, the worse of one room and "
        f"rooms of {IN_A_ROOM}",
        **figures,
    )
    save(
        "rooms_last_member",
        title=f"Durable event to the last of {sockets} members, p99",
        goal=None,
        result=percentile(last, 0.99),
        unit="ms",
        meaning="from before the event's transaction to the member that hears it last; one process, one room, no frame "
        "and no member lost",
        events=events,
        last_member_ms={"p50": round(percentile(last, 0.5), 1), "p99": round(percentile(last, 0.99), 1)},
        any_member_ms={"p50": round(percentile(waits, 0.5), 1), "p99": round(percentile(waits, 0.99), 1)},
        waits_ms=[round(value, 2) for value in spread(waits)],
        last_ms=[round(value, 2) for value in spread(last)],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--events", type=int, default=60)
    options = parser.parse_args()
    asyncio.run(measure(options.sockets, options.events))

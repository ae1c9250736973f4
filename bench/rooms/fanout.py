"""The server's CPU time for each frame it delivers: RenderOwl's API and its peers, in turns, in one run.

RenderOwl is given real progress (a worker's reports of two renders a room, five a second each, through the bus) and, in
rounds of its own, durable events recorded in Postgres. The peers are given the very message that RenderOwl's members
heard, as often. CPU time is that of the server's process, user and system, from the first message to the last frame.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NamedTuple

import paths  # noqa: F401 - makes bench/ importable
import psutil
from crowd import Crowd, Target, crowd
from house import House, cpu_s, house
from peers import Peer, missing, peers
from results import median, save

GOAL_US: Final = 10.0
GOAL_RATIO: Final = 1.0
RENDERS: Final = 2
HZ: Final = 10.0
"""Messages a second in each room: five of each render."""
EVENTS_A_SECOND: Final = 200
"""At most so many durable events a second in all rooms together: each is a transaction."""
WARM_S: Final = 1.0
SETTLE_S: Final = 1.0
QUIET_S: Final = 3.0
NAP_S: Final = 0.005
OURS: Final = "RenderOwl, progress"
OURS_DURABLE: Final = "RenderOwl, durable events"
WS: Final = "Node ws"
FILTER: Final = {"filter": {"types": ["progress", "state"], "max_hz": 10}}

Say = Callable[[str, int], Awaitable[object]]
"""Say the n-th message in a room."""


class Shape(NamedTuple):
    """How the members are spread."""

    name: str
    title: str
    rooms: int
    members: int


SHAPES: Final = (
    Shape("one", "1,000 members in one room", 1, 1000),
    Shape("many", "200 rooms of 5 members", 200, 5),
)


class Server(NamedTuple):
    """Something to measure."""

    name: str
    process: psutil.Process
    member: Callable[[str], Target]
    say: Say
    hz: float


class Sample(NamedTuple):
    """One round of one server."""

    us_per_frame: float
    frames: int
    expected: int
    frame_bytes: int


def ours(home: House, shape: Shape, first_frame: int) -> list[Server]:
    """RenderOwl twice, once a lane."""

    def member(room: str) -> Target:
        return home.member(room, hello=FILTER)

    async def progress(room: str, n: int) -> None:
        await home.progress(room, f"rnd_{room}_{n % RENDERS}", first_frame + n, 10_000_000)

    async def event(room: str, n: int) -> None:
        await home.happen(room, {"status": "queued", "number": n})

    return [
        Server(OURS, home.stats(), member, progress, HZ),
        Server(OURS_DURABLE, home.stats(), member, event, min(HZ, EVENTS_A_SECOND / shape.rooms)),
    ]


def theirs(found: list[Peer], message: bytes) -> list[Server]:
    """The peers, all sending `message`."""

    def server(peer: Peer) -> Server:
        return Server(peer.name, peer.process, peer.member, lambda room, _: peer.publish(room, message), HZ)

    return [server(peer) for peer in found]


async def speak(server: Server, rooms: list[str], seconds: float, begin_at: int = 0) -> int:
    """Say something in every room, evenly over time; returns how often."""
    count = round(seconds * server.hz) * len(rooms)
    began = time.monotonic()
    for n in range(count):
        await server.say(rooms[n % len(rooms)], begin_at + n // len(rooms))
        ahead = began + (n + 1) / (server.hz * len(rooms)) - time.monotonic()
        if ahead > 0.002:
            await asyncio.sleep(ahead)
    return count


@contextlib.asynccontextmanager
async def present(server: Server, rooms: list[str], shape: Shape, members: Crowd) -> AsyncIterator[None]:
    """All members are in the rooms within the block."""
    await members.connect([server.member(room) for room in rooms for _ in range(shape.members)])
    await asyncio.sleep(SETTLE_S)
    try:
        yield
    finally:
        await members.leave()
        await asyncio.sleep(SETTLE_S)


async def quiet(members: Crowd, expected: int) -> int:
    """Wait until everything has been heard, or nothing more comes; returns the frames."""
    frames, since = -1, time.monotonic()
    while True:
        now = (await members.tally()).frames
        if now != frames:
            frames, since = now, time.monotonic()
        if frames >= expected or time.monotonic() - since > QUIET_S:
            return frames
        await asyncio.sleep(0.05)


async def sample(server: Server, rooms: list[str], shape: Shape, members: Crowd, seconds: float) -> Sample:
    """One round: connect, warm up, measure, leave."""
    async with present(server, rooms, shape, members):
        await members.begin(nap_s=NAP_S)
        warm = await speak(server, rooms, WARM_S)
        await quiet(members, warm * shape.members)
        await members.begin(nap_s=NAP_S)
        before = cpu_s(server.process)
        said = await speak(server, rooms, seconds, begin_at=warm // len(rooms))
        frames = await quiet(members, said * shape.members)
        spent_s = cpu_s(server.process) - before
        tally = await members.tally()
    assert frames > 0, f"{server.name} delivered nothing"
    assert tally.lost == 0, f"{server.name} lost {tally.lost} members"
    made = Sample(spent_s / frames * 1e6, frames, said * shape.members, tally.bytes // frames)
    print(f"  {server.name}: {made.us_per_frame:.2f} us a frame, {frames} of {made.expected} frames", flush=True)
    return made


async def one_message(home: House, room: str, members: Crowd) -> bytes:
    """A progress message as RenderOwl's members hear it."""
    await members.connect([home.member(room, hello=FILTER)])
    await members.begin(keep=True)
    await home.progress(room, f"rnd_{room}_0", 5000, 10_000_000)
    await quiet(members, 1)
    heard = await members.heard()
    await members.leave()
    return next(iter(heard))


async def measure_shape(
    home: House, found: list[Peer], shape: Shape, rounds: int, seconds: float
) -> dict[str, list[Sample]]:
    """The samples of every server; each round begins with another."""
    samples: dict[str, list[Sample]] = {}
    rooms = await home.open_rooms(shape.rooms)
    async with crowd() as members:
        message = await one_message(home, rooms[0], members)
        for n in range(rounds):
            print(f"{shape.title}, round {n + 1} of {rounds}", flush=True)
            servers = [*ours(home, shape, (n + 1) * 10_000), *theirs(found, message)]
            for server in servers[n % len(servers) :] + servers[: n % len(servers)]:
                samples.setdefault(server.name, []).append(await sample(server, rooms, shape, members, seconds))
    return samples


def summary(samples: dict[str, list[Sample]]) -> dict[str, dict[str, Any]]:
    """For each server its median and all that was measured, RenderOwl first, then by cost."""
    cost = {name: median([each.us_per_frame for each in all]) for name, all in samples.items()}
    order = sorted(samples, key=lambda name: (not name.startswith("RenderOwl"), cost[name]))
    return {
        name: {
            "us_per_frame": round(cost[name], 2),
            "ours_over_this": round(cost[OURS] / cost[name], 3),
            "rounds_us": [round(each.us_per_frame, 2) for each in samples[name]],
            "delivered": round(sum(s.frames for s in samples[name]) / sum(s.expected for s in samples[name]), 4),
            "frame_bytes": samples[name][0].frame_bytes,
        }
        for name in order
    }


async def measure(rounds: int, seconds: float) -> None:
    found_by_shape = {}
    async with house() as home, peers(home.environment["RENDEROWL_REDIS_URL"]) as found:
        for shape in SHAPES:
            servers = summary(await measure_shape(home, found, shape, rounds, seconds))
            found_by_shape[shape.name] = servers
            save(
                f"rooms_fanout_{shape.name}",
                title=f"Server CPU a delivered frame, {shape.title}",
                goal=GOAL_US,
                result=servers[OURS]["us_per_frame"],
                unit="us",
                meaning="user and system time of the API's process over the frames its members received, progress; "
                "median of the rounds",
                servers=servers,
                not_measured=missing(found),
                hz_in_each_room=HZ,
            )
    if all(WS in servers for servers in found_by_shape.values()):
        ratios = {shape.title: found_by_shape[shape.name][WS]["ours_over_this"] for shape in SHAPES}
        save(
            "rooms_against_ws",
            title="RenderOwl's CPU a frame over that of Node's ws",
            goal=GOAL_RATIO,
            result=max(ratios.values()),
            unit="x",
            meaning="the worse of one big room and many small ones, from the same rounds",
            ratios=ratios,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each round publishes")
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.seconds))

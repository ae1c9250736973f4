"""How old an encoder's progress line is when a client hears of it, with one member in the room.

The worker notes when it has read each line; the client notes when a message arrives that covers it. Both read the same
clock. A render's steps run side by side and messages say their sum, so a line counts as heard with the first message
whose frame count is at least the sum as it was with that line: waiting for a slower message counts as delay.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from results import percentile, save
from stack import Stack, connected, film, make_media, upload

from renderowl.client import Client, RoomFilter
from renderowl.pipeline.tools import discover

GOAL_MS: Final = 50.0


class Case(NamedTuple):
    """How many encoders run side by side, and how many messages a second about a render the client takes."""

    name: str
    slots: int
    max_hz: float


CASES: Final = (
    Case("one encoder", 1, 5),
    Case("two encoders, 5 messages a second", 2, 5),
    Case("two encoders, 10 messages a second", 2, 10),
)
"""An encoder says 5 lines a second and 5 messages a second is what a room sends of a render unless asked for more."""


async def watch(
    client: Client, project_id: str, sources: list[str], case: Case, seconds: float
) -> list[tuple[float, int]]:
    """(time, frames) of every progress message of a render."""
    heard = []
    props = film(*sources, title=case.name, volume=0.5, seconds=seconds)
    render = await client.create_render(project_id, "timeline", props)
    async for message in client.room(project_id, filter=RoomFilter(max_hz=case.max_hz)):
        now = time.time()
        if message.render_id == render.id and message.type == "render.progress":
            heard.append((now, message.data["current_frame"]))
        elif message.render_id == render.id and message.type in ("render.completed", "render.failed"):
            assert message.type == "render.completed", message.data
            return heard
    raise AssertionError("the room ended")


def sums(notes: Path) -> list[tuple[float, int]]:
    """(time, frames of all steps together) at each line that advanced."""
    newest: dict[str, int] = {}
    found = []
    for line in notes.read_text().splitlines():
        at, step, frame = line.split()
        if int(frame) > newest.get(step, 0):
            newest[step] = int(frame)
            found.append((float(at), sum(newest.values())))
    return found


def delays_ms(read: list[tuple[float, int]], heard: list[tuple[float, int]]) -> list[float]:
    """Milliseconds from each line read to the message that told of it."""
    found = []
    for at, frames in read:
        later = next((then for then, told in heard if told >= frames and then >= at), None)
        if later is not None:
            found.append((later - at) * 1000)
    return found


async def with_worker(stack: Stack, notes: Path, slots: int) -> asyncio.subprocess.Process:
    """The worker that notes, attached to the stack."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("traced_worker.py")), str(notes), str(slots)),
        env=os.environ | stack.environment(),
        stderr=(stack.data_dir / "traced_worker.log").open("wb"),
    )


async def measure_case(media: tuple[Path, Path], case: Case, seconds: float) -> dict[str, Any]:
    """The delays of one render with so many encoders side by side, heard at most so often a second."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        notes = Path(folder) / "notes"
        async with connected("--workers", "0") as (stack, client):
            worker = await with_worker(stack, notes, case.slots)
            try:
                project = await client.create_project("Latency")
                sources = await upload(client, project.id, media)
                heard = await watch(client, project.id, sources, case, seconds)
            finally:
                worker.terminate()
                await worker.wait()
        read = sums(notes)
    delays = delays_ms(read, heard)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
    found = {name: round(percentile(delays, share), 2) for name, share in shares.items()}
    print(f"{case.name}: {len(read)} lines, {len(heard)} messages, {found}", flush=True)
    return {"lines": len(read), "messages": len(heard), **found, "delays_ms": [round(each, 2) for each in delays]}


async def measure(seconds: float) -> None:
    media = await make_media(await discover(), Path(".renderowl/bench"))
    cases = {case.name: await measure_case(media, case, seconds) for case in CASES}
    save(
        "progress_latency",
        title="Encoder's progress line to the client's socket, p95, one encoder at work",
        goal=GOAL_MS,
        result=cases[CASES[0].name]["p95_ms"],
        unit="ms",
        meaning="from the worker having read the line to the client having the message, one encoder, one member, all "
        "lines counted",
        cases=cases,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=16.0, help="length of the film")
    asyncio.run(measure(parser.parse_args().seconds))

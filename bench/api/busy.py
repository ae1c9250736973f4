"""How long a poll takes while twenty renders run: `renderowl up` whose worker has twenty slots, and a poller for each."""

import argparse
import asyncio
import os
import random
import time
from typing import Any, Final

import asking
import paths  # noqa: F401 - makes bench/ importable
import psutil
from house import cpu_s
from results import percentile, save
from stack import TOKEN, Stack, connected

from renderowl.client import Client

RENDERS: Final = 20
POLLS_A_SECOND: Final = 5.0
"""Of each render: as often as a room is told of it."""
WARM_S: Final = 3.0
FILM: Final[dict[str, Any]] = {
    "composition_id": "timeline",
    "input_props": {
        "width": 1920,
        "height": 1080,
        "fps": 30,
        "tracks": [{"clips": [{"type": "text", "text": "{{title}}", "duration": 4, "fade_in": 2, "fade_out": 2}]}],
    },
    "output_settings": {"preset": "veryslow"},
    "force": True,
}
"""One segment that twenty encoders at once on two cores need minutes for."""


def api_of(stack: Stack) -> psutil.Process:
    """The process of the stack that listens on its port."""
    port = int(stack.url.rpartition(":")[2])
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        if any(found.status == "LISTEN" and found.laddr.port == port for found in process.net_connections("tcp")):
            return process
    raise LookupError("nothing listens on the stack's port")


async def running_renders(stack: Stack, client: Client) -> list[str]:
    """The paths of twenty renders whose encoders all run."""
    project = await client.create_project("Busy")
    films = [FILM | {"input_props": FILM["input_props"] | {"variables": {"title": str(n)}}} for n in range(RENDERS)]
    made = [await client.create_render(project.id, **film) for film in films]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        states = [(await client.get_render(project.id, render.id)).status for render in made]
        assert not {"failed", "completed"} & set(states), states
        if set(states) == {"processing"} and len(stack.encoders()) >= RENDERS:
            return [f"/projects/{project.id}/renders/{render.id}/progress" for render in made]
        await asyncio.sleep(0.5)
    raise TimeoutError(f"not all render: {states}, {len(stack.encoders())} encoders")


async def poll(port: int, path: str, until: float, found: asking.Answers) -> None:
    """Ask with the newest ETag until then, evenly; a poll that is late is not made up for."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    await asyncio.sleep(random.uniform(0, 1 / POLLS_A_SECOND))
    async with asking.line(port) as line:
        while (began := time.perf_counter()) < until:
            answer = await line.ask(asking.request("GET", path, headers))
            found.waits_ms.append((time.perf_counter() - began) * 1e3)
            found.statuses[answer.status] += 1
            if "etag" in answer.headers:
                headers["if-none-match"] = answer.headers["etag"]
            await asyncio.sleep(max(0.0, began + 1 / POLLS_A_SECOND - time.perf_counter()))


async def measure(seconds: float) -> None:
    os.environ["RENDEROWL_WORKER_SLOTS"] = str(RENDERS)
    async with connected() as (stack, client):
        api, port = api_of(stack), int(stack.url.rpartition(":")[2])
        renders = await running_renders(stack, client)
        await asyncio.gather(*(poll(port, path, time.perf_counter() + WARM_S, asking.Answers()) for path in renders))
        found, before = asking.Answers(), cpu_s(api)
        end = time.perf_counter() + seconds
        await asyncio.gather(*(poll(port, path, end, found) for path in renders))
        cpu_us = (cpu_s(api) - before) / len(found.waits_ms) * 1e6
        encoders, load = len(stack.encoders()), psutil.getloadavg()[0]
    assert set(found.statuses) <= {200, 304}, found.statuses
    assert encoders >= RENDERS, f"only {encoders} renders still ran"
    save(
        "api_busy",
        title=f"A poll while {RENDERS} renders run, p99",
        goal=None,
        result=percentile(found.waits_ms, 0.99),
        unit="ms",
        meaning=f"from the request's sending to its answer; {RENDERS} pollers with an ETag, {POLLS_A_SECOND:g} polls a second"
        " each, beside as many encoders on the same cores",
        waits_ms=[round(wait, 2) for wait in found.waits_ms],
        p50_ms=round(percentile(found.waits_ms, 0.5), 2),
        p95_ms=round(percentile(found.waits_ms, 0.95), 2),
        statuses={str(status): count for status, count in found.statuses.items()},
        api_cpu_us_a_poll=round(cpu_us, 1),
        encoders_at_the_end=encoders,
        load_average_1min_amid=round(load, 2),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    asyncio.run(measure(parser.parse_args().seconds))

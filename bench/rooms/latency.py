"""How old an encoder's progress line is when 1, 100 and 1,000 members of a room hear of it.

As `bench/progress_latency.py`, whose worker notes when it has read each line of a real encoder; here every member of a
crowd notes when it has the message that covers the line. One encoder, 5 lines a second.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import paths  # noqa: F401 - makes bench/ importable
from crowd import Crowd, Target, crowd
from house import spread
from progress_latency import sums, with_worker
from results import percentile, save
from stack import Stack, connected, film, make_media, upload

from renderowl.client.http import Client
from renderowl.pipeline.tools import discover
from renderowl.security.keyring import Keyring
from renderowl.security.tokens import TokenSigner
from renderowl.services.callers import BOOTSTRAP_USER

CASES: Final = (1, 100, 1000)
_TOKEN_S: Final = 3600


def targets(stack: Stack, project_id: str, count: int) -> list[Target]:
    """Members with a token each."""
    environment = stack.environment()
    signer = TokenSigner(Keyring([environment["RENDEROWL_SECRET_KEY"]]))
    port = int(environment["RENDEROWL_PORT"])
    hello = {"filter": {"types": ["progress", "state"], "max_hz": 10}}

    def headers() -> tuple[tuple[str, str], ...]:
        token, _ = signer.mint(BOOTSTRAP_USER, ["read"], project_id=project_id, ttl_s=_TOKEN_S)
        return (("Authorization", f"Bearer {token}"), ("Sec-WebSocket-Protocol", "renderowl.v1"))

    path = f"/ws/projects/{project_id}/renders"
    return [Target(port, path, headers(), hello) for _ in range(count)]


async def follow(client: Client, project_id: str, sources: list[str], seconds: float) -> None:
    """Render a film to its end."""
    render = await client.create_render(
        project_id, "timeline", film(*sources, title="Crowd", volume=0.5, seconds=seconds)
    )
    async for message in client.room(project_id):
        if message.render_id == render.id and message.type in ("render.completed", "render.failed"):
            assert message.type == "render.completed", message.data
            return


def delays_ms(read: list[tuple[float, int]], heard: dict[bytes, list[float]], members: int) -> list[float]:
    """Milliseconds from each line to each member; who missed a message counts with the last of those after it."""
    messages = []
    for text, times in heard.items():
        message = json.loads(text)
        if message["type"] == "render.progress":
            messages.append((message["data"]["current_frame"], sorted(times)))
    messages.sort()
    found = []
    for at, frames in read:
        times: list[float] = []
        for told, when in messages:
            if told >= frames and len(times) < members:
                times += [each for each in when if each >= at][-(members - len(times)) :]
        found += [(each - at) * 1000 for each in times]
    return found


async def measure_case(media: tuple[Path, Path], members: Crowd, count: int, seconds: float) -> dict[str, Any]:
    """The delays of one render that so many watch."""
    with tempfile.TemporaryDirectory(prefix="renderowl-bench-") as folder:
        notes = Path(folder) / "notes"
        async with connected("--workers", "0") as (stack, client):
            worker = await with_worker(stack, notes, 1)
            try:
                project = await client.create_project("Crowd")
                sources = await upload(client, project.id, media)
                await members.connect(targets(stack, project.id, count))
                await members.begin(keep=True)
                await follow(client, project.id, sources, seconds)
                heard, tally = await members.heard(), await members.tally()
                await members.leave()
            finally:
                worker.terminate()
                await worker.wait()
        read = sums(notes)
    assert tally.lost == 0, f"{tally.lost} members were lost"
    delays = delays_ms(read, heard, count)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
    found = {name: round(percentile(delays, share), 2) for name, share in shares.items()}
    print(f"{count} members: {len(read)} lines, {len(delays)} delays, {found}", flush=True)
    return {
        "lines": len(read),
        "delays": len(delays),
        **found,
        "delays_ms": [round(each, 2) for each in spread(delays)],
    }


async def measure(seconds: float) -> None:
    media = await make_media(await discover(), Path(".renderowl/bench"))
    async with crowd() as members:
        cases = {f"{count:,} members": await measure_case(media, members, count, seconds) for count in CASES}
    save(
        "rooms_latency",
        title=f"Encoder's progress line to {CASES[-1]:,} members, p95",
        goal=None,
        result=cases[f"{CASES[-1]:,} members"]["p95_ms"],
        unit="ms",
        meaning="from the worker having read the line to each member having the message that covers it, while the "
        "encoder takes the processor it can get",
        cases=cases,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=16.0, help="length of the film")
    asyncio.run(measure(parser.parse_args().seconds))

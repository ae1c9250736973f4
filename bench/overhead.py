"""What the whole service costs around FFmpeg: a 30 s 1080p render against its own commands run bare, two at a time.

Both run alternately on one machine, so that what else happens there meets both. Each repetition has its own title and
volume: no segment is in the cache. The commands and their files are those of the plan that the service stored.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
from results import median, save
from stack import Stack, connected, film, make_media, upload

from renderowl.client import Client
from renderowl.pipeline.command import Command, audio_command, link, segment_command
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment
from renderowl.pipeline.join import film_command, joins_unopened
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.tools import Toolchain, discover

SLOTS: Final = 2
GOAL: Final = 1.10


async def through_the_service(client: Client, project_id: str, sources: list[str], title: str) -> tuple[float, str]:
    """Seconds from sending the POST to `render.completed` on the socket, and the render."""
    props = film(*sources, title=title, volume=0.5 + secrets.randbelow(400_000) / 1e6)
    room = aiter(client.room(project_id))
    async with contextlib.aclosing(room):
        assert (await anext(room)).type == "snapshot"
        began = time.monotonic()
        render = await client.create_render(project_id, "timeline", props)
        async for message in room:
            if message.render_id == render.id and message.type in ("render.completed", "render.failed"):
                assert message.type == "render.completed", message.data
                return time.monotonic() - began, render.id
    raise AssertionError("the room ended")


async def plan_of(stack: Stack, render_id: str) -> Plan:
    """The plan that the service made of a render and worked from."""
    connection = await asyncpg.connect(stack.environment()["RENDEROWL_DATABASE_URL"], ssl=False)
    try:
        stored = await connection.fetchval("SELECT plan FROM renders WHERE id = $1", render_id)
    finally:
        await connection.close()
    return msgspec.convert(json.loads(stored)["plan"], Plan)


async def bare(plan: Plan, files: Mapping[str, Path], tools: Toolchain, folder: Path) -> float:
    """Seconds the plan's commands take, SLOTS at a time, in the order in which the service gives them out."""
    commands = [segment_command(segment, plan.encoding, plan.preview, tools) for segment in plan.segments]
    segments = [
        EncodedSegment(folder / str(n) / command.output, segment.frames, 0, "")
        for n, (command, segment) in enumerate(zip(commands, plan.segments, strict=True))
    ]
    audio = None
    if plan.audio is not None:
        commands.append(audio_command(plan.audio, plan.encoding, tools))
        audio = EncodedAudio(folder / str(len(segments)) / commands[-1].output, 0.0, 0)
    for n, command in enumerate(commands):
        command.prepare(folder / str(n), files)
    assembling = film_command(plan, segments, audio, tools, unopened=joins_unopened(plan, tools))
    assembling.prepare(folder / "film", {})
    for n, segment in enumerate(segments):
        link(folder / "film" / f"part-{n}.nut", segment.path)
    if audio is not None:
        link(folder / "film" / "sound", audio.path)

    slots = asyncio.Semaphore(SLOTS)

    async def in_turn(n: int, command: Command) -> None:
        async with slots:
            await _run(command, folder / str(n))

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for n, command in enumerate(commands):
            group.create_task(in_turn(n, command))
    await _run(assembling, folder / "film")
    return time.monotonic() - began


async def _run(command: Command, folder: Path) -> None:
    nothing = asyncio.subprocess.DEVNULL
    environment = os.environ | {"LC_ALL": "C", "FONTCONFIG_FILE": "fonts.conf"}
    process = await asyncio.create_subprocess_exec(
        *command.argv, cwd=folder, env=environment, stdin=nothing, stdout=nothing, stderr=nothing
    )
    assert await process.wait() == 0, command.argv


async def measure(pairs: int, keep_logs: Path | None) -> None:
    tools = await discover()
    video, music = await make_media(tools, Path(".renderowl/bench"))
    ratios, serviced_s, bare_s = [], [], []
    async with connected("--slots", str(SLOTS)) as (stack, client):
        project = await client.create_project("Overhead")
        sources = await upload(client, project.id, [video, music])
        files = dict(zip(sources, (video, music), strict=True))
        for n in range(pairs):
            service_s, render_id = await through_the_service(client, project.id, sources, f"Take {n}")
            plan = await plan_of(stack, render_id)
            with tempfile.TemporaryDirectory(prefix="renderowl-bare-") as folder:
                alone_s = await bare(plan, files, tools, Path(folder))
            ratios.append(service_s / alone_s)
            serviced_s.append(service_s)
            bare_s.append(alone_s)
            print(f"pair {n}: service {service_s:.2f} s, bare {alone_s:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
        if keep_logs is not None:
            keep_logs.write_bytes((stack.data_dir / "logs" / "worker-1.log").read_bytes())
    save(
        "overhead",
        title="Service around FFmpeg, 30 s 1080p",
        goal=GOAL,
        result=median(ratios),
        unit="x",
        meaning="wall time through the service (POST to render.completed on the socket) over the same commands run "
        "bare, two at a time; median of the pairs",
        ratios=ratios,
        service_s=serviced_s,
        bare_s=bare_s,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--worker-log", type=Path, help="where to leave the worker's log, to see where time goes")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.pairs, arguments.worker_log))

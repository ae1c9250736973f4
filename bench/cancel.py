"""How long after a cancel request the last FFmpeg process of a render is gone, asked in the middle of encoding."""

import argparse
import asyncio
import time
from pathlib import Path
from typing import Final

from results import median, save
from stack import Stack, connected, film, make_media, upload

from renderowl.client import Client
from renderowl.pipeline.tools import discover

GOAL_S: Final = 2.0
ENOUGH_FRAMES: Final = 20


async def cancel_once(stack: Stack, client: Client, project_id: str, sources: list[str], title: str) -> float:
    """Seconds from sending the request to the end of the last FFmpeg process."""
    render = await client.create_render(project_id, "timeline", film(*sources, title=title, volume=0.5))
    async for message in client.room(project_id):
        is_ours = message.type == "render.progress" and message.render_id == render.id
        if is_ours and message.data["current_frame"] >= ENOUGH_FRAMES and stack.encoders():
            break
        assert message.type != "render.completed", "the render was too short to be cancelled"
    began = time.monotonic()
    await client.cancel_render(project_id, render.id)
    while stack.encoders():
        await asyncio.sleep(0.005)
        assert time.monotonic() - began < 30, "an encoder was left"
    took_s = time.monotonic() - began
    assert (await client.get_render(project_id, render.id)).status == "cancelled"
    return took_s


async def measure(times: int) -> None:
    media = await make_media(await discover(), Path(".renderowl/bench"))
    async with connected("--slots", "2") as (stack, client):
        project = await client.create_project("Cancel")
        sources = await upload(client, project.id, media)
        took_s = [await cancel_once(stack, client, project.id, sources, f"Take {n}") for n in range(times)]
    save(
        "cancel",
        title="Cancel request to the last FFmpeg process gone",
        goal=GOAL_S,
        result=max(took_s),
        unit="s",
        meaning="the slowest of all; two encoders run when the request is sent",
        took_s=took_s,
        median_s=median(took_s),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    asyncio.run(measure(parser.parse_args().times))

"""Stopping a hub."""

import asyncio

from renderowl.testing.serving import World
from renderowl.ws.hub import Hub


async def test_a_hub_that_has_only_just_started_stops(world: World) -> None:
    for loops in range(40):
        hub = Hub(world.ctx)
        await hub.start()
        for _ in range(loops):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await hub.stop()

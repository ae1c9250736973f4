"""Litestar's Channels plugin as its documentation sets it up: a Redis backend and the plugin's own WebSocket routes."""

import os

from litestar import Litestar, get
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.redis import RedisChannelsPubSubBackend
from redis.asyncio import Redis


@get("/")
async def ready() -> str:
    return "ready"


channels = ChannelsPlugin(
    backend=RedisChannelsPubSubBackend(redis=Redis.from_url(os.environ["PEER_REDIS_URL"])),
    arbitrary_channels_allowed=True,
    create_ws_route_handlers=True,
    ws_handler_base_path="/rooms/",
)
app = Litestar([ready], plugins=[channels])

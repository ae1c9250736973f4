"""The least that uvicorn can do: a set of `send` callables a room, called one after the other for each message."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio

Send = Callable[[dict[str, Any]], Awaitable[None]]
rooms: dict[str, set[Send]] = {}
pubsub = redis.asyncio.Redis.from_url(os.environ["PEER_REDIS_URL"]).pubsub(ignore_subscribe_messages=True)


async def listen() -> None:
    await pubsub.subscribe("bench:nobody")
    async for message in pubsub.listen():
        event = {"type": "websocket.send", "text": message["data"].decode()}
        for send in list(rooms.get(message["channel"].decode(), ())):
            await send(event)


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        listening = asyncio.create_task(listen())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        listening.cancel()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    else:
        await receive()
        await send({"type": "websocket.accept"})
        channel = f"bench:{scope['path'].removeprefix('/rooms/')}"
        if channel not in rooms:
            rooms[channel] = set()
            await pubsub.subscribe(channel)
        rooms[channel].add(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        rooms[channel].discard(send)
        if not rooms[channel]:
            del rooms[channel]
            await pubsub.unsubscribe(channel)

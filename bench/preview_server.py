"""The API with a preview transport of choice, for `previews.py`: base64 in JSON as it is, a binary frame, a signed URL.

The two others are put into the room where a picture becomes a word, so that Redis, hub, member and socket are the same
for all three. Says `ready <port>`; everything else comes from the environment.
"""

import asyncio
import base64
import hashlib
import hmac
import socket
import sys
import time
from functools import cached_property
from typing import Any, Final

import msgspec
import redis.asyncio
import uvicorn
from litestar import Litestar, Response, get
from litestar.params import FromPath, FromQuery

from renderowl import settings
from renderowl.actors.asset_prober import AssetProber
from renderowl.api.request_log import request_log
from renderowl.app import configure_logging, make_api, open_context
from renderowl.domain.errors import UrlExpired
from renderowl.pipeline.tools import discover
from renderowl.security.signing import derive
from renderowl.ws import hub as hub_module
from renderowl.ws.words import EphemeralWord
from renderowl.ws.hub import Hub

TTL_S: Final = 60


class _Body(msgspec.Struct):
    type: str
    render_id: str
    data: dict[str, Any]


def _sign(key: bytes, render_id: str, expires: int) -> str:
    return hmac.new(key, f"GET {render_id} {expires}".encode(), hashlib.sha256).hexdigest()


def binary_words() -> type[EphemeralWord]:
    """Words whose pictures are one binary frame: the length of the JSON, the JSON, the JPEG."""

    class BinaryWord(EphemeralWord):
        @cached_property
        def text(self) -> str:
            if self.interest != "preview":
                return super().text
            body = msgspec.json.decode(self._body, type=_Body)
            jpeg = base64.b64decode(body.data.pop("base64"))
            head = msgspec.json.encode(body)
            return len(head).to_bytes(2, "big") + head + jpeg  # type: ignore[return-value]  # for `in_bytes`

    return BinaryWord


def signed_words(base_url: str, key: bytes) -> type[EphemeralWord]:
    """Words that say where the picture is, for a minute."""

    class SignedWord(EphemeralWord):
        @cached_property
        def text(self) -> str:
            if self.interest != "preview":
                return super().text
            body = msgspec.json.decode(self._body, type=_Body)
            del body.data["base64"]
            expires = int(time.time()) + TTL_S
            query = f"frame={body.data['frame']}&expires_at={expires}&signature={_sign(key, body.render_id, expires)}"
            body.data["url"] = f"{base_url}/previews/{body.render_id}?{query}"
            return msgspec.json.encode(body).decode()

    return SignedWord


def in_bytes(app: Any) -> Any:
    """Sends what words are: text or bytes. One more call for every message, with every transport."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "websocket.send" and isinstance(message.get("text"), bytes):
                message = {"type": "websocket.send", "bytes": message["text"], "text": None}
            await send(message)

        await app(scope, receive, sending)

    return wrapped


def beside(api: Any, pictures: Any) -> Any:
    """The API, and an application of its own for the pictures."""

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        of_pictures = scope["type"] == "http" and scope["path"].startswith("/previews/")
        await (pictures if of_pictures else api)(scope, receive, send)

    return dispatch


def picture_route(redis_url: str, key: bytes) -> Any:
    """`GET /previews/{render_id}` for whoever has a signed URL; straight from Redis."""
    client = redis.asyncio.Redis.from_url(redis_url)

    @get("/previews/{render_id:str}")
    async def picture(
        render_id: FromPath[str], frame: FromQuery[int], expires_at: FromQuery[int], signature: FromQuery[str]
    ) -> Response[bytes]:
        genuine = hmac.compare_digest(_sign(key, render_id, expires_at), signature)
        if not genuine or time.time() >= expires_at:
            raise UrlExpired("The URL has expired or is not ours")
        found = await client.hget(f"renderowl:preview:{render_id}", "picture")
        return Response(found, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})

    return picture


async def main(transport: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    loaded = settings.load(host="127.0.0.1", port=port, public_url=f"http://127.0.0.1:{port}")
    configure_logging(loaded)
    async with open_context(loaded) as ctx:
        hub = Hub(ctx)
        key = derive(loaded.secret_key, "previews")
        api: Any = make_api(ctx, hub, AssetProber(ctx, await discover()))
        if transport == "binary":
            hub_module.EphemeralWord = binary_words()  # type: ignore[misc]
        elif transport == "url":
            hub_module.EphemeralWord = signed_words(loaded.base_url, key)  # type: ignore[misc]
            api = beside(api, request_log(Litestar([picture_route(loaded.redis_url, key)], logging_config=None)))
        config = uvicorn.Config(
            in_bytes(api),
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        await hub.start()
        print(f"ready {port}", flush=True)
        try:
            await uvicorn.Server(config).serve([listener])
        finally:
            await hub.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

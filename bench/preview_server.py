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
import uvicorn
from litestar import Litestar, Response, get
from litestar.params import FromPath, FromQuery
from websockets.frames import Frame, Opcode

from renderowl import settings
from renderowl.actors.asset_prober import AssetProber
from renderowl.api.request_log import request_log
from renderowl.app import make_api, open_context
from renderowl.bus.base import Bus
from renderowl.domain.errors import UrlExpired
from renderowl.pipeline.tools import discover
from renderowl.security.signing import derive
from renderowl.services import logs
from renderowl.services.usage import Tally
from renderowl.ws import hub as hub_module
from renderowl.ws.hub import Hub
from renderowl.ws.link import LinkedProtocol
from renderowl.ws.words import EphemeralWord, frame_of

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
        def frame(self) -> bytes:
            if self.interest != "preview":
                return super().frame
            body = msgspec.json.decode(self._body, type=_Body)
            jpeg = base64.b64decode(body.data.pop("base64"))
            head = msgspec.json.encode(body)
            message = len(head).to_bytes(2, "big") + head + jpeg
            return Frame(Opcode.BINARY, message).serialize(mask=False)

    return BinaryWord


def signed_words(base_url: str, key: bytes) -> type[EphemeralWord]:
    """Words that say where the picture is, for a minute."""

    class SignedWord(EphemeralWord):
        @cached_property
        def frame(self) -> bytes:
            if self.interest != "preview":
                return super().frame
            body = msgspec.json.decode(self._body, type=_Body)
            del body.data["base64"]
            expires = int(time.time()) + TTL_S
            query = f"frame={body.data['frame']}&expires_at={expires}&signature={_sign(key, body.render_id, expires)}"
            body.data["url"] = f"{base_url}/previews/{body.render_id}?{query}"
            return frame_of(msgspec.json.encode(body).decode())

    return SignedWord


def beside(api: Any, pictures: Any) -> Any:
    """The API, and an application of its own for the pictures."""

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        of_pictures = scope["type"] == "http" and scope["path"].startswith("/previews/")
        await (pictures if of_pictures else api)(scope, receive, send)

    return dispatch


def picture_route(bus: Bus, key: bytes) -> Any:
    """`GET /previews/{render_id}` for whoever has a signed URL; straight from Redis."""

    @get("/previews/{render_id:str}")
    async def picture(
        render_id: FromPath[str], frame: FromQuery[int], expires_at: FromQuery[int], signature: FromQuery[str]
    ) -> Response[bytes]:
        genuine = hmac.compare_digest(_sign(key, render_id, expires_at), signature)
        if not genuine or time.time() >= expires_at:
            raise UrlExpired("The URL has expired or is not ours")
        _, found = await bus.newest_preview(render_id) or (0, None)
        if found is None:
            raise UrlExpired("The picture is gone")
        return Response(found.jpeg, media_type=found.content_type, headers={"cache-control": "private, max-age=60"})

    return picture


async def main(transport: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    loaded = settings.load(
        host="127.0.0.1",
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        room_connections_per_key=1000,
        room_connections_per_principal=1000,
    )
    logs.configure(loaded)
    async with open_context(loaded) as ctx:
        hub = Hub(ctx)
        key = derive(loaded.secret_key, "previews")
        api: Any = make_api(ctx, hub, AssetProber(ctx, await discover()), Tally())
        if transport == "binary":
            hub_module.EphemeralWord = binary_words()  # type: ignore[misc]
        elif transport == "url":
            hub_module.EphemeralWord = signed_words(loaded.base_url, key)  # type: ignore[misc]
            api = beside(api, request_log(Litestar([picture_route(ctx.bus, key)], logging_config=None)))
        config = uvicorn.Config(
            api,
            ws=LinkedProtocol,
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

"""A proxy that makes a real HTTP server an unreliable one."""

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal

import httpx
import uvicorn

Fault = Literal["refused", "lost", "cut"]
_HOP_BY_HOP: Final = {b"connection", b"keep-alive", b"transfer-encoding", b"expect"}
_SLOW_DOWN: Final = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


class FaultyProxy:
    """An ASGI application that passes requests to `target_url` and spoils a share of them.

    Which ones depends on `seed`, the path and how often it was asked for, not on the order in which requests arrive.

    `refused` answers 503 and passes nothing on, `lost` answers 503 after the target has done its work, `cut` breaks
    off half-way through the body of a good answer. Signed requests stay valid: path, query, Host and body are passed as they
    are.
    """

    def __init__(self, target_url: str, faults: Sequence[Fault], *, share: float, seed: int) -> None:
        self.counts: Counter[Fault | Literal["requests"]] = Counter()
        self._target = httpx.URL(target_url)
        self._faults = faults
        self._share = share
        self._seed = seed
        self._asked: Counter[bytes] = Counter()
        self._client = httpx.AsyncClient(trust_env=False, timeout=30)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.counts["requests"] += 1
        fault = self._draw(scope["raw_path"])
        content = await _body(receive)
        if fault == "refused":
            return await _send(send, 503, [(b"content-type", b"application/xml")], _SLOW_DOWN)
        status, headers, body = await self._forward(scope, content)
        if fault == "lost":
            return await _send(send, 503, [(b"content-type", b"application/xml")], _SLOW_DOWN)
        if fault == "cut" and status < 400 and len(body) > 1:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            raise ConnectionResetError  # the server closes the connection: the body stays shorter than announced
        await _send(send, status, headers, body)

    def _draw(self, path: bytes) -> Fault | None:
        self._asked[path] += 1
        drawn = random.Random(f"{self._seed} {self._asked[path]} {path!r}")
        if drawn.random() >= self._share:
            return None
        fault = drawn.choice(self._faults)
        self.counts[fault] += 1
        return fault

    async def _forward(self, scope: dict[str, Any], content: bytes) -> tuple[int, Sequence[tuple[bytes, bytes]], bytes]:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        request = self._client.build_request(
            scope["method"],
            self._target.copy_with(raw_path=scope["raw_path"] + query),
            headers=[(name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP],
            content=content,
        )
        answer = await self._client.send(request, stream=True)
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
        await answer.aclose()
        headers = [(name.lower(), value) for name, value in answer.headers.raw]
        return answer.status_code, [pair for pair in headers if pair[0] not in _HOP_BY_HOP], body

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve on a loopback port inside this loop; yields the URL."""
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(self, log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            await self._client.aclose()


async def _body(receive: Any) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _send(send: Any, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

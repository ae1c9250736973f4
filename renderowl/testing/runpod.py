"""A RunPod-shaped endpoint: a real HTTP server whose workers run `renderowl remote handle`, and fail as a test wants it."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import uvicorn

API_KEY: Final = "rpa_the-key-of-the-tests"
_OVER: Final = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")


@dataclass
class Submission:
    """What was submitted, and how it is."""

    id: str
    asked: dict[str, Any]
    status: str = "IN_QUEUE"
    output: Any = None
    error: Any = None
    began: float = 0.0
    execution_ms: int | None = None
    process: asyncio.subprocess.Process | None = None

    def view(self) -> dict[str, Any]:
        """As `/status` and webhooks tell it."""
        told: dict[str, Any] = {"id": self.id, "status": self.status, "delayTime": 15}
        told |= {"executionTime": self.execution_ms} if self.execution_ms is not None else {}
        told |= {"output": self.output} if self.output is not None else {}
        return told | ({"error": self.error} if self.error is not None else {})

    def end(self, status: str, *, output: Any = None, error: Any = None) -> None:
        """Note its end, once."""
        if self.status not in _OVER:
            self.status, self.output, self.error = status, output, error
            if self.began:
                self.execution_ms = max(1, round((time.monotonic() - self.began) * 1000))


@dataclass
class RunPod:
    """The endpoint. What it does is set by a test before it is asked."""

    url: str = ""
    submissions: list[Submission] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    looks: int = 0
    """How often it was asked for a status."""
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether a worker is free: what is submitted waits for that."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether submissions are answered; they are taken all the same."""
    sends_webhooks: bool = True
    refuses: int = 0
    """The status that submissions are refused with; 0 is none."""
    fates: list[tuple[str, Any]] = field(default_factory=list)
    """The ends (status, error) of the next submissions, in place of what their handler would make of them."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        given = dict(scope["headers"]).get(b"authorization", b"").decode()
        status, told = 401, {"error": "unauthorized"}
        if given == f"Bearer {API_KEY}":
            status, told = await self._answer(scope["method"], scope["path"], body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("POST", "/run"):
            if self.refuses:
                return self.refuses, {"error": "refused"}
            return await self._run(json.loads(body))
        _, operation, id = path.split("/")
        found = next((one for one in self.submissions if one.id == id), None)
        if found is None:
            return 404, {"error": "not found"}
        if (method, operation) == ("POST", "cancel"):
            self.cancelled.append(id)
            await self._stop(found)
            return 200, found.view()
        assert (method, operation) == ("GET", "status")
        self.looks += 1
        return 200, found.view()

    async def _run(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        taken = Submission(f"job-{len(self.submissions)}-u1", asked)
        self.submissions.append(taken)
        task = asyncio.create_task(self._work(taken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self.answers.wait()
        return 200, {"id": taken.id, "status": "IN_QUEUE"}

    async def _work(self, taken: Submission) -> None:
        await self.free.wait()
        if taken.status != "IN_QUEUE":
            return
        taken.status, taken.began = "IN_PROGRESS", time.monotonic()
        if self.fates:
            status, error = self.fates.pop(0)
            taken.end(status, error=error)
        else:
            await self._handle(taken)
        if self.sends_webhooks:
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient() as http:
                    await http.post(taken.asked["webhook"], json=taken.view())

    async def _handle(self, taken: Submission) -> None:
        taken.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "renderowl", "remote", "handle"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await taken.process.communicate(json.dumps({"id": taken.id, "input": taken.asked["input"]}).encode())
        if not said:
            taken.end("FAILED", error="the worker died")
            return
        answer = json.loads(said)
        if "error" in answer:
            taken.end("FAILED", error=answer["error"])
        else:
            taken.end("COMPLETED", output=answer)

    async def _stop(self, one: Submission) -> None:
        one.end("CANCELLED")
        if one.process is not None and one.process.returncode is None:
            one.process.kill()
            await one.process.wait()

    async def close(self) -> None:
        """End what still runs."""
        for one in self.submissions:
            await self._stop(one)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def open_runpod(port: int = 0) -> AsyncIterator[RunPod]:
    """An endpoint with a free worker until the end of the block."""
    listener = socket.create_server(("127.0.0.1", port))
    runpod = RunPod(f"http://127.0.0.1:{listener.getsockname()[1]}")
    runpod.free.set()
    runpod.answers.set()
    config = uvicorn.Config(runpod, log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield runpod
    finally:
        runpod.answers.set()
        await runpod.close()
        server.should_exit = True
        await serving
        listener.close()

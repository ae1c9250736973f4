"""The remote side: an order is read, its film made by the same pipeline, and the result sent home, with nothing but HTTP.

`handle` is the handler of a RunPod worker, and `renderowl remote handle` the same as a command. The machine has neither
Postgres nor Redis nor a credential of the storage: what it reads and writes are signed URLs, each for one object.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import structlog

from renderowl import __version__, settings
from renderowl.client.problem import Problem
from renderowl.client.reports import RemoteReporter
from renderowl.domain.errors import Internal, Interrupted, RenderOwlError
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.hardware import equipped
from renderowl.pipeline.render_file import RenderProgress, render_file
from renderowl.pipeline.tools import discover
from renderowl.worker.order import Failure, Order, Place, Result, media_of
from renderowl.worker.parcel import pack
from renderowl.worker.signed import download, persistently

log = structlog.get_logger(__name__)

REPORT_INTERVAL_S: Final = 0.5
HOME_SHARE: Final = 0.02
"""What is left to be done, as the percent has it, when the film is made and not yet sent."""
_TIMEOUT: Final = httpx.Timeout(60.0, connect=20.0)


async def handle(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job `{"id", "input": {"order_url"}}` and return its result, or `{"error": ...}`. Never raises.

    To be given to `runpod.serverless.start` as the handler.
    """
    try:
        order_url = job["input"]["order_url"]
    except (KeyError, TypeError):
        return _failed(Internal("the job's input names no order_url"))
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
            with tempfile.TemporaryDirectory(prefix="renderowl-order-") as folder:
                made = await _Handling(http, await _read_order(http, order_url), Path(folder)).run(job.get("id"))
    except RenderOwlError as error:
        log.warning("order_failed", code=error.code, detail=error.detail)
        return _failed(error)
    except Exception:
        log.exception("order_broke")
        return _failed(Internal("the remote worker met something unexpected"))
    result: dict[str, Any] = msgspec.to_builtins(made)
    return result


def _failed(error: RenderOwlError) -> dict[str, Any]:
    return {"error": msgspec.json.encode(Failure(error.code, error.detail)).decode()}


async def _read_order(http: httpx.AsyncClient, url: str) -> Order:
    answer = await persistently(http, "GET", Place(url))
    try:
        document = msgspec.json.decode(answer.content)
        if document.get("version") != __version__:
            raise Internal(f"the order is of RenderOwl {document.get('version')}, and this is {__version__}")
        return msgspec.convert(document, Order)
    except (msgspec.DecodeError, msgspec.ValidationError, AttributeError) as error:
        raise Internal(f"the order cannot be read: {error}") from None


class _Handling:
    """One order in progress."""

    def __init__(self, http: httpx.AsyncClient, order: Order, folder: Path) -> None:
        self._http = http
        self._order = order
        self._folder = folder
        self._stop = asyncio.Event()
        self._newest: RenderProgress | None = None
        self._fresh = asyncio.Event()

    async def run(self, job_id: object) -> Result:
        """Make the film and send it home. Raises Interrupted as soon as nobody waits for it any more."""
        await self._announce(job_id)
        telling = asyncio.ensure_future(self._tell())
        try:
            inputs = await self._fetch_inputs()
            files = await self._render(inputs)
            self._refuse_if_stopped()
            return await self._send(files)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _announce(self, job_id: object) -> None:
        """Say that the work begins and under which id, and hear whether anybody still wants it."""
        with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError):
            answer = await self._http.post(self._order.callback_url, json={"id": job_id, "status": "IN_PROGRESS"})
            if answer.is_success and answer.json().get("wanted") is False:
                raise Interrupted("nobody waits for this film any more")

    async def _fetch_inputs(self) -> dict[str, Path]:
        media = media_of(self._order.plan)
        paths: dict[str, Path] = {}
        for content_hash in {medium.content_hash for medium in media.values()}:
            self._refuse_if_stopped()
            paths[content_hash] = self._folder / f"input-{len(paths)}"
            await download(self._http, self._order.inputs[content_hash], paths[content_hash], content_hash)
        return {src: paths[medium.content_hash] for src, medium in media.items()}

    async def _render(self, inputs: Mapping[str, Path]) -> list[OutputFile]:
        chosen = settings.load()
        tools = await equipped(await discover(chosen.ffmpeg, chosen.ffprobe), chosen.hardware_encoder)
        outputs = self._folder / "outputs"
        outputs.mkdir()
        plan = self._order.plan
        return await render_file(
            plan, inputs, outputs / plan.output_name, tools, on_progress=self._note, stop=self._stop
        )

    async def _send(self, files: list[OutputFile]) -> Result:
        archive = self._folder / "result.tar"
        made = await asyncio.to_thread(pack, files, archive)
        place = self._order.result
        headers = {**place.headers, "Content-Length": str(archive.stat().st_size)}
        await persistently(self._http, "PUT", msgspec.structs.replace(place, headers=headers), archive)
        return Result(__version__, self._order.errand_id, made)

    # --- progress -----------------------------------------------------------------------------------------------------

    def _note(self, progress: RenderProgress) -> None:
        self._newest = progress
        self._fresh.set()

    async def _tell(self) -> None:
        """Report the newest progress now and then; a refusal means that the claim is lost."""
        to, total = self._order.report, self._order.plan.total_frames
        async with httpx.AsyncClient(base_url=to.url, timeout=_TIMEOUT) as http:
            reporter = RemoteReporter(http, key=to.key, step_id=to.step_id, attempt=to.attempt)
            while True:
                await self._fresh.wait()
                self._fresh.clear()
                if self._newest is None:
                    continue
                done = self._newest.percent / 100 * (1.0 - HOME_SHARE)
                assembling = self._newest.step.startswith("assemble")
                try:
                    await reporter.report(
                        done,
                        frames=round(done * total),
                        stage="assembling" if assembling else "encoding",
                        speed=self._newest.speed or None,
                    )
                except Problem as problem:
                    log.info("report_refused", code=problem.code)
                    if problem.code == "conflict":
                        self._stop.set()
                        return
                await asyncio.sleep(REPORT_INTERVAL_S)

    def _refuse_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Interrupted("nobody waits for this film any more")

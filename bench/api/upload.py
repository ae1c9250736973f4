"""A file of many gigabytes into `renderowl up`, in parts over HTTP, the API killed once amid it: what it costs the API.

The file is an MP4 that is made as it is sent: a film of a second, and behind it a box of noise that players skip.
"""

import argparse
import asyncio
import contextlib
import hashlib
import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asking
import httpx
import paths  # noqa: F401 - makes bench/ importable
import psutil
from busy import api_of
from house import cpu_s
from results import save
from stack import TOKEN, Stack, connected

from renderowl.pipeline.tools import discover

MIB: Final = 1024**2
GIB: Final = 1024**3
CONNECTIONS: Final = 4
"""As many parts at once as our own clients send."""
LEAST_FREE: Final = 8 * GIB
"""What is left of the disk whatever happens: it is others' too."""
COPIES: Final = 2
"""Of the file on the disk at once."""
PINGS_S: Final = 0.05
NOISE: Final = random.Random(7).randbytes(MIB)


class Film:
    """An MP4 of `size_bytes`, a multiple of a MiB; no two MiB of it are the same."""

    def __init__(self, film: bytes, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        box = (1).to_bytes(4) + b"free" + (size_bytes - len(film)).to_bytes(8)
        self._first = (film + box + NOISE)[:MIB]
        assert len(film) + len(box) < MIB

    def bytes_of(self, start: int, end: int) -> bytes:
        """The bytes from one MiB to another."""
        assert start % MIB == end % MIB == 0
        return b"".join(self._mib(number) for number in range(start // MIB, end // MIB))

    def digest(self) -> str:
        """Its SHA-256."""
        found = hashlib.sha256()
        for number in range(self.size_bytes // MIB):
            found.update(self._mib(number))
        return found.hexdigest()

    def _mib(self, number: int) -> bytes:
        return self._first if number == 0 else number.to_bytes(8) + NOISE[8:]


@dataclass
class Cost:
    """What the API has used since its process began, or since another look at it."""

    cpu_s: float
    peak_mb: float

    @classmethod
    def of(cls, api: psutil.Process) -> "Cost":
        lines = Path(f"/proc/{api.pid}/status").read_text().splitlines()
        peak_kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        return cls(cpu_s(api), peak_kib * 1024 / 1e6)


@dataclass
class Sending:
    """Parts on their way: those to be sent, and the ETags of those that were answered."""

    port: int
    film: Film
    part_bytes: int
    left: list[dict[str, Any]]
    enough: int
    """So many answers set `reached`."""
    etags: dict[int, str] = field(default_factory=dict)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self) -> None:
        """Send all parts, a few side by side; whoever is not answered any more stops."""
        await asyncio.gather(*(self._send() for _ in range(CONNECTIONS)))

    async def _send(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            async with asking.line(self.port) as line:
                while self.left:
                    part = self.left.pop(0)
                    number, url = part["part_number"], urlsplit(part["url"])
                    start = (number - 1) * self.part_bytes
                    body = self.film.bytes_of(start, min(start + self.part_bytes, self.film.size_bytes))
                    answer = await line.ask(asking.request("PUT", f"{url.path}?{url.query}", {}, body))
                    assert answer.status == 200, answer.body
                    self.etags[number] = answer.headers["etag"].strip('"')
                    if len(self.etags) >= self.enough:
                        self.reached.set()


async def ping(port: int, found: list[float]) -> None:
    """How long the API takes to say that it is alive, every twentieth of a second; while it is not nothing is noted."""
    while True:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            async with asking.line(port) as line:
                while True:
                    began = time.perf_counter()
                    await line.ask(asking.request("GET", "/healthz", {}))
                    found.append((time.perf_counter() - began) * 1e3)
                    await asyncio.sleep(PINGS_S)
        await asyncio.sleep(PINGS_S)


async def watch(folder: Path, found: list[int]) -> None:
    """The least that was free of the disk. Raises OSError when it becomes too little."""
    while True:
        found.append(shutil.disk_usage(folder).free)
        if found[-1] < LEAST_FREE:
            raise OSError("too little of the disk is left")
        await asyncio.sleep(0.25)


async def killed(stack: Stack, api: psutil.Process) -> psutil.Process:
    """Kill the API as a power cut would, and return the process that `renderowl up` starts in its place."""
    api.kill()
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as http:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get("/readyz")).status_code == 200:
                    return api_of(stack)
            await asyncio.sleep(0.1)


async def short_film() -> bytes:
    """A film of a second."""
    tools = await discover()
    command = [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1"]
    command += ["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-"]
    return (await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)).stdout


async def digest_of(url: str) -> str:
    """The SHA-256 of what is there to download."""
    found = hashlib.sha256()
    async with httpx.AsyncClient(trust_env=False) as http, http.stream("GET", url) as answer:
        assert answer.status_code == 200
        async for chunk in answer.aiter_bytes():
            found.update(chunk)
    return found.hexdigest()


async def settled(http: httpx.AsyncClient, asset: str) -> dict[str, Any]:
    """The asset once it has been looked into."""
    while (found := (await http.get(asset)).json())["status"] == "processing":
        await asyncio.sleep(0.1)
    return dict(found)


async def upload(stack: Stack, http: httpx.AsyncClient, film: Film, pings: list[float]) -> dict[str, Any]:
    """Take the file through everything, and what that took."""
    api, port, gib = api_of(stack), int(stack.url.rpartition(":")[2]), film.size_bytes / GIB
    digest = await asyncio.to_thread(film.digest)
    project = (await http.post("/projects", json={"name": "Upload"})).raise_for_status().json()["id"]
    body = {"name": "long.mp4", "content_type": "video/mp4", "size_bytes": film.size_bytes, "checksum_sha256": digest}
    told = (await http.post(f"/projects/{project}/assets/upload", json=body)).raise_for_status().json()
    asset, part_bytes = f"/projects/{project}/assets/{told['asset']['id']}", told["upload"]["part_size_bytes"]
    count, idle_mb = len(told["upload"]["parts"]), api.memory_info().rss / 1e6

    before, began = Cost.of(api), time.perf_counter()
    first = Sending(port, film, part_bytes, told["upload"]["parts"], count // 2)
    sending = asyncio.create_task(first.send())
    await first.reached.wait()
    first_cost, first_s = Cost.of(api), time.perf_counter() - began
    api = await killed(stack, api)
    await sending
    left = (await http.get(f"{asset}/upload")).raise_for_status().json()["upload"]
    arrived = {part["part_number"]: part["etag"] for part in left["arrived"]}
    assert first.etags.items() <= arrived.items(), "a part was lost that had been answered"
    assert len(left["parts"]) + len(arrived) == count

    again, began = Cost.of(api), time.perf_counter()
    second = Sending(port, film, part_bytes, left["parts"], count)
    await second.send()
    second_cost, second_s = Cost.of(api), time.perf_counter() - began
    assert len(second.etags) + len(arrived) == count

    pings.clear()
    began = time.perf_counter()
    (await http.post(f"{asset}/upload-complete", json={})).raise_for_status()
    confirmed_s = time.perf_counter() - began
    ready = await settled(http, asset)
    ready_s, last = time.perf_counter() - began, Cost.of(api)
    assert (ready["status"], ready["size_bytes"]) == ("ready", film.size_bytes), ready
    slowest_ms = max(pings)
    url = (await http.get(f"{asset}/download")).raise_for_status().json()["url"]
    assert await digest_of(url) == digest, "what is there is not what was sent"
    (await http.delete(asset)).raise_for_status()
    sent_gib = (len(first.etags) + len(second.etags)) * part_bytes / GIB
    return {
        "parts": count,
        "parts_answered_before_the_kill": len(first.etags),
        "parts_there_after_it": len(arrived),
        "mib_a_second": round(sent_gib * 1024 / (first_s + second_s), 1),
        "cpu_s_a_gib_received": round(
            (first_cost.cpu_s - before.cpu_s + second_cost.cpu_s - again.cpu_s) / sent_gib, 3
        ),
        "cpu_s_a_gib_made_one_and_looked_into": round((last.cpu_s - second_cost.cpu_s) / gib, 3),
        "confirmation_answered_s": round(confirmed_s, 3),
        "ready_after_s": round(ready_s, 2),
        "slowest_answer_meanwhile_ms": round(slowest_ms, 1),
        "idle_mb": round(idle_mb, 1),
        "peak_mb": round(max(first_cost.peak_mb, last.peak_mb), 1),
    }


async def measure(gigabytes: int) -> None:
    film, free, pings = Film(await short_film(), gigabytes * GIB), [shutil.disk_usage("/tmp").free], list[float]()
    if free[0] < LEAST_FREE + COPIES * film.size_bytes:
        raise SystemExit(f"{gigabytes} GiB need {COPIES * gigabytes + LEAST_FREE // GIB} GiB of disk")
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with connected() as (stack, _), httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=600) as http:
        port = int(stack.url.rpartition(":")[2])
        tasks = [asyncio.create_task(ping(port, pings)), asyncio.create_task(watch(stack.data_dir, free))]
        work = asyncio.create_task(upload(stack, http, film, pings))
        try:
            await asyncio.wait([*tasks, work], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.gather(*(task for task in tasks if task.done()))
            found = await work
        finally:
            for task in (*tasks, work):
                task.cancel()
    cpu = found["cpu_s_a_gib_received"] + found["cpu_s_a_gib_made_one_and_looked_into"]
    save(
        "api_upload",
        title=f"What an asset of {gigabytes} GiB costs the API, sent in parts and interrupted once",
        goal=None,
        result=cpu,
        unit="CPU s a GiB",
        meaning="user and system time of the API's process, from the first part to the asset that is ready."
        f" {found['mib_a_second']:g} MiB a second arrived; the confirmation was answered in"
        f" {found['confirmation_answered_s'] * 1e3:.0f} ms, the asset ready after {found['ready_after_s']:.0f} s more, and nobody"
        f" else waited longer than {found['slowest_answer_meanwhile_ms']:.0f} ms for an answer meanwhile",
        gib=gigabytes,
        disk_used_at_most_gib=round((free[0] - min(free)) / GIB, 2),
        **found,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=int, default=10, help="GiB; 10 are what an asset may have")
    asyncio.run(measure(parser.parse_args().gigabytes))

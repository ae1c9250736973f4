"""A film that plays while it is made: how soon it does, and what pictures and pieces cost beside the same film without.

Both by `renderowl up`, in turns: the render with preview pictures for a member of its room, and a playlist (`preview.hls`)
whose first piece is fetched as soon as the room says that it plays; and the same render without either. CPU seconds are
those of all processes below the command: API, scheduler, workers, encoders, Postgres and Valkey.
"""

import argparse
import asyncio
import contextlib
import re
import secrets
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import httpx
import paths  # noqa: F401 - makes bench/ importable
import psutil
from house import FOLDER, ffmpeg
from results import median, percentile, save
from stack import TOKEN, connected, film, make_media, upload

from renderowl.client import Client, Render, RoomFilter, RoomMessage
from renderowl.pipeline.tools import discover

GOAL_S: Final = 5.0
GOAL_COST: Final = 1.03
_ALL: Final = RoomFilter(types=["state", "progress", "preview"])


class Piece(NamedTuple):
    """The first piece of a film: when all of it was here, and its bytes."""

    at: datetime
    data: bytes


class Take(NamedTuple):
    """One render: what it cost, how many pictures its room got, and its first piece if it was shown."""

    cpu_s: float
    wall_s: float
    pictures: int
    waits_s: tuple[float, float] | None
    """Until the first piece was here: from the start of its step, and from the request."""


def cpu_s(pid: int) -> float:
    """What a process and all below it have used, those that have ended included."""
    used = 0.0
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
    return used


@dataclass(frozen=True)
class Cinema:
    """A stack, a project with sources, and a client that watches."""

    pid: int
    client: Client
    http: httpx.AsyncClient
    project_id: str
    sources: list[str]
    preset: str

    async def take(self, seconds: float, *, shown: bool) -> Take:
        """Render the film once, encoding all of it: no other has its title and its volume."""
        title, volume = f"Take {secrets.token_hex(4)}", 0.5 + secrets.randbelow(400_000) / 1e6
        props = film(*self.sources, title=title, volume=volume, seconds=seconds)
        settings = {"preset": self.preset, "preview": {"frames": shown, "hls": shown}}
        room = aiter(self.client.room(self.project_id, filter=_ALL))
        pictures, piece = 0, None
        async with contextlib.aclosing(room):
            assert (await anext(room)).type == "snapshot"
            before, began, asked_at = cpu_s(self.pid), time.monotonic(), datetime.now(UTC)
            render = await self.client.create_render(self.project_id, "timeline", props, output_settings=settings)
            async for message in room:
                if message.render_id != render.id:
                    continue
                pictures += message.type == "render.preview"
                if message.type == "render.playable":
                    piece = await self._first_piece(render)
                if is_end(message):
                    break
            used, wall_s = cpu_s(self.pid) - before, time.monotonic() - began
        assert bool(piece) == bool(pictures) == shown, "another film was shown than was asked for"
        waits_s = None
        if piece is not None:
            step_at = await self._first_step_at(render)
            waits_s = ((piece.at - step_at).total_seconds(), (piece.at - asked_at).total_seconds())
            assert frames_of(piece.data), "the first piece holds no picture"
        return Take(used, wall_s, pictures, waits_s)

    async def _first_piece(self, render: Render) -> Piece:
        """As a player does it: the playlist, the one of the pictures, and what that names first."""
        url = (await self._json(f"/projects/{self.project_id}/renders/{render.id}/playlist"))["url"]
        for pattern in (r"(?m)^[^#\n]+\.m3u8$", r"(?m)^[^#\n]+\.ts$"):
            listed = re.search(pattern, (await self.http.get(url)).raise_for_status().text)
            assert listed is not None, "the playlist names nothing that plays"
            url = urljoin(url, listed[0])
        data = (await self.http.get(url)).raise_for_status().content
        return Piece(datetime.now(UTC), data)

    async def _first_step_at(self, render: Render) -> datetime:
        """When the step began that made the film's first pictures; a short film has but one."""
        steps = (await self._json(f"/projects/{self.project_id}/renders/{render.id}/steps"))["items"]
        first = min(steps, key=lambda step: (step["kind"] != "segment", step["ordinal"]))
        return datetime.fromisoformat(first["started_at"])

    async def _json(self, path: str) -> Any:
        return (await self.http.get(path)).raise_for_status().json()


def is_end(message: RoomMessage) -> bool:
    """Tell whether a render is done; raises when it was not made."""
    assert message.type not in ("render.failed", "render.cancelled"), message.data
    return message.type == "render.completed"


def frames_of(piece: bytes) -> int:
    """How many frames a piece has, each decoded; raises when one cannot be."""
    path = FOLDER / "first-piece.ts"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(piece)
    argv = [
        ffmpeg(),
        "-v",
        "error",
        "-xerror",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-f",
        "null",
        "-",
        "-progress",
        "pipe:1",
    ]
    said = subprocess.run(argv, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return int(re.findall(r"(?m)^frame=([0-9]+)$", said)[-1])


async def measure(rounds: int, seconds: float, slots: int, preset: str) -> None:
    video, music = await make_media(await discover(), Path(".renderowl/bench"))
    shown: list[Take] = []
    plain: list[Take] = []
    async with connected("--slots", str(slots)) as (stack, client):
        project = await client.create_project("Playing")
        sources = await upload(client, project.id, [video, music])
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as http:
            cinema = Cinema(stack.process.pid, client, http, project.id, sources, preset)
            await cinema.take(2, shown=False)
            for n in range(rounds):
                for is_shown, takes in [(False, plain), (True, shown)][:: 1 if n % 2 else -1]:
                    takes.append(await cinema.take(seconds, shown=is_shown))
                print(f"round {n}: shown {shown[-1]}, plain {plain[-1]}", flush=True)
    waits = [take.waits_s for take in shown if take.waits_s is not None]
    save(
        "render_playing",
        title="A film plays after the start of its first step, 95 %",
        goal=GOAL_S,
        result=percentile([from_step for from_step, _ in waits], 0.95),
        unit="s",
        meaning=f"from the start of the step that makes the first pictures of a film of {seconds:g} s, 1080p at 30 fps, "
        f"preset {preset}, {slots} steps at a time, until a player has the first piece, which decodes",
        waits_s={"from its step's start": [each[0] for each in waits], "from the request": [each[1] for each in waits]},
    )
    ratios = [one.cpu_s / other.cpu_s for one, other in zip(shown, plain, strict=True)]
    save(
        "render_playing_cost",
        title="Pictures and pieces while a film is made over without, CPU",
        goal=GOAL_COST,
        result=median(ratios),
        unit="x",
        meaning=f"CPU seconds of all processes of the stack for a film of {seconds:g} s, 1080p at 30 fps, preset {preset}, with "
        "a picture a second for one member and a playlist whose first piece is fetched, over the same film without; "
        f"median of {rounds} pairs",
        ratios=ratios,
        cpu_s={"shown": [take.cpu_s for take in shown], "plain": [take.cpu_s for take in plain]},
        wall_s={"shown": [take.wall_s for take in shown], "plain": [take.wall_s for take in plain]},
        pictures=[take.pictures for take in shown],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=16.0, help="of the film")
    parser.add_argument("--preset", default="medium", help="of the encoder; a render's own default is medium")
    parser.add_argument("--slots", type=int, default=2)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.rounds, chosen.seconds, chosen.slots, chosen.preset))

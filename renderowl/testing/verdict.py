"""The verdict on a storm: what Postgres, the rooms, the storage and the machine say afterwards must agree."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from renderowl.db import renders
from renderowl.domain.errors import RenderOwlError
from renderowl.domain.lifecycle import is_active
from renderowl.domain.records import Render
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain, discover
from renderowl.services.collecting import collect
from renderowl.testing import history
from renderowl.testing.books import Books
from renderowl.testing.deployment import Deployment
from renderowl.testing.listening import Listener
from renderowl.testing.weather import Felt, forgets


@dataclass
class Verdict:
    """What is wrong, a sentence each, and how much there was to be judged."""

    faults: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    events: int = 0
    told: dict[str, int] = field(default_factory=dict)
    forgotten: int = 0
    films: int = 0
    gusts: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        """The verdict to be read."""
        return "\n".join(
            [
                f"storm: {dict(sorted(self.gusts.items()))}",
                f"renders: {dict(self.ends)}; steps: {dict(self.steps)}; {self.events} events",
                f"told: {self.told}, {self.forgotten} times less progress than before; {self.films} films looked into",
                *(f"WRONG: {fault}" for fault in self.faults),
                "nothing is wrong" if not self.faults else f"{len(self.faults)} things are wrong",
            ]
        )


async def judge(
    deployment: Deployment,
    found: Books,
    listeners: Sequence[Listener],
    accepted: Mapping[str, str],
    work_dirs: Sequence[Path],
    felt: Sequence[Felt],
) -> Verdict:
    """Judge a deployment whose programs have ended after all that was `felt`.

    `accepted` are the ids that callers got, by idempotency key.
    """
    verdict = Verdict(events=len(found.events), ends=Counter(render.status for render in found.renders.values()))
    verdict.faults += found.faults()
    verdict.faults += [f"{one} never came to an end" for one in found.renders.values() if is_active(one.status)]
    if sorted(accepted.values()) != sorted(found.renders):
        verdict.faults.append(f"accepted were {sorted(accepted.values())}, but there are {sorted(found.renders)}")
    lost, tries = 0, 0
    for row in await deployment.ctx.db.fetch("SELECT attempt, lost FROM steps"):
        lost, tries = lost + row["lost"], tries + row["attempt"]
    verdict.steps = Counter({"all": len(found.steps), "tries": tries, "lost": lost})
    happened = await deployment.happened()
    for listener in listeners:
        verdict.told[listener.name] = len(listener.told)
        verdict.faults += [
            f"{listener.name}: {fault}"
            for fault in history.faults(listener.told, happened, forgotten=_forgotten(listener, felt, verdict))
        ]
    await _judge_storage(deployment, found, verdict)
    verdict.faults += _left_on_the_machine(work_dirs)
    return verdict


def _forgotten(listener: Listener, felt: Sequence[Felt], verdict: Verdict) -> history.Forgotten:
    """Excuse, and count, progress that goes back where nobody who still lives can know it."""

    def excused(earlier: int, later: int) -> bool:
        excuse = forgets(felt, listener.told_at[earlier], listener.told_at[later])
        verdict.forgotten += excuse
        return excuse

    return excused


async def _judge_storage(deployment: Deployment, found: Books, verdict: Verdict) -> None:
    """Every completed render shows a film that can be played, and nothing else is stored of any render."""
    ctx, tools = deployment.ctx, await discover()
    await collect(ctx, ended_for_s=0.0)
    shown: set[str] = set()
    for render_id in found.renders:
        render = await renders.get(ctx.db, render_id)
        assert render is not None, "renders are not deleted"
        if render.output is not None:
            shown |= {file["key"] for file in render.output["outputs"]}
            verdict.films += 1
            verdict.faults += await _look_into(deployment, tools, render)
        elif render.status == "completed":
            verdict.faults.append(f"{render_id} is completed without an output")
    prefix = f"projects/{deployment.project_id}/renders/"
    stored = {one.key async for one in ctx.storage.scan(prefix) if "/logs/" not in one.key}
    if stored != shown:
        verdict.faults.append(f"stored but not shown: {stored - shown}; shown but not stored: {shown - stored}")


async def _look_into(deployment: Deployment, tools: Toolchain, render: Render) -> list[str]:
    assert render.output is not None, "only asked of renders with one"
    files = [file for file in render.output["outputs"] if file["kind"] == "video"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        try:
            await deployment.ctx.storage.get_file(files[0]["key"], path)
            film = await probe(path, tools, ours=True)
        except RenderOwlError as error:
            return [f"the film of {render.id} cannot be looked into: {error}"]
        size = await asyncio.to_thread(path.stat)
    expected = (files[0]["size_bytes"], render.progress.total_frames)
    if (size.st_size, film.frames) != expected:
        return [f"the film of {render.id} has {size.st_size} bytes and {film.frames} frames, not {expected}"]
    return []


def _left_on_the_machine(work_dirs: Sequence[Path]) -> list[str]:
    """Files of runs that are over, and processes that work in their folders."""
    left = [f"{path} is left" for folder in work_dirs for path in (folder / "runs").iterdir()]
    for process in psutil.process_iter():
        try:
            if any(Path(process.cwd()).is_relative_to(folder) for folder in work_dirs):
                left.append(f"{process} is left: {process.cmdline()}")
        except psutil.Error:
            continue
    return left

"""A renderer that encodes nothing: it does with every render what the test has written down, and is done at once."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from renderowl.domain.errors import ERRORS
from renderowl.domain.events import Progress, StepReport
from renderowl.domain.records import Claim
from renderowl.services import steps
from renderowl.services.context import Context
from renderowl.services.stopping import StopSignal, end_tasks
from renderowl.testing.clock import TurnableClock
from renderowl.testing.script import Act, Fail, Film, Percent, Wait

FRAMES = 30
"""Of every fake film: a second."""


@dataclass
class Cast:
    """What is written down for one project's renders: a list of acts for each of the next ones, and their clock."""

    clock: TurnableClock
    next_renders: deque[deque[Act]] = field(default_factory=deque)
    by_render: dict[str, deque[Act]] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    """The renders that were begun, once for each try, in order."""


class FakeRenderer:
    """Executes claims as a worker's executor does; a render that nothing is written down for is completed at once."""

    def __init__(self, ctx: Context, folder: Path, make_film: Callable[[], Awaitable[Path]]) -> None:
        self._ctx = ctx
        self._folder = folder
        self._make_film = make_film
        self.casts: dict[str, Cast] = defaultdict(lambda: Cast(TurnableClock()))
        """By project."""

    async def __call__(self, claim: Claim, signal: StopSignal) -> None:
        """Take up the claim and play the acts of its render; a claim that was lost is dropped without a word."""
        with contextlib.suppress(steps.Fenced):
            work = await steps.begin(self._ctx, claim)
            await self._play(claim, work, signal)

    async def _play(self, claim: Claim, work: steps.Work, signal: StopSignal) -> None:
        cast, render = self.casts[work.render.project_id], work.render
        cast.tried.append(render.id)
        if render.id not in cast.by_render:
            cast.by_render[render.id] = cast.next_renders.popleft() if cast.next_renders else deque()
        acts, said = cast.by_render[render.id], 0
        while acts and not signal.event.is_set():
            match acts.popleft():
                case Percent(percent, stage):
                    said += 1
                    await self._ctx.bus.publish_progress(_report(work, percent, stage, said))
                case Wait(seconds):
                    await _first(cast.clock.sleep(seconds), signal.event.wait())
                case Fail(code, detail):
                    await steps.fail_step(self._ctx, claim, ERRORS[code](detail))
                    return
                case Film() as film:
                    await self._complete(claim, work, film)
                    return
        if not signal.event.is_set():
            await self._complete(claim, work, None)

    async def _complete(self, claim: Claim, work: steps.Work, film: Film | None) -> None:
        if film is None:
            path, facts = (
                await self._make_film(),
                dict[str, Any](width=64, height=36, duration_s=1.0, fps=FRAMES, frames=FRAMES),
            )
            film = Film(b"", work.render.output_settings.get("output_name") or "film.mp4", facts=facts)
        else:
            path = self._folder / f"{claim.token}-{claim.attempt}"
            await asyncio.to_thread(path.write_bytes, film.data)
        key = f"projects/{work.render.project_id}/renders/{work.render.id}/{work.render.attempt}-{claim.token}/0-video"
        await self._ctx.storage.put_file(key, path, content_type=film.content_type)
        described = {"kind": "video", "name": film.name, "content_type": film.content_type, "key": key}
        output = {**described, "size_bytes": path.stat().st_size, **film.facts}
        done = Progress(percent=100.0, current_frame=FRAMES, total_frames=FRAMES, stage="completed")
        await steps.complete_render(self._ctx, claim, {"outputs": [output]}, done)


def _report(work: steps.Work, percent: float, stage: str, number: int) -> StepReport:
    step = work.step
    return StepReport(
        project_id=step.project_id,
        render_id=step.render_id,
        attempt=step.render_attempt,
        step_id=step.id,
        step_attempt=step.attempt,
        done=percent / 100,
        weight=1.0,
        frames=round(FRAMES * percent / 100),
        total_frames=FRAMES,
        stage=stage,
        n=number,
    )


async def _first(*waits: Any) -> None:
    """Return when one of these has come to its end; the others are given up."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end_tasks(tasks)


def checked(acts: tuple[Act, ...]) -> deque[Act]:
    """The acts, if a renderer can play them. Raises ValueError for what it cannot."""
    for act in acts:
        if not isinstance(act, Percent | Wait | Fail | Film):
            raise ValueError(f"{act!r} is no act: use Percent, Wait, Fail or Film")
        if isinstance(act, Fail) and act.code not in ERRORS:
            raise ValueError(f"{act.code!r} is no error code: see docs/errors.md for those there are")
    return deque(msgspec.structs.replace(act) for act in acts)

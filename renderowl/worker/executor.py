"""The executor: does the step of a claim, from taking it up to reporting how it ended, as one list of named steps."""

import asyncio
import errno
from pathlib import Path
from typing import Final

import msgspec
import structlog

from renderowl.domain.errors import Internal, Interrupted, OutOfDisk, OutOfMemory, RenderOwlError
from renderowl.domain.records import Claim
from renderowl.pipeline.plan import AudioProgramme, Segment
from renderowl.pipeline.run import ProcessLimits
from renderowl.pipeline.tools import Toolchain
from renderowl.services import metrics, steps, tracing
from renderowl.services.blueprint import Blueprint, draw
from renderowl.services.context import Context
from renderowl.services.drafting import read_ask
from renderowl.services.screening import open_screen
from renderowl.services.segment_cache import Cached, look_up, maker
from renderowl.services.stopping import StopSignal
from renderowl.worker.assembling import make_film, publish
from renderowl.worker.encoding import make_part, show_part
from renderowl.worker.execution import Execution, until_delivered
from renderowl.worker.fetching import fetch_sources
from renderowl.worker.inputs import InputCache
from renderowl.worker.reporting import Part, Reporter
from renderowl.worker.watchdog import Watchdog
from renderowl.worker.workspace import Workspace

log = structlog.get_logger(__name__)

SHORT_COST: Final = 400.0
"""About 150 frames of 1080p: what costs less is done within the prepare step, without going back to the queue."""


class Executor:
    """Executes claims, any number at once. Calling it never raises but for its own cancellation."""

    def __init__(
        self,
        ctx: Context,
        tools: Toolchain,
        workspace: Workspace,
        inputs: InputCache,
        *,
        short_cost: float = SHORT_COST,
    ) -> None:
        self._ctx = ctx
        self._tools = tools
        self._workspace = workspace
        self._inputs = inputs
        self._short_cost = short_cost
        self._limits = ProcessLimits(stall_timeout_s=ctx.settings.stall_timeout_s)

    async def __call__(self, claim: Claim, signal: StopSignal) -> None:
        """Take up the claim, do its step and report the end; a claim that was lost is dropped without a word."""
        try:
            work = await until_delivered(lambda: steps.begin(self._ctx, claim))
        except steps.Fenced:
            metrics.FENCED_WRITES.inc()
            log.info("step_fenced", reason=signal.reason)
            return
        kind = work.step.kind
        structlog.contextvars.bind_contextvars(
            render_id=work.render.id, attempt=work.render.attempt, kind=kind, ordinal=work.step.ordinal
        )
        with (
            metrics.STEPS_RUNNING.track_inprogress(),
            metrics.STEP_DURATION.labels(kind).time(),
            tracing.span(
                kind,
                parent=claim.trace or work.render.trace,
                kind="consumer",
                render_id=work.render.id,
                step_id=claim.step_id,
                step_attempt=claim.attempt,
                ordinal=work.step.ordinal,
                worker_id=claim.worker_id,
            ) as span,
        ):
            log.info("step_begins")
            outcome, code = await self._to_the_end(claim, work, signal)
            span.note(outcome=outcome, code=code)
            if outcome in ("retried", "failed", "fenced"):
                span.fail(code or outcome)
        metrics.STEPS_ENDED.labels(kind, outcome, code).inc()

    async def _to_the_end(self, claim: Claim, work: steps.Work, signal: StopSignal) -> tuple[str, str]:
        """Do the step and report how it ended: the outcome, and the error's code or the reason why it was stopped."""
        try:
            error = await self._attempt(claim, work, signal)
            if error is None:
                log.info("step_completed")
                return "completed", ""
            if signal.reason in (None, "interrupted"):
                again = await until_delivered(lambda: steps.fail_step(self._ctx, claim, error))
                log.warning("step_failed", code=error.code, detail=error.detail, again=again)
                return "retried" if again else "failed", error.code
        except steps.Fenced:
            metrics.FENCED_WRITES.inc()
            log.info("step_fenced", reason=signal.reason)
            return "fenced", signal.reason or ""
        log.info("step_stopped", reason=signal.reason)
        return "stopped", signal.reason or ""

    async def _attempt(self, claim: Claim, work: steps.Work, signal: StopSignal) -> RenderOwlError | None:
        """Do the step in a folder of its own; the error that ended it, if one did. Raises Fenced."""
        try:
            await asyncio.to_thread(self._inputs.make_room)
            with self._workspace.step_folder() as folder:
                execution = self._execution(claim, work, signal, folder)
                await execution.watchdog.watch(self._do(execution))
        except steps.Fenced:
            raise
        except Exception as error:
            if signal.event.is_set():
                return Interrupted()
            return _known(error)
        return None

    def _execution(self, claim: Claim, work: steps.Work, signal: StopSignal, folder: Path) -> Execution:
        watchdog = Watchdog(self._ctx.settings.silence_timeout_s)
        return Execution(self._ctx, self._tools, self._inputs, self._limits, claim, work, signal, watchdog, folder)

    # --- the kinds of steps ---------------------------------------------------------------------------------------

    async def _do(self, execution: Execution) -> None:
        if execution.work.step.kind == "prepare":
            await self._prepare(execution)
            return
        blueprint = msgspec.convert(execution.work.plan, Blueprint)
        reporter = Reporter(self._ctx, execution.work, blueprint.share(execution.work.step.cost), execution.watchdog)
        async with reporter.running():
            match execution.work.step.kind:
                case "segment":
                    await self._segment(execution, blueprint, reporter)
                case "audio":
                    await self._audio(execution, blueprint, reporter)
                case _:
                    await self._assemble(execution, blueprint, {}, reporter, Part("assembling"))

    async def _prepare(self, execution: Execution) -> None:
        """Fetch, compile and plan; a short film is made at once, a longer one goes back to the queue in steps."""
        render = execution.work.render
        ask = await read_ask(self._ctx, render.composition_id, render.input_props, render.output_settings)
        with tracing.span("fetch"):
            fetched = await fetch_sources(execution, ask)
        with tracing.span("plan"):
            blueprint = await until_delivered(
                lambda: draw(self._ctx, render, execution.claim, self._tools, ask, fetched)
            )
        if blueprint.plan.preview.hls:
            await until_delivered(lambda: open_screen(self._ctx, execution.claim, blueprint.plan))
        if blueprint.cost <= self._short_cost:
            await self._all_at_once(execution, blueprint)
            return
        await until_delivered(
            lambda: steps.store_plan(
                self._ctx,
                execution.claim,
                msgspec.to_builtins(blueprint),
                blueprint.steps(),
                cache=blueprint.foreseen,
                progress=blueprint.progress,
            )
        )

    async def _all_at_once(self, execution: Execution, blueprint: Blueprint) -> None:
        reporter = Reporter(self._ctx, execution.work, blueprint.share(blueprint.cost), execution.watchdog)
        made: dict[str, Cached] = {}
        before, frames_before = 0.0, 0
        async with reporter.running():
            missing = blueprint.missing_keys
            for one in blueprint.parts_to_do:
                if one.key not in missing:
                    await show_part(execution, blueprint, one)
                    continue
                frames = one.frames if isinstance(one, Segment) else 0
                part = Part("encoding", before, one.cost / blueprint.cost, frames_before, frames)
                made[blueprint.object_of(one)] = await make_part(execution, blueprint, one, reporter, part)
                before, frames_before = before + part.share, frames_before + frames
            last = Part("assembling", before, blueprint.plan.all_assemble_cost / blueprint.cost, frames_before)
            await self._assemble(execution, blueprint, made, reporter, last, cost=blueprint.cost)

    async def _segment(self, execution: Execution, blueprint: Blueprint, reporter: Reporter) -> None:
        segment = blueprint.segment(execution.work.step.ordinal)
        part = Part("encoding", frames=segment.frames if segment.key in blueprint.missing_keys else 0)
        encoded = await self._part(execution, blueprint, segment, reporter, part)
        await self._complete(execution, reporter, {"frames": segment.frames, "encoded": encoded})

    async def _audio(self, execution: Execution, blueprint: Blueprint, reporter: Reporter) -> None:
        audio = blueprint.sound(execution.work.step.ordinal)
        await self._part(execution, blueprint, audio, reporter, Part("encoding"))
        await self._complete(execution, reporter, {})

    async def _part(
        self,
        execution: Execution,
        blueprint: Blueprint,
        wanted: Segment | AudioProgramme,
        reporter: Reporter,
        part: Part,
    ) -> bool:
        """Make a part that is not in the cache; whether this attempt has encoded it, now or before its worker was lost."""
        key = blueprint.object_of(wanted)
        made_by = await self._made_by(execution, key)
        if made_by is None:
            await make_part(execution, blueprint, wanted, reporter, part)
            return True
        await show_part(execution, blueprint, wanted)
        reporter.say(part, 1.0, frames=part.frames)
        return made_by == maker(execution.work.render)

    async def _made_by(self, execution: Execution, key: str) -> str | None:
        """Who has put this part into the cache since the plan was made: another render, or this step's lost predecessor."""
        if execution.work.render.force:
            return None
        entry = (await until_delivered(lambda: look_up(self._ctx, [key]))).get(key)
        return None if entry is None else entry.made_by

    async def _assemble(
        self,
        execution: Execution,
        blueprint: Blueprint,
        made: dict[str, Cached],
        reporter: Reporter,
        part: Part,
        *,
        cost: float | None = None,
    ) -> None:
        with tracing.span("join"):
            film = await make_film(execution, blueprint, made, reporter, part)
        with tracing.span("publish"):
            await publish(execution, blueprint, film, cost=cost)

    async def _complete(self, execution: Execution, reporter: Reporter, result: dict[str, int]) -> None:
        await reporter.flush()
        await until_delivered(lambda: steps.complete_step(self._ctx, execution.claim, result, reporter.newest))


def _known(error: Exception) -> RenderOwlError:
    """The error as one of ours; what is not known is our fault and is logged with its traceback."""
    if isinstance(error, RenderOwlError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfDisk("the worker's disk is full")
    if isinstance(error, MemoryError):
        return OutOfMemory()
    log.error("step_broke", exc_info=error)
    return Internal("the worker met something unexpected")

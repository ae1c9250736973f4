"""What a render would do, without doing it."""

import asyncio

import msgspec

from renderowl.db import steps as step_rows
from renderowl.domain.records import Principal
from renderowl.pipeline.planned import PlannedStep, planned_steps
from renderowl.pipeline.timeline import Timeline
from renderowl.pipeline.tools import Toolchain
from renderowl.services import projects
from renderowl.services.blueprint import Blueprint, foresee, of_draft
from renderowl.services.context import Context
from renderowl.services.renders import RenderRequest, draft
from renderowl.services.views import CacheView


class StepView(msgspec.Struct, frozen=True):
    """A step of a plan. `cached` ones are not rendered again; `argv` is the exact command, `files` what it reads."""

    name: str
    key: str
    start: int
    frames: int
    cost: float
    cached: bool
    argv: tuple[str, ...]
    files: dict[str, str]


class PlanView(msgspec.Struct, frozen=True):
    """The timeline, the steps, and what they are expected to take.

    `cost` is megapixels of work, the whole film's and what is left of it; `estimated_seconds` of one slot is measured on
    the steps this installation has done, None as long as there are none.
    """

    timeline: Timeline
    total_frames: int
    duration_s: float
    steps: list[StepView]
    cache: CacheView
    cost: float
    cost_left: float
    estimated_seconds: float | None


async def plan(
    ctx: Context, principal: Principal, project_id: str, request: RenderRequest, tools: Toolchain
) -> PlanView:
    """Check a request as `submit` does and show what it would do. Raises what `submit` raises; stores nothing."""
    await projects.get(ctx, principal, project_id)
    checked = await draft(ctx, project_id, request.composition_id, request.input_props, request.output_settings)
    blueprint = await foresee(ctx, await asyncio.to_thread(of_draft, checked, tools))
    told = await asyncio.to_thread(planned_steps, blueprint.plan, tools)
    canvas = blueprint.plan.timeline.canvas
    speed = await step_rows.measured_speed(ctx.db)
    return PlanView(
        timeline=blueprint.plan.timeline,
        total_frames=canvas.frames,
        duration_s=round(canvas.frames * canvas.rate.den / canvas.rate.num, 6),
        steps=[_step_view(blueprint, step) for step in told],
        cache=blueprint.cache_view,
        cost=round(blueprint.plan.cost, 3),
        cost_left=round(blueprint.cost, 3),
        estimated_seconds=None if speed is None else round(blueprint.cost / speed, 1),
    )


def _step_view(blueprint: Blueprint, step: PlannedStep) -> StepView:
    missing = {segment.key for segment in blueprint.missing_segments}
    missing |= {audio.key for audio in (blueprint.missing_audio,) if audio is not None}
    told = msgspec.structs.replace(step, argv=("ffmpeg", *step.argv[1:]))  # where it is installed is nobody's business
    return StepView(cached=step.key not in missing, **msgspec.structs.asdict(told))

"""What a render would do, without doing it."""

import asyncio
from typing import Final

import msgspec

from renderowl.db import cache, fetched, workers
from renderowl.domain.records import Principal
from renderowl.pipeline import compositions
from renderowl.pipeline.estimate import Estimate, Sample, estimate
from renderowl.pipeline.plan_svg import plan_svg
from renderowl.pipeline.planned import PlannedStep, planned_steps
from renderowl.pipeline.timeline import Timeline
from renderowl.pipeline.tools import Toolchain
from renderowl.services import projects
from renderowl.services.asking import RenderRequest, check
from renderowl.services.blueprint import Blueprint, capability, foresee, of_draft
from renderowl.services.context import Context
from renderowl.services.drafting import draft
from renderowl.services.segment_cache import Facts, object_key
from renderowl.services.sources import on_the_web
from renderowl.services.views import CacheView

_SAMPLES: Final = 200
"""Segments an estimate rests on: those used last are most like what comes next."""


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
    note: str = ""
    """Of a smart cut: what is copied, or why nothing is."""


class PlanView(msgspec.Struct, frozen=True):
    """The timeline, the steps, and what they are expected to take.

    `cost` is megapixels of work, the whole render's and what is left of it; the `estimate` is of what is left, by what
    segments took that this installation has encoded.
    """

    timeline: Timeline
    total_frames: int
    duration_s: float
    steps: list[StepView]
    cache: CacheView
    cost: float
    cost_left: float
    estimate: Estimate


async def plan(
    ctx: Context, principal: Principal, project_id: str, request: RenderRequest, tools: Toolchain
) -> PlanView:
    """Check a request as `submit` does and show what it would do. Raises what `submit` raises; stores nothing.

    Nothing is fetched: of URLs it knows what they had when a render last used them; AssetNotReady where none has.
    """
    blueprint = await _blueprint(ctx, principal, project_id, request, tools)
    told = await asyncio.to_thread(planned_steps, blueprint.plan, tools)
    canvas = blueprint.plan.timeline.canvas
    return PlanView(
        timeline=blueprint.plan.timeline,
        total_frames=blueprint.plan.total_frames,
        duration_s=round(canvas.frames * canvas.rate.den / canvas.rate.num, 6),
        steps=[_step_view(blueprint, step) for step in told],
        cache=blueprint.foreseen,
        cost=round(blueprint.plan.cost, 3),
        cost_left=round(blueprint.cost, 3),
        estimate=await _estimate(ctx, blueprint, tools),
    )


async def picture(ctx: Context, principal: Principal, project_id: str, request: RenderRequest, tools: Toolchain) -> str:
    """The same as an SVG picture: what is seen and heard when, and which segments are cached."""
    blueprint = await _blueprint(ctx, principal, project_id, request, tools)
    keys = {*blueprint.plan.segments_once, *blueprint.plan.sounds_once}
    return await asyncio.to_thread(plan_svg, blueprint.plan, keys - blueprint.missing_keys)


async def _blueprint(
    ctx: Context, principal: Principal, project_id: str, request: RenderRequest, tools: Toolchain
) -> Blueprint:
    await projects.get(ctx, principal, project_id)
    ask = await check(ctx, request)
    known = await fetched.newest(ctx.db, project_id, list(on_the_web(ctx, compositions.sources(ask))))
    checked = await draft(ctx, project_id, ask, known)
    return await foresee(ctx, await asyncio.to_thread(of_draft, checked, tools))


async def _estimate(ctx: Context, blueprint: Blueprint, tools: Toolchain) -> Estimate:
    entries = await cache.newest(ctx.db, object_key("segments", "", ""), _SAMPLES)
    facts = (msgspec.convert(entry.facts, Facts) for entry in entries)
    samples: list[Sample] = [one.sample for one in facts if one.sample is not None]
    alive = await workers.slots(ctx.db, alive_s=ctx.settings.lease_s)
    slots = sum(worker.places for worker in alive if capability(tools) in worker.offers)
    costs = [one.cost for one in blueprint.missing_segments] + [one.cost for one in blueprint.missing_sounds]
    return estimate(blueprint.plan, costs, samples, max(1, slots))


def _step_view(blueprint: Blueprint, step: PlannedStep) -> StepView:
    told = msgspec.structs.replace(step, argv=("ffmpeg", *step.argv[1:]))  # where it is installed is nobody's business
    return StepView(cached=step.key not in blueprint.missing_keys, **msgspec.structs.asdict(told))

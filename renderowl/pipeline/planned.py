"""A plan as people read it: every step with its exact command, nothing done."""

import msgspec

from renderowl.pipeline.command import Command, audio_command, segment_command
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.tools import Toolchain


class PlannedStep(msgspec.Struct, frozen=True):
    """One step: the frames of the film it makes, its key, its cost and its exact command with the files it reads."""

    name: str
    key: str
    start: int
    frames: int
    cost: float
    argv: tuple[str, ...]
    files: dict[str, str]


def planned_steps(plan: Plan, tools: Toolchain) -> list[PlannedStep]:
    """The segments in order, then the sound; assembling has no command that could be told before they are there."""
    steps = [
        _step(
            f"segment-{segment.index}",
            segment.key,
            segment.start,
            segment.frames,
            segment.cost,
            segment_command(segment, plan.encoding, plan.preview, tools),
        )
        for segment in plan.segments
    ]
    if plan.audio is not None:
        made = audio_command(plan.audio, plan.encoding, tools)
        steps.append(_step("audio", plan.audio.key, 0, plan.audio.frames, plan.audio.cost, made))
    return steps


def _step(name: str, key: str, start: int, frames: int, cost: float, made: Command) -> PlannedStep:
    return PlannedStep(name, key, start, frames, cost, made.argv, made.files)

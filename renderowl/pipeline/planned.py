"""A plan as people read it: every step with its exact command, nothing done."""

from typing import Final

import msgspec

from renderowl.domain.errors import LimitExceeded
from renderowl.pipeline.command import Command, audio_command, segment_command
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.tools import Toolchain

MAX_TOLD_CHARS: Final = 8_000_000


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
    """The segments in order, then the sound; assembling has no command that could be told before they are there.

    Raises LimitExceeded when all their files are more than an answer should hold.
    """
    steps: list[PlannedStep] = []
    told = 0
    for segment in plan.segments:
        made = segment_command(segment, plan.encoding, plan.preview, tools)
        told += sum(len(text) for text in made.files.values())
        if told > MAX_TOLD_CHARS:
            raise LimitExceeded("the texts of all steps together are too long to be told; render it instead")
        name = f"segment-{segment.index}"
        steps.append(_step(name, segment.key, segment.start, segment.frames, segment.cost, made))
    if plan.audio is not None:
        made = audio_command(plan.audio, plan.encoding, tools)
        steps.append(_step("audio", plan.audio.key, 0, plan.audio.frames, plan.audio.cost, made))
    return steps


def _step(name: str, key: str, start: int, frames: int, cost: float, made: Command) -> PlannedStep:
    return PlannedStep(name, key, start, frames, cost, made.argv, made.files)

"""A plan as people read it: every step with its exact command, nothing done."""

from collections.abc import Iterator
from typing import Final

import msgspec

from renderowl.domain.errors import LimitExceeded
from renderowl.pipeline.command import Command, audio_command, loudness_command, segment_command, stem_command
from renderowl.pipeline.encoding import Encoding
from renderowl.pipeline.loudness import Level
from renderowl.pipeline.plan import AudioProgramme, Plan
from renderowl.pipeline.stems import in_stems
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
    note: str = ""
    """Of a smart cut: what is copied, or why nothing is; the command is then that of encoding it whole."""


def planned_steps(plan: Plan, tools: Toolchain) -> list[PlannedStep]:
    """The segments in order, then the sound; assembling has no command that could be told before they are there.

    Raises LimitExceeded when all their files are more than an answer should hold.
    """
    steps: list[PlannedStep] = []
    told = 0
    for film, segment in plan.segments_once.values():
        made = segment_command(segment, film.encoding, film.preview, tools)
        told += sum(len(text) for text in made.files.values())
        if told > MAX_TOLD_CHARS:
            raise LimitExceeded("the texts of all steps together are too long to be told; render it instead")
        name = f"segment-{segment.index}"
        step = _step(name, segment.key, segment.start, segment.frames, segment.cost, made)
        said = "copied as far as the source's key pictures allow" if segment.copies else segment.note
        steps.append(msgspec.structs.replace(step, note=said and f"smart cut: {said}"))
    for film, audio in plan.sounds_once.values():
        steps += planned_sounds(audio, film.encoding, tools)
    return steps


def planned_sounds(audio: AudioProgramme, encoding: Encoding, tools: Toolchain) -> Iterator[PlannedStep]:
    """Yield the sound track's commands: of its stems, of measuring its loudness, the gain being told as 0 dB, and its own."""
    batches, mixed = in_stems(audio)
    made = [(f"{audio.name}-stem-{n}", stem_command(batch, mixed, tools)) for n, batch in enumerate(batches)]
    if encoding.loudness is not None:
        made.append((f"{audio.name}-loudness", loudness_command(mixed, tools)))
    level = None if encoding.loudness is None else Level(0.0)
    made.append((audio.name, audio_command(mixed, encoding, tools, level)))
    for name, command in made:
        yield _step(name, audio.key, 0, audio.frames, audio.cost / len(made), command)


def _step(name: str, key: str, start: int, frames: int, cost: float, made: Command) -> PlannedStep:
    return PlannedStep(name, key, start, frames, cost, made.argv, made.files)

"""The blueprint: a plan with where its inputs and encoded parts lie and which of them are there already."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from renderowl.db.steps import NewStep
from renderowl.domain.events import Progress
from renderowl.domain.ids import new_id
from renderowl.domain.lifecycle import StepKind, StepStatus
from renderowl.domain.records import Claim, Fetched, Render
from renderowl.pipeline.compositions import Ask
from renderowl.pipeline.encoders import AUDIO_SUFFIX
from renderowl.pipeline.plan import AudioProgramme, Plan, Segment, make_plan
from renderowl.pipeline.tools import Toolchain
from renderowl.services import drafting, steps
from renderowl.services.context import Context
from renderowl.services.drafting import Draft
from renderowl.services.segment_cache import count_parts, look_up, maker, object_key
from renderowl.services.views import CacheView

CUTTING_COST: Final = 0.05
"""Of a step that takes its part from the cache, to cut it for a playlist: next to nothing."""


def capability(tools: Toolchain) -> str:
    """What a worker offers and a step requires: segments of one film come from one FFmpeg, or they could not be joined."""
    return f"ffmpeg:{tools.fingerprint}"


class Share(msgspec.Struct, frozen=True):
    """What a step is of its render: its `weight`, and what was there before any step ran."""

    weight: float
    total_frames: int
    base: float = 0.0
    base_frames: int = 0


class Blueprint(msgspec.Struct, frozen=True):
    """What `prepare` stores in the render's row. `keys` are storage keys by source; `present`, cached objects.

    `own` are those of them that this very attempt had made before its worker was lost.
    """

    plan: Plan
    keys: dict[str, str]
    present: frozenset[str]
    own: frozenset[str] = frozenset()

    def segment_object(self, segment: Segment) -> str:
        """The object of an encoded segment."""
        return object_key("segments", segment.key, ".nut")

    def audio_object(self, film: Plan, audio: AudioProgramme) -> str:
        """The object of a film's encoded sound track."""
        return object_key("audio", audio.key, AUDIO_SUFFIX[film.encoding.audio_codec])

    @property
    def objects(self) -> list[str]:
        """All encoded parts of all films, each once."""
        segments = (self.segment_object(segment) for _, segment in self.plan.segments_once.values())
        sounds = (self.audio_object(film, audio) for film, audio in self.plan.sounds_once.values())
        return [*segments, *sounds]

    @property
    def missing_segments(self) -> list[Segment]:
        """The segments to encode: of equal ones the first."""
        once = (segment for _, segment in self.plan.segments_once.values())
        return [segment for segment in once if self.segment_object(segment) not in self.present]

    @property
    def missing_sounds(self) -> list[AudioProgramme]:
        """The sound tracks to encode."""
        once = self.plan.sounds_once.values()
        return [audio for film, audio in once if self.audio_object(film, audio) not in self.present]

    @property
    def cost(self) -> float:
        """What is left to be done, in the plan's unit."""
        encoding = sum(segment.cost for segment in self.missing_segments)
        return encoding + sum(audio.cost for audio in self.missing_sounds) + self.plan.all_assemble_cost

    @property
    def foreseen(self) -> CacheView:
        """How many of the film's segments this attempt need not encode, as far as the cache keeps what it promised."""
        return self.reused_but(frozenset(self.objects) - self.present)

    def reused_but(self, encoded: AbstractSet[str]) -> CacheView:
        """How many of the film's segments came out of the cache when this attempt encoded these objects."""
        made = self.shown(self.own | encoded)
        return CacheView(segments=len(self.plan.segments), reused=len(self.plan.segments) - made)

    def shown(self, objects: AbstractSet[str]) -> int:
        """How many segments of the film show one of these objects."""
        return sum(self.segment_object(segment) in objects for segment in self.plan.segments)

    def share(self, cost: float) -> Share:
        """What a step of this cost is of the render."""
        whole = self.plan.cost
        return Share(
            weight=cost / whole,
            total_frames=self.plan.total_frames,
            base=max(0.0, 1.0 - self.cost / whole),
            base_frames=self.plan.total_frames - sum(segment.frames for segment in self.missing_segments),
        )

    @property
    def progress(self) -> Progress:
        """How far the render is when the plan has just been made."""
        base = self.share(0.0)
        percent = min(99.0, round(100 * base.base, 1))
        return Progress(percent, base.base_frames, base.total_frames, stage="encoding")

    @property
    def missing_keys(self) -> frozenset[str]:
        """The plan's keys of what is to be encoded."""
        return frozenset([one.key for one in self.missing_segments] + [one.key for one in self.missing_sounds])

    @property
    def parts_to_do(self) -> list[Segment | AudioProgramme]:
        """What is to be encoded and, for a playlist of the first film, what is only to be cut. Its sound comes first then:
        nothing plays without it.
        """
        plan, missing = self.plan, self.missing_keys
        shown = plan.shown_keys
        segments = [one for key, (_, one) in plan.segments_once.items() if key in missing | shown]
        sounds = [one for key, (_, one) in plan.sounds_once.items() if key in missing | shown]
        return [*sounds, *segments] if plan.preview.hls else [*segments, *sounds]

    def film_of(self, segment: Segment) -> Plan:
        """The film whose encoding a segment has."""
        return self.plan.segments_once[segment.key][0]

    def segment(self, number: int) -> Segment:
        """The segment of a number, which counts on over all films."""
        return next(one for film in self.plan.films for one in film.segments if one.index == number)

    def sound(self, number: int) -> AudioProgramme:
        """The sound track of a number."""
        return next(audio for _, audio in self.plan.sounds_once.values() if audio.index == number)

    def object_of(self, part: Segment | AudioProgramme) -> str:
        """The object of an encoded part."""
        if isinstance(part, Segment):
            return self.segment_object(part)
        return self.audio_object(self.plan.sounds_once[part.key][0], part)

    def steps(self) -> list[NewStep]:
        """The steps that are left, ready to be queued."""
        requires = (f"ffmpeg:{self.plan.fingerprint}",)
        whole, missing = self.plan.cost, self.missing_keys

        def step(kind: StepKind, ordinal: int, cost: float, status: StepStatus = "queued") -> NewStep:
            return NewStep(new_id("stp"), kind, ordinal, status, cost, weight=cost / whole, requires=requires)

        parts = [
            step(
                "segment" if isinstance(one, Segment) else "audio",
                one.index,
                one.cost if one.key in missing else CUTTING_COST,
            )
            for one in self.parts_to_do
        ]
        return [*parts, step("assemble", 0, self.plan.all_assemble_cost, "blocked")]


def of_draft(draft: Draft, tools: Toolchain) -> Blueprint:
    """Cut a checked request as the FFmpeg of `tools` would render it, not yet knowing what is in the cache."""
    plan = make_plan(draft.timeline, draft.ask.output, further=draft.further, fingerprint=tools.fingerprint)
    return Blueprint(plan, dict(draft.resolved.keys), frozenset())


async def foresee(ctx: Context, blueprint: Blueprint) -> Blueprint:
    """The blueprint with what is in the cache now; it may be gone the next moment."""
    return msgspec.structs.replace(blueprint, present=frozenset(await look_up(ctx, blueprint.objects)))


async def draw(
    ctx: Context, render: Render, claim: Claim, tools: Toolchain, ask: Ask, fetched: Mapping[str, Fetched]
) -> Blueprint:
    """Compile a render's spec with what is known of its inputs, cut it, and take what it needs of the cache for its own.

    Raises steps.Fenced when the claim does not hold any more.
    """
    draft = await drafting.draft(ctx, render.project_id, ask, fetched)
    blueprint = of_draft(draft, tools)
    entries = await steps.use_parts(ctx, claim, blueprint.objects)
    there = {} if render.force else entries
    count_parts(len(blueprint.objects), len(there), bypassed=render.force)
    own = frozenset(key for key, entry in there.items() if entry.made_by == maker(render))
    return msgspec.structs.replace(blueprint, present=frozenset(there), own=own)

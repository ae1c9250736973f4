"""The blueprint: a plan with where its inputs and encoded parts lie and which of them are there already."""

from collections.abc import Set as AbstractSet

import msgspec

from renderowl.db.steps import NewStep
from renderowl.domain.events import Progress
from renderowl.domain.ids import new_id
from renderowl.domain.records import Claim, Render
from renderowl.pipeline.encoders import AUDIO_SUFFIX
from renderowl.pipeline.plan import AudioProgramme, Plan, Segment, make_plan
from renderowl.pipeline.tools import Toolchain
from renderowl.services import renders, steps
from renderowl.services.context import Context
from renderowl.services.renders import Draft
from renderowl.services.segment_cache import count_parts, look_up, maker, object_key
from renderowl.services.views import CacheView


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

    def audio_object(self, audio: AudioProgramme) -> str:
        """The object of the encoded sound track."""
        return object_key("audio", audio.key, AUDIO_SUFFIX[self.plan.encoding.audio_codec])

    @property
    def objects(self) -> list[str]:
        """All encoded parts, each once."""
        found = {self.segment_object(segment) for segment in self.plan.segments}
        if self.plan.audio is not None:
            found.add(self.audio_object(self.plan.audio))
        return sorted(found)

    @property
    def missing_segments(self) -> list[Segment]:
        """The segments to encode: of equal ones the first."""
        first = {self.segment_object(segment): segment for segment in reversed(self.plan.segments)}
        return sorted((one for key, one in first.items() if key not in self.present), key=lambda one: one.index)

    @property
    def missing_audio(self) -> AudioProgramme | None:
        """The sound track, if it is to be encoded."""
        audio = self.plan.audio
        return None if audio is None or self.audio_object(audio) in self.present else audio

    @property
    def cost(self) -> float:
        """What is left to be done, in the plan's unit."""
        audio = self.missing_audio
        encoding = sum(segment.cost for segment in self.missing_segments)
        return encoding + (audio.cost if audio is not None else 0.0) + self.plan.assemble_cost

    @property
    def cache_view(self) -> CacheView:
        """How many of the film's segments this attempt need not make."""
        return CacheView(segments=len(self.plan.segments), reused=self.shown(self.present - self.own))

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

    def steps(self) -> list[NewStep]:
        """The steps that are left, ready to be queued."""
        requires = (f"ffmpeg:{self.plan.fingerprint}",)
        whole = self.plan.cost
        found = [
            NewStep(
                new_id("stp"),
                "segment",
                segment.index,
                "queued",
                segment.cost,
                weight=segment.cost / whole,
                requires=requires,
            )
            for segment in self.missing_segments
        ]
        if (audio := self.missing_audio) is not None:
            weight = audio.cost / whole
            found.append(NewStep(new_id("stp"), "audio", 0, "queued", audio.cost, weight=weight, requires=requires))
        cost = self.plan.assemble_cost
        found.append(NewStep(new_id("stp"), "assemble", 0, "blocked", cost, weight=cost / whole, requires=requires))
        return found


def of_draft(draft: Draft, tools: Toolchain) -> Blueprint:
    """Cut a checked request as the FFmpeg of `tools` would render it, not yet knowing what is in the cache."""
    plan = make_plan(draft.timeline, draft.ask.output, fingerprint=tools.fingerprint)
    return Blueprint(plan, dict(draft.resolved.keys), frozenset())


async def foresee(ctx: Context, blueprint: Blueprint) -> Blueprint:
    """The blueprint with what is in the cache now; it may be gone the next moment."""
    return msgspec.structs.replace(blueprint, present=frozenset(await look_up(ctx, blueprint.objects)))


async def draw(ctx: Context, render: Render, claim: Claim, tools: Toolchain) -> Blueprint:
    """Compile a render's spec with what is known of its inputs, cut it, and take what it needs of the cache for its own.

    Raises steps.Fenced when the claim does not hold any more.
    """
    draft = await renders.draft(
        ctx, render.project_id, render.composition_id, render.input_props, render.output_settings
    )
    blueprint = of_draft(draft, tools)
    entries = await steps.use_parts(ctx, claim, blueprint.objects)
    there = {} if render.force else entries
    count_parts(len(blueprint.objects), len(there), bypassed=render.force)
    own = frozenset(key for key, entry in there.items() if entry.made_by == maker(render))
    return msgspec.structs.replace(blueprint, present=frozenset(there), own=own)

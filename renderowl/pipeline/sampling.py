"""Sampling: encode a moment of a few segments of a plan, to know what all of it will take on this machine."""

import asyncio
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import msgspec

from renderowl.pipeline.clock import exact, frame_at
from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.encoding import segment_cost
from renderowl.pipeline.estimate import Sample, sample_of
from renderowl.pipeline.plan import Plan, Preview, Segment
from renderowl.pipeline.run import Silent
from renderowl.pipeline.slice import window
from renderowl.pipeline.tools import Toolchain

MOMENT_S: Final = 2.0
"""A group of pictures: shorter ones are all key frame."""
MOST_SAMPLES: Final = 6


async def sample(
    plan: Plan, cached: Collection[str], inputs: Mapping[str, Path], tools: Toolchain, parallel: int
) -> list[Sample]:
    """Encode up to MOMENT_S of up to MOST_SAMPLES segments that are not cached, as many at once as the render would."""
    slots = asyncio.Semaphore(parallel)
    with tempfile.TemporaryDirectory(prefix="renderowl-") as scratch:

        async def measured(segment: Segment) -> Sample:
            async with slots:
                return await _measured(plan, segment, inputs, tools, Path(scratch))

        chosen = _chosen([segment for segment in plan.segments if segment.key not in cached])
        return list(await asyncio.gather(*map(measured, chosen)))


def _chosen(segments: list[Segment]) -> list[Segment]:
    """Return segments from the cheapest to the dearest a frame, evenly."""
    ranked = sorted(segments, key=lambda segment: (segment.cost / segment.frames, segment.index))
    count = min(MOST_SAMPLES, len(ranked))
    return [ranked[(2 * index + 1) * len(ranked) // (2 * count)] for index in range(count)]


async def _measured(
    plan: Plan, segment: Segment, inputs: Mapping[str, Path], tools: Toolchain, scratch: Path
) -> Sample:
    frames = min(segment.frames, max(1, frame_at(exact(MOMENT_S), segment.canvas.rate)))
    moment = window(plan.timeline, segment.start, segment.start + frames)
    canvas, encoding = moment.canvas, plan.encoding
    cost = segment_cost(moment.clips, frames, canvas.width, canvas.height, encoding)
    # What would be copied is encoded as well: the cost of copying is told as a part of that of encoding.
    changed = {"frames": frames, "canvas": canvas, "clips": moment.clips, "media": moment.media, "cost": cost}
    part = msgspec.structs.replace(segment, **changed, copies=False)
    work_dir = scratch / str(segment.index)
    out = scratch / f"{segment.index}.nut"
    made = await encode_segment(part, encoding, Preview(frames=False), inputs, out, work_dir, tools, Silent())
    return sample_of(part, encoding, made)

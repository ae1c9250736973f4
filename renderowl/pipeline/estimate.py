"""The estimate: how long a plan takes and how large its film is, as ranges, from what was measured on other segments.

Both are ratios to something the plan knows: seconds to cost, bytes to pixels. How these ratios spread over what was
measured is the range; nothing measured is no estimate.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from renderowl.pipeline.encode import EncodedSegment
from renderowl.pipeline.encoding import Encoding
from renderowl.pipeline.plan import Plan, Segment

_LOW, _HIGH = 0.1, 0.9
"""Of the cost measured: what lies outside is a machine that stood still or a picture without anything in it."""
_LEAST_SPREAD: Final = 0.1
"""However alike the samples are: the next film is another one."""
_CRF_HALVES: Final = 6
"""So much more CRF makes files half as large, for all of our codecs, roughly."""
_STREAMED: Final = ("h264", "hevc", "vp9", "av1")
_PCM_BITS_S: Final = 48_000 * 2 * 16


class Sample(msgspec.Struct, frozen=True):
    """A segment that was encoded: the `work` it was and the seconds it took; then what came out, when that is known."""

    work: float
    seconds: float
    megapixels: float = 0.0
    """Frames times pixels, in millions."""
    size_bytes: int = 0
    video_codec: str = ""
    crf: int = 0


def sample_of(segment: Segment, encoding: Encoding, made: EncodedSegment) -> Sample:
    """Return what was measured when a segment was encoded."""
    megapixels = segment.frames * segment.canvas.width * segment.canvas.height / 1e6
    return Sample(segment.cost, made.took_s, megapixels, made.size_bytes, encoding.video_codec, encoding.crf)


class Range(msgspec.Struct, frozen=True):
    """What is expected lies between."""

    low: float
    high: float


class Estimate(msgspec.Struct, frozen=True):
    """What a plan takes: `seconds` of one slot, `wall_seconds` with `slots` of them and nothing else to do; `bytes` of the film.

    `samples` is how many measured segments this rests on; what nothing was measured for is None.
    """

    seconds: Range | None
    wall_seconds: Range | None
    bytes: Range | None
    slots: int
    samples: int


def estimate(plan: Plan, missing: Sequence[float], samples: Sequence[Sample], slots: int) -> Estimate:
    """Return what a plan takes of whose steps so much work each is yet to be done before the assembly."""
    per_cost = _spread([(one.seconds / one.work, one.work) for one in samples if one.work > 0 < one.seconds])
    longest = max([sum(missing) / max(1, slots), *missing])
    sizes = [_film_bytes(film, samples) for film in plan.films]
    known = [size for size in sizes if size is not None]
    return Estimate(
        seconds=_times(per_cost, sum(missing) + plan.all_assemble_cost),
        wall_seconds=_times(per_cost, longest + plan.all_assemble_cost),
        bytes=Range(sum(size.low for size in known), sum(size.high for size in known)) if known == sizes else None,
        slots=slots,
        samples=len(samples),
    )


def _film_bytes(film: Plan, samples: Sequence[Sample]) -> Range | None:
    encoding, canvas = film.encoding, film.timeline.canvas
    sound = 0.0
    if film.audio is not None:
        sound = canvas.duration_s * _audio_bits_s(encoding) / 8
    if not film.segments:
        return Range(round(sound), round(sound))
    if encoding.video_codec not in _STREAMED:
        return None
    fitting = [one for one in samples if one.video_codec == encoding.video_codec and one.megapixels > 0]
    per_pixel = _spread([(_at_crf(one, encoding.crf), one.megapixels) for one in fitting])
    if per_pixel is None:
        return None
    megapixels = canvas.frames * canvas.width * canvas.height / 1e6
    return Range(round(per_pixel.low * megapixels + sound), round(per_pixel.high * megapixels + sound))


def _at_crf(sample: Sample, crf: int) -> float:
    return float(sample.size_bytes / sample.megapixels * 2.0 ** ((sample.crf - crf) / _CRF_HALVES))


def _audio_bits_s(encoding: Encoding) -> float:
    return _PCM_BITS_S if encoding.audio_codec == "pcm" else float(encoding.audio_bitrate.removesuffix("k")) * 1000


def _spread(weighed: Sequence[tuple[float, float]]) -> Range | None:
    """Return between which values most of the weight lies."""
    if not weighed:
        return None
    whole, passed = sum(weight for _, weight in weighed), 0.0
    low = high = 0.0
    for value, weight in sorted(weighed):
        if passed <= _LOW * whole:
            low = value
        if passed < _HIGH * whole:
            high = value
        passed += weight
    middle = (low + high) / 2
    return Range(min(low, middle * (1 - _LEAST_SPREAD)), max(high, middle * (1 + _LEAST_SPREAD)))


def _times(ratio: Range | None, amount: float) -> Range | None:
    return None if ratio is None else Range(round(ratio.low * amount, 2), round(ratio.high * amount, 2))

from pathlib import Path

import msgspec
import pytest

from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline import sampling
from renderowl.pipeline.encode import EncodedSegment
from renderowl.pipeline.estimate import Range, Sample, estimate
from renderowl.pipeline.plan import Plan, Segment, make_plan
from renderowl.pipeline.timeline import AudioClip, Canvas, Media, Rate, Timeline
from renderowl.pipeline.tools import Toolchain


def plan_of(output: OutputSettings, *, sound: bool = False) -> Plan:
    media = {"a.wav": Media("a.wav", "audio", "a", duration_s=10.0, has_audio=True)}
    audio = (AudioClip("a", 0, 300, "a.wav"),) if sound else ()
    return make_plan(Timeline(Canvas(1000, 1000, Rate(30), 300), media, (), audio), output, fingerprint="test")


def sample(seconds: float, size_bytes: int = 100_000, crf: int = 18) -> Sample:
    return Sample(work=100.0, seconds=seconds, megapixels=100.0, size_bytes=size_bytes, video_codec="h264", crf=crf)


def test_nothing_measured_is_no_estimate() -> None:
    found = estimate(plan_of(OutputSettings()), [300.0], [], 2)
    assert (found.seconds, found.wall_seconds, found.bytes, found.samples) == (None, None, None, 0)


def test_the_range_spans_what_was_measured_without_its_outliers() -> None:
    samples = [sample(1000.0), *(sample(10.0) for _ in range(9)), *(sample(20.0) for _ in range(9)), sample(0.01)]
    plan = plan_of(OutputSettings())
    found = estimate(plan, [300.0], samples, 1).seconds
    whole = 300.0 + plan.assemble_cost
    assert found is not None
    assert (found.low, found.high) == (round(0.1 * whole, 2), round(0.2 * whole, 2))


def test_alike_samples_still_leave_room() -> None:
    found = estimate(plan_of(OutputSettings()), [300.0], [sample(10.0)] * 5, 1).seconds
    assert found is not None
    assert found.low < 30.0 < found.high


def test_slots_share_the_work_but_not_the_longest_step() -> None:
    plan, samples = plan_of(OutputSettings()), [sample(10.0)] * 5
    shared = estimate(plan, [100.0] * 4, samples, 4)
    alone = estimate(plan, [400.0], samples, 4)
    assert shared.wall_seconds is not None
    assert alone.wall_seconds is not None
    assert shared.seconds is not None
    assert shared.wall_seconds.high < shared.seconds.high / 3
    assert alone.wall_seconds == alone.seconds


def test_nothing_left_costs_the_assembly_alone() -> None:
    found = estimate(plan_of(OutputSettings()), [], [sample(10.0)], 2)
    assert found.seconds is not None
    assert found.seconds.high < 1


@pytest.mark.parametrize(("crf", "factor"), [(18, 1.0), (24, 0.5), (12, 2.0)])
def test_bytes_follow_the_pixels_and_the_crf(crf: int, factor: float) -> None:
    found = estimate(plan_of(OutputSettings(crf=crf)), [300.0], [sample(10.0)] * 3, 1).bytes
    assert found == Range(pytest.approx(270_000 * factor, abs=2), pytest.approx(330_000 * factor, abs=2))


def test_sound_adds_its_bitrate_and_is_known_without_any_sample() -> None:
    settings = OutputSettings(audio_bitrate="128k")
    with_sound = estimate(plan_of(settings, sound=True), [300.0], [sample(10.0)], 1).bytes
    without = estimate(plan_of(settings), [300.0], [sample(10.0)], 1).bytes
    assert with_sound is not None
    assert without is not None
    assert with_sound.low - without.low == 160_000
    alone = estimate(plan_of(msgspec.structs.replace(settings, format="mp3"), sound=True), [1.0], [], 1).bytes
    assert alone == Range(160_000, 160_000)


def test_another_codecs_samples_say_nothing_about_bytes() -> None:
    assert estimate(plan_of(OutputSettings(codec="hevc")), [300.0], [sample(10.0)], 1).bytes is None
    assert estimate(plan_of(OutputSettings(format="gif")), [300.0], [sample(10.0)], 1).bytes is None


async def test_what_is_to_be_copied_is_measured_by_encoding_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Segment] = []

    async def encode(part: Segment, *_: object) -> EncodedSegment:
        seen.append(part)
        return EncodedSegment(tmp_path, part.frames, 1000, "", took_s=3.0)

    monkeypatch.setattr(sampling, "encode_segment", encode)
    plan = plan_of(OutputSettings())
    copied = tuple(msgspec.structs.replace(one, copies=True, cost=one.cost / 4) for one in plan.segments)
    found = await sampling.sample(
        msgspec.structs.replace(plan, segments=copied), (), {}, Toolchain("ffmpeg", "test"), 1
    )
    assert [part.copies for part in seen] == [False] * len(copied)
    whole = sum(one.cost / one.frames for one in plan.segments) / len(copied)
    assert found[0].work / seen[0].frames == pytest.approx(whole, rel=0.01)

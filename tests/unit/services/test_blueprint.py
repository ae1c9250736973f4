"""The blueprint: what is left to do, and what each step of it weighs."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.plan import Plan, make_plan
from renderowl.services.blueprint import Blueprint


def _plan(*colors: str, **output: Any) -> Plan:
    clips: list[dict[str, Any]] = [{"type": "color", "color": color, "duration": 4} for color in colors]
    spec = {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}
    ask = compositions.parse("timeline", spec, output, Limits())
    further = compositions.compile_further(ask, {})
    return make_plan(compositions.compile(ask, {}), ask.output, further=further, fingerprint="test")


def _blueprint(plan: Plan, present: Iterable[int] = ()) -> Blueprint:
    bare = Blueprint(plan, {}, frozenset())
    return Blueprint(plan, {}, frozenset(bare.segment_object(plan.segments[n]) for n in present))


RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


def test_nothing_cached_means_a_step_for_every_segment_and_the_assembly_blocked() -> None:
    steps = _blueprint(_plan(RED, GREEN, BLUE)).steps()
    assert [(step.kind, step.ordinal, step.status) for step in steps] == [
        ("segment", 0, "queued"),
        ("segment", 1, "queued"),
        ("segment", 2, "queued"),
        ("assemble", 0, "blocked"),
    ]
    assert sum(step.weight for step in steps) == pytest.approx(1.0)
    assert {step.requires for step in steps} == {("ffmpeg:test",)}


@pytest.mark.parametrize("present", [set(), {0}, {0, 2}, {0, 1, 2}])
def test_what_was_there_and_what_is_left_make_the_whole(present: set[int]) -> None:
    blueprint = _blueprint(_plan(RED, GREEN, BLUE), present)
    share = blueprint.share(0.0)
    assert share.base + sum(step.weight for step in blueprint.steps()) == pytest.approx(1.0)
    assert share.base_frames == 100 * len(present)
    assert (blueprint.foreseen.segments, blueprint.foreseen.reused) == (3, len(present))
    assert blueprint.progress.percent < 100


def test_of_equal_scenes_one_is_made() -> None:
    blueprint = _blueprint(_plan(RED, BLUE, RED, RED))
    assert [segment.index for segment in blueprint.missing_segments] == [0, 1]
    share = blueprint.share(0.0)
    assert share.base + sum(step.weight for step in blueprint.steps()) == pytest.approx(1.0)
    assert share.base_frames == 200


def test_it_survives_the_database() -> None:
    blueprint = _blueprint(_plan(RED, GREEN), {1})
    stored = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(blueprint)))
    assert msgspec.convert(stored, Blueprint) == blueprint


def test_further_files_add_only_the_segments_that_differ() -> None:
    plan = _plan(RED, GREEN, outputs=[{"format": "mov"}, {"width": 160}, {"width": 160, "format": "hls"}])
    blueprint = _blueprint(plan)
    steps = [(step.kind, step.ordinal) for step in blueprint.steps()]
    assert steps == [("segment", 0), ("segment", 1), ("segment", 4), ("segment", 5), ("assemble", 0)]
    assert sum(step.weight for step in blueprint.steps()) == pytest.approx(1.0)
    assert blueprint.share(0.0).total_frames == 400
    assert [blueprint.film_of(blueprint.segment(number)).output_name for number in (0, 4)] == [
        "video.mp4",
        "video-3.mp4",
    ]


def test_what_is_cached_is_cut_for_a_playlist_and_weighs_nothing() -> None:
    plan = _plan(RED, GREEN, BLUE, width=1280, height=720, preview={"hls": True}, outputs=[{"width": 160}])
    blueprint = _blueprint(plan, [0, 2])
    steps = blueprint.steps()
    assert [step.ordinal for step in steps] == [0, 1, 2, 3, 4, 5, 0]
    cut, made = steps[0].weight, steps[1].weight
    assert cut < made / 100
    assert blueprint.cost == pytest.approx(sum(step.cost for step in steps), rel=0.01)

"""Regions become highlights at the frames and places that were meant."""

import itertools
from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.effects.highlight import highlighted
from renderowl.pipeline.effects.source import plain
from renderowl.pipeline.graph import compile_graph
from renderowl.pipeline.timeline import Ellipse, EllipseKey, HighlightContent, Media, Timeline

FIELD = "asset://field"
MEDIA = {FIELD: Media(FIELD, "video", "hf", 1280, 720, 10.0, 25.0, has_video=True, has_audio=True)}
HERE = {"x": 0.5, "y": 0.5, "radius_x": 0.1, "radius_y": 0.2}


def made(*regions: dict[str, Any], effect: str = "dark_overlay", **output: Any) -> Timeline:
    props = {"input_key": FIELD, "params": {"highlightRegions": list(regions), "effectType": effect}}
    return compositions.compile(compositions.parse("overlay", props, output, Limits()), MEDIA)


def refused(*regions: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(*regions)
    return {error.path.removeprefix("/input_props/params"): error.message for error in caught.value.errors}


def highlights(timeline: Timeline) -> list[tuple[int, int, tuple[Ellipse, ...]]]:
    return [
        (clip.start, clip.frames, clip.content.ellipses)
        for clip in timeline.clips
        if isinstance(clip.content, HighlightContent)
    ]


def test_the_film_is_the_video() -> None:
    timeline = made()
    assert (timeline.canvas.width, timeline.canvas.frames, len(timeline.clips), len(timeline.audio)) == (
        1280,
        250,
        1,
        1,
    )


def test_frames_are_those_of_the_source_whatever_the_film_has() -> None:
    assert highlights(made({"start_frame": 25, "end_frame": 50, **HERE}, fps=50))[0][:2] == (50, 50)


def test_places_are_fractions_or_pixels_of_the_source() -> None:
    fractions = made({"start_time": 1, "end_time": 2, **HERE}, width=640, height=360)
    pixels = made({"start_time": 1, "end_time": 2, "x": 640, "y": 360, "radius_x": 128, "radius_y": 144}, width=640)
    key = EllipseKey(0, 320.0, 180.0, 64.0, 72.0, 0.6, "#ffffff")
    assert highlights(fractions) == highlights(pixels) == [(25, 25, (Ellipse(0, 25, (key,)),))]


def test_regions_that_overlap_in_time_share_one_effect_unless_they_are_tinted() -> None:
    regions = [{"start_time": at, "end_time": at + 2, **HERE} for at in (4, 1, 2, 8)]
    assert [(start, frames, len(group)) for start, frames, group in highlights(made(*regions))] == [
        (25, 75, 2),
        (100, 50, 1),
        (200, 50, 1),
    ]
    assert len(highlights(made(*regions, effect="original"))) == 4


def test_keyframes_may_lie_outside_their_region() -> None:
    keys = [{"time": 0, **HERE}, {"time": 9, **{**HERE, "x": 0.7}}]
    ((start, _, (ellipse,)),) = highlights(made({"start_time": 3, "end_time": 20, "keyframes": keys}))
    assert (start, ellipse.end, [key.frame for key in ellipse.keys]) == (75, 175, [-75, 150])


def test_all_problems_are_told_at_once() -> None:
    assert refused(
        {"start_frame": 5, "end_time": 2, **HERE},
        {"start_frame": 5, "end_frame": 5, "x": 1, "radius_x": 0, "radius_y": 1},
        {"start_time": 5, "keyframes": [{"time": 2, **HERE}, {"time": 1, **HERE}], "x": 3},
        {"end_frame": 1, **HERE, "colour": "#fff"},
    ) == {
        "/highlight_regions/0/start_time": "give either frames or times",
        "/highlight_regions/1/radius_x": "must be more than 0",
        "/highlight_regions/2/end_time": "is required",
        "/highlight_regions/2/keyframes/1/time": "must be later than that of the one before it",
        "/highlight_regions/2/x": "belongs into the keyframes",
        "/highlight_regions/3/colour": 'unknown field; did you mean "color"?',
    }
    assert refused({"start_frame": 5, "end_frame": 5}) == {
        "/highlight_regions/0/end_frame": "must be later than start_frame",
        **{f"/highlight_regions/0/{name}": "is required without keyframes" for name in HERE},
    }
    assert refused({"start_time": 10, "end_time": 12, **HERE}, {"start_frame": 250, "end_frame": 260, **HERE}) == {
        "/highlight_regions/0/start_time": "is beyond the film's end at 10 s",
        "/highlight_regions/1/start_frame": "is beyond the film's end at 10 s",
    }


def test_a_hundred_regions_at_once_are_no_expression_that_is_nested_as_deep() -> None:
    region = {"start_frame": 0, "end_frame": 30, **HERE}
    timeline = made(*([region] * 130))
    (clip,) = (one for one in timeline.clips if isinstance(one.content, HighlightContent))
    assert isinstance(clip.content, HighlightContent)
    below = plain("below", "#000000", 1280, 720, 30, timeline.canvas.rate)
    text = compile_graph(*highlighted(below, clip.content, 0, "lit", timeline.canvas)).text
    deepest = max(itertools.accumulate((char == "(") - (char == ")") for char in text))
    assert deepest < 40
    assert text.count("perspective") == 130
